-- `postevent definitions`: shows event definitions, finds what is wrong with them, and makes of them what people need
-- to write events.

local definitions = require("postevent.definitions")
local definitions_file = require("postevent.cli.definitions_file")
local exit = require("postevent.cli.exit")
local input = require("postevent.cli.input")
local notes = require("postevent.cli.notes")
local output = require("postevent.cli.output")
local problems = require("postevent.cli.problems")
local pull = require("postevent.cli.pull")

local command = {}

local NO_PCRE2 = "no regex is checked: this build has no PCRE2"

local actions = {}

-- In the order of the help; `pull` has a file of its own.
local ACTIONS = {
  { "list", "List the events.", { { 0, "done" } } },
  { "show", "Show the attributes of an event.", { { 0, "done" }, { 1, "there is no such event" } }, true },
  { "lint", "Find what is wrong with the definitions.", { { 0, "nothing is" }, { 1, "something is" } } },
  { "sample", "Make an event, as JSON to edit.", { { 0, "it is valid" }, { 1, "it is not yet" } }, true },
  { "types", "Write types for the Lua language server: editors then complete the attributes of an event.",
    { { 0, "done" } } },
}

function command.define(parser)
  local group = parser:command("definitions", "Show and check event definitions, and write events from them.")
    :command_target("action"):require_command(true)
  local shown = {}
  for _, action in ipairs(ACTIONS) do
    local sub = group:command(action[1], action[2])
    sub:argument("file", "The definitions: the platform's own download, or the short form, as JSON (-: stdin).")
      :argname("FILE")
    if action[4] then
      sub:argument("name", "The event."):argname("NAME")
    end
    notes.set_statuses(sub, action[3])
    shown[action[1]] = sub
  end
  shown.pull = pull.define(group)
  return group, shown
end

local function say_columns(rows)
  for _, line in ipairs(output.columns(rows)) do
    output.say(output.printable(line))
  end
end

-- A strict client that sends nothing.
local function new_client(read)
  return require("postevent").new { mode = "record", definitions = read, stamp = false }
end

local MOST_SHOWN = 64 -- bytes of a name in a message

-- The event of that name. Ends the command where there is none; the client knows the words for it, but not the name
-- that was asked for: an event's may be anybody's text.
local function find_event(read, name, path)
  for _, event in ipairs(read.events) do
    if event.name == name then
      return event
    end
  end
  local client = new_client(read)
  local _, message = client:encode { event_name = name }
  client:close()
  message = message:gsub("^event_name: ", ""):gsub("^unknown event", function(words)
    return ('%s "%s"'):format(words, name:sub(1, MOST_SHOWN))
  end)
  exit.with(exit.FAILED, ("%s: NAME: %s"):format(input.name(path), message))
end

local function yes(flag, word)
  return flag and word or "-"
end

local function status_of(event)
  return event.published and "published" or "unpublished"
end

-- ---- list, show ----

function actions.list(args)
  local rows = { { "NAME", "STATUS", "ATTRIBUTES", "LABEL" } }
  for _, event in ipairs(definitions_file.read("FILE", args.file).events) do
    rows[#rows + 1] = { event.name, status_of(event), tostring(#event.attributes), event.label or "-" }
  end
  say_columns(rows)
  return exit.OK
end

-- What more a value must be: "1, 2, 3", "matches [0-9]{4}".
local function restriction(attribute)
  if attribute.type == "ENUM" then
    return table.concat(attribute.values or {}, ", ")
  end
  return attribute.regex and "matches " .. attribute.regex or "-"
end

function actions.show(args)
  local event = find_event(definitions_file.read("FILE", args.file), args.name, args.file)
  local rows = { { "NAME", "TYPE", "REQUIRED", "UNIQUE", "SENSITIVE", "VALUES" } }
  for _, attribute in ipairs(event.attributes) do
    rows[#rows + 1] = {
      attribute.name, attribute.type .. (attribute.identifier and ":" .. attribute.identifier or ""),
      attribute.required and "required" or "optional", yes(attribute.unique, "unique"),
      yes(attribute.sensitive, "sensitive"), restriction(attribute),
    }
  end
  output.say(output.printable(("%s, %s%s"):format(event.name, status_of(event),
    event.label and event.label ~= event.name and ": " .. event.label or "")))
  say_columns(rows)
  return exit.OK
end

-- ---- lint ----

-- What is wrong with the definitions in a document, as texts.
local function find_problems(document)
  local ok, events, _, broken = pcall(definitions.examine, document)
  if not ok then
    return { tostring(events) }
  end
  local compiled, _, skipped = pcall(definitions.compile, events) -- it raises only beyond a limit that is in `broken`
  local has_pcre2 = require("postevent").features.pcre2
  for _, pattern in ipairs(compiled and has_pcre2 and skipped or {}) do
    broken[#broken + 1] = ("event %s, attribute %s: its regex: %s"):format(pattern.event, pattern.attribute,
      pattern.why)
  end
  if not has_pcre2 and compiled and skipped[1] then
    output.warn(NO_PCRE2)
  end
  return broken
end

function actions.lint(args)
  local name = input.name(args.file)
  local document, message = definitions_file.decode("FILE", args.file)
  local found = document and find_problems(document) or { message }
  for _, text in ipairs(found) do
    output.say(output.printable(problems.locate(name, text)))
  end
  output.say(#found == 0 and "no problems" or ("%d problem%s"):format(#found, #found == 1 and "" or "s"))
  return #found == 0 and exit.OK or exit.FAILED
end

-- ---- sample, types ----

-- What is still wrong with a sample, as texts.
local function judge(read, event, unmade)
  local found, told = {}, {}
  for _, item in ipairs(unmade) do
    found[#found + 1] = ("%s: %s"):format(item.attribute, item.message)
    told[item.attribute] = true
  end
  local client = new_client(read)
  local encoded, message, _, detail = client:encode(event)
  client:close()
  for _, problem in ipairs(not encoded and detail.problems or {}) do
    found[#found + 1] = not told[problem.attribute] and problem.message or nil
  end
  if not encoded and not detail.problems then
    found[#found + 1] = message
  end
  return found
end

function actions.sample(args)
  local read = definitions_file.read("FILE", args.file)
  local definition = find_event(read, args.name, args.file)
  local event, unmade = require("postevent.cli.sample").make(definition)
  local members = { { "event_name", event.event_name } }
  for _, attribute in ipairs(definition.attributes) do
    members[#members + 1] = attribute.name ~= "event_name" and { attribute.name, event[attribute.name] } or nil
  end
  output.say(output.pretty_json(members))
  local found = judge(read, event, unmade)
  if found[1] then
    exit.with(exit.FAILED, output.printable(table.concat(found, "; ")))
  end
  return exit.OK
end

function actions.types(args)
  output.say(require("postevent.cli.types").write(definitions_file.read("FILE", args.file).events,
    input.name(args.file)))
  return exit.OK
end

actions.pull = pull.run

function command.run(args)
  return actions[args.action](args)
end

return command
