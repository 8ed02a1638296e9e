-- `postevent spool show`: an event as it would be sent, and why it is dead; without an id, a line for each.

local age = require("postevent.cli.spool.age")
local body = require("postevent.cli.spool.body")
local definitions_file = require("postevent.cli.definitions_file")
local exit = require("postevent.cli.exit")
local files = require("postevent.cli.spool.files")
local output = require("postevent.cli.output")

local show = { summary = "Show an event, or without ID a line for each." }

local MOST_LINES = 100
local NAME_WIDTH = 24
local LEAST_HIDDEN = 4 -- what is shorter is in every text
local MASK = "***"

function show.define(command)
  command:argument("id", "The event's id; of one that has none, its row, as `show DIR` prints it."):args("?")
    :argname("ID")
  command:option("--definitions", "Mask the values of attributes that are sensitive (isPsiData) in FILE (-: stdin)."
    ):argname("FILE")
  command:flag("--show-sensitive", "Mask nothing.")
end

-- Calls `visit(file, name, dead)` for the dead of every file, and for its pending events. Returns whether all files
-- could be read.
local function each_half(directory, visit)
  return files.each(directory, files.list(directory), "look", function(file, name)
    visit(file, name, true)
    visit(file, name, false)
  end)
end

-- What to call when a file cannot be read on.
local function failing(directory, name)
  return function(why)
    files.fail(directory, name, why)
  end
end

-- ---- one event ----

-- Which attributes are to be masked, as a set; and where that is not known, why not.
local function find_sensitive(args, definitions, event)
  if args.show_sensitive then
    return {}
  elseif not definitions then
    return {}, "without --definitions nothing is known to be sensitive, and nothing is masked"
  end
  local names = body.sensitive(definitions, event.name)
  return names or {}, not names and "the definitions do not have this event: nothing is masked" or nil
end

-- What the text of a masked value may look like elsewhere: in a reply, a message, the id.
local function add_secrets(secrets, value)
  local plain = value:match('^"(.*)"$') or value
  if #plain >= LEAST_HIDDEN then
    secrets[#secrets + 1] = (plain:gsub("%W", "%%%0"))
  end
end

-- The attributes as lines, and what in them was masked.
local function attribute_lines(event, masked)
  local rows, secrets = {}, {}
  local attributes = body.split(event.body)
  if not attributes then
    return { "  (no JSON: the file is damaged)" }, secrets
  end
  for _, attribute in ipairs(attributes) do
    local name, value = attribute[1], attribute[2]
    if masked[name] then
      add_secrets(secrets, value)
      value = MASK
    end
    rows[#rows + 1] = { "  " .. output.printable(name), output.printable_json(value) }
  end
  return output.columns(rows), secrets
end

local function describe(event, dead, where)
  local rows = {
    { "id", event.id or "none" }, { "event", event.name or "none" },
    { "state", dead and "dead: " .. event.outcome or "pending" }, { "accepted", age.moment(event.accepted_at) },
  }
  if dead then
    rows[#rows + 1] = { "ended", age.moment(event.ended_at) }
    rows[#rows + 1] = { "code", event.code or "none" }
    rows[#rows + 1] = event.message and { "reason", event.message }
    rows[#rows + 1] = event.http_status and { "HTTP", tostring(event.http_status) }
    rows[#rows + 1] = event.reply and { "reply", event.reply }
  end
  rows[#rows + 1] = { "file", where }
  return rows
end

local function say_event(args, definitions, event, dead, name)
  local masked, note = find_sensitive(args, definitions, event)
  local lines, secrets = attribute_lines(event, masked)
  local rows = describe(event, dead, ("%s, row %d"):format(name, event.row))
  for _, row in ipairs(rows) do
    for _, secret in ipairs(secrets) do
      row[2] = row[2]:gsub(secret, MASK)
    end
    row[2] = output.printable(row[2])
  end
  for _, line in ipairs(output.columns(rows)) do
    output.say(line)
  end
  output.say("")
  for _, line in ipairs(lines) do
    output.say(line)
  end
  if note then
    output.warn(note)
  end
end

local function show_one(args, definitions)
  local count = 0
  local function say(event, dead, name)
    if count > 0 then
      output.say("")
    end
    count = count + 1
    say_event(args, definitions, event, dead, name)
  end
  local all_read = each_half(args.directory, function(file, name, dead)
    for event in files.events(file, dead, failing(args.directory, name), args.id) do
      say(event, dead, name)
    end
    local event = files.refer(file, name, dead, args.id)
    if event then
      say(event, dead, name)
    end
  end)
  if count == 0 then
    exit.with(exit.FAILED, ("%s: there is no event of that id"):format(args.directory))
  end
  return all_read
end

-- ---- all of them ----

local function row_of(event, dead, name)
  return {
    output.cut(output.printable(event.name or "(no name)"), NAME_WIDTH),
    dead and output.printable(event.code or event.outcome) or "pending", age.of(event.accepted_at),
    output.printable(event.id or files.reference(name, dead, event.row)),
  }
end

local function show_all(args)
  local rows, more = { { "EVENT", "STATE", "AGE", "ID" } }, false
  local all_read = each_half(args.directory, function(file, name, dead)
    local next_event = files.events(file, dead, failing(args.directory, name))
    local event = not more and next_event()
    while event and #rows <= MOST_LINES do
      rows[#rows + 1] = row_of(event, dead, name)
      event = next_event()
    end
    more = more or event ~= nil and event ~= false
  end)
  for _, line in ipairs(output.columns(rows)) do
    output.say(line)
  end
  if more then
    output.say("... and more: postevent spool list counts them, export writes all")
  end
  return all_read
end

function show.run(args)
  local definitions = args.definitions and definitions_file.read("--definitions", args.definitions)
  local all_read
  if args.id then
    all_read = show_one(args, definitions)
  else
    all_read = show_all(args)
  end
  return all_read and exit.OK or exit.FAILED
end

return show
