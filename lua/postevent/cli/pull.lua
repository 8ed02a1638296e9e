-- `postevent definitions pull`: downloads definitions from the platform, and says what has changed since. The file is
-- written when all went well, and not a byte of it before.

local changes = require("postevent.cli.changes")
local definitions = require("postevent.definitions")
local exit = require("postevent.cli.exit")
local json = require("postevent.json")
local nearest = require("postevent.nearest")
local notes = require("postevent.cli.notes")
local output = require("postevent.cli.output")
local platform = require("postevent.cli.platform")

local pull = {}

function pull.define(group)
  local command = group:command("pull", "Download definitions from the platform, and say what has changed.")
  command:option("-o --output", "Write them to FILE, once they are all there; -: to stdout."):argname("FILE"):count(1)
    :overwrite(false)
  command:mutex(
    command:option("--event", "The event of that name alone."):argname("NAME"):overwrite(false),
    command:flag("--standard", "The platform's standard events, in place of your own."))
  command:flag("--check", "Write nothing: only say what has changed.")
  platform.define(command)
  notes.set_statuses(command, { { 0, "done; with --check: nothing has changed" },
    { 1, "they cannot be had; with --check, too: something has changed" }, { 75, "trying again later may help" } })
  notes.set_examples(command, {
    { "All of them, from a cluster:",
      "postevent definitions pull --cluster eu --token-file token.txt \\\n  -o events.json" },
    { "In a build, which fails where the platform's are others:",
      "postevent definitions pull --cluster eu --token-file token.txt \\\n  -o events.json --check" },
  })
  return command
end

local function place_of(args)
  if args.event then
    return "/v2/events/meta", { { "event_name", args.event } }
  end
  return args.standard and "/v2/events/standard_events_meta" or "/v2/events", {}
end

-- "; did you mean be_reserved?", of the events that there are.
local function suggest(asked, name)
  local ok, _, document = pcall(asked.ask, asked, "/v2/events", {})
  local read, events = pcall(definitions.examine, ok and document)
  local names = {}
  for i, event in ipairs(read and events or {}) do
    names[i] = event.name
  end
  local meant = nearest(name, names)
  return meant and ("; did you mean %s?"):format(meant) or ""
end

-- The text and its events. Ends the command where they cannot be had.
local function download(args)
  local asked = platform.new(args)
  local path, query = place_of(args)
  local text, document = asked:ask(path, query)
  if not text then
    asked:fail(path, "endpoint", args.event
      and ("there is no event %s%s"):format(args.event, suggest(asked, args.event)) or "HTTP 404")
  end
  local ok, events, form = pcall(definitions.examine, document)
  if not ok or form ~= "platform" then
    asked:fail(path, "bad_reply", ("these are no definitions%s"):format(ok and "" or ": " .. tostring(events)))
  end
  asked:close()
  return text, events
end

-- The text of a file; nil: it is not there. Ends the command where it cannot be read.
local function read_file(path)
  local file, message, number = io.open(path, "rb")
  if not file and number == 2 then -- ENOENT
    return nil
  end
  local text
  if file then
    text, message = file:read("*a")
    file:close()
  end
  return text or exit.usage(("--output: cannot read %s: %s"):format(path, (tostring(message):gsub("^.*: ", ""))))
end

-- The events that were in the file before. Ends the command where it is not a download: who has written it by hand, or
-- mistaken the name, does not want it gone.
local function read_before(text, path, is_check)
  if not text or text == "" then
    return {}
  end
  local document, message = json.decode(text)
  local ok, events, form = pcall(definitions.examine, document)
  if message or not ok then
    exit.usage(("--output: %s is there, and holds no definitions: %s"):format(path, message or tostring(events)))
  elseif form ~= "platform" and not is_check then
    exit.usage(("--output: %s is there in the short form, written by hand; name another file"):format(path))
  end
  return events
end

-- The file is the new one or the old one at every moment.
local function write_file(path, text)
  local part = ("%s.%s-%d.part"):format(path, tostring({}):match("%x+$"), os.time()) -- another's, too, may be at it
  local file, message = io.open(part, "wb")
  local done = file
  if file then
    done, message = file:write(text)
    local closed, why = file:close()
    done, message = done and closed, message or why
  end
  if done then
    done, message = os.rename(part, path)
  end
  if not done then
    os.remove(part)
    exit.with(exit.FAILED, ("--output: cannot write %s: %s"):format(path, (tostring(message):gsub("^.*: ", ""))))
  end
end

-- With --event, that one alone is compared; the others that are in the file are not to be lost.
local function choose(before, args)
  local chosen = {}
  for _, event in ipairs(before) do
    if not args.event or event.name == args.event then
      chosen[#chosen + 1] = event
    elseif not args.check then
      exit.usage(("--output: %s has other events, too; name another file, or leave --event out"):format(args.output))
    end
  end
  return chosen
end

-- "2 events added, 1 removed"
local function summarize(counts)
  local parts = {}
  for _, how in ipairs { "added", "removed", "changed" } do
    if counts[how] > 0 then
      local first = not parts[1] and (counts[how] == 1 and " event" or " events") or ""
      parts[#parts + 1] = ("%d%s %s"):format(counts[how], first, how)
    end
  end
  return parts[1] and table.concat(parts, ", ") or "nothing has changed"
end

-- Returns whether there are any.
local function say_changes(path, before, events)
  local lines, counts = changes.find(before, events)
  for _, line in ipairs(lines) do
    output.say(output.printable(line))
  end
  output.say(output.printable(("%s: %s"):format(path, summarize(counts))))
  return lines[1] ~= nil
end

function pull.run(args)
  local path = args.output
  if path == "-" and args.check then
    exit.usage("--check compares with a file: -o FILE")
  end
  local old = path ~= "-" and read_file(path) or nil
  local before = choose(read_before(old, path, args.check), args)
  local text, events = download(args)
  text = text:find("\n$") and text or text .. "\n"
  if path == "-" then
    -- The same JSON: what output makes printable can stand only in its texts, but for blanks.
    output.say((text:gsub("\n$", ""):gsub("[\t\r]", " "):gsub("[^\n]+", output.printable_json)))
    return exit.OK
  end
  if not args.check and text ~= old then
    write_file(path, text)
  end
  local has_changed = say_changes(path, before, events)
  return args.check and has_changed and exit.FAILED or exit.OK
end

return pull
