-- `postevent check`: checks events of a file against definitions, and sends nothing.

local definitions_file = require("postevent.cli.definitions_file")
local exit = require("postevent.cli.exit")
local foreign = require("postevent.foreign")
local input = require("postevent.cli.input")
local json = require("postevent.json")
local notes = require("postevent.cli.notes")
local output = require("postevent.cli.output")
local problems = require("postevent.cli.problems")

local check = {}

local LINES_KEPT = 500

function check.define(parser)
  local command = parser:command("check", "Check events against their definitions; nothing is sent.")
  command:argument("events", "JSON Lines: an event, a JSON object, on each line (-: stdin)."):argname("EVENTS")
  command:option("--definitions", "The definitions: the platform's own download, or the short form, as JSON "
    .. "(-: stdin)."):argname("FILE"):count(1):overwrite(false)
  notes.set_statuses(command, { { 0, "there is no problem" }, { 1, "there is one" } },
    "Every problem is printed with its line.")
  notes.set_examples(command, {
    { "What is wrong with the events of a file:", "postevent check --definitions events.json reservations.jsonl" },
  })
  return command
end

-- Ends the command where the file holds something else than JSON Lines.
local function stop_at(path, found)
  if found then
    exit.usage(("EVENTS: %s:%d: %s"):format(input.name(path), found.line, foreign.explain(found, "lines")))
  end
end

-- What is wrong with an event, as texts; none: an empty list. And whether some of it is no UTF-8.
local function check_event(client, definitions, event)
  local encoded, why, _, detail = client:encode(event)
  if encoded then
    return {}
  end
  return problems.describe(why, detail, event, definitions), problems.has_rule(detail.problems, "utf8")
end

-- LuaJIT keeps all strings in one table, by a hash of a few of their bytes: lines that look alike, as those of events
-- do, meet in one place of it, and a file takes time by the square of its lines. So they are thrown away in time.
local function clean_up(count)
  if rawget(_G, "jit") and count % LINES_KEPT == 0 then
    collectgarbage()
  end
end

-- The problems of a line, as texts with its place. `text`: what is behind it. `seen`: what was seen of the file.
local function check_line(client, definitions, path, number, line, is_cut, text, seen)
  local name = input.name(path)
  local here = ("%s:%d"):format(name, number)
  if is_cut then
    return { here .. ": too long to be an event" }
  end
  local event, message = json.decode_event(line, number)
  if not event then
    stop_at(path, foreign.find(line .. "\n" .. text:ahead(), "lines", number))
    return { problems.locate(name, message) }
  end
  local lines, is_foreign = check_event(client, definitions, event)
  if is_foreign and not seen.encoding then
    seen.encoding = true
    stop_at(path, foreign.find_encoding(line .. "\n" .. text:ahead(), number, seen.utf8))
  end
  seen.utf8 = seen.utf8 or line:find("[\128-\255]") ~= nil
  for i, problem in ipairs(lines) do
    lines[i] = here .. ": " .. problem
  end
  return lines
end

-- Checks all lines. Returns how many events there are, and how many of them have problems.
local function check_all(client, definitions, path)
  local count, bad, seen = 0, 0, {}
  for number, line, is_cut, text in input.lines("EVENTS", path, function(beginning)
    stop_at(path, foreign.find(beginning, "lines"))
  end) do
    if line:find("%S") then
      local lines = check_line(client, definitions, path, number, line, is_cut, text, seen)
      count = count + 1
      clean_up(count)
      bad = bad + (lines[1] and 1 or 0)
      for _, problem in ipairs(lines) do
        output.say(output.printable(problem))
      end
    end
  end
  return count, bad
end

function check.run(args)
  input.check_stdin(args, { "--definitions", "EVENTS" })
  local definitions = definitions_file.read("--definitions", args.definitions)
  local client = require("postevent").new {
    mode = "record",
    definitions = definitions,
    log = function(_, message)
      output.warn(message)
    end,
  }
  local count, bad = check_all(client, definitions, args.events)
  client:close()
  output.say(("%d %s, %d with problems"):format(count, count == 1 and "event" or "events", bad))
  return bad == 0 and exit.OK or exit.FAILED
end

return check
