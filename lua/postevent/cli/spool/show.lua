-- `postevent spool show`: an event as it would be sent, and why it is dead; without an id, a line for each.

local definitions_file = require("postevent.cli.definitions_file")
local exit = require("postevent.cli.exit")
local files = require("postevent.cli.spool.files")
local output = require("postevent.cli.output")
local view = require("postevent.cli.event_view")

local show = { summary = "Show an event, or without ID a line for each." }

function show.define(command)
  command:argument("id", "The event's id; of one that has none, its row, as `show DIR` prints it."):args("?")
    :argname("ID")
  view.define(command)
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

local function say_event(args, definitions, event, dead, name)
  view.say(args, definitions, event, dead, { "file", ("%s, row %d"):format(name, event.row) })
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
    exit.with(exit.FAILED, ("%s: there is no event %s%s"):format(output.printable(args.directory),
      output.printable(args.id), files.where(all_read)))
  end
  return all_read
end

local function show_all(args)
  local rows, more = {}, false
  local all_read = each_half(args.directory, function(file, name, dead)
    local next_event = files.events(file, dead, failing(args.directory, name))
    local event = not more and next_event()
    while event and #rows < view.MOST_LINES do
      rows[#rows + 1] = view.row(event, dead, files.reference(name, dead, event.row))
      event = next_event()
    end
    more = more or event ~= nil and event ~= false
  end)
  view.say_rows(rows, more and "... and more: postevent spool list counts them, export writes all" or nil)
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
