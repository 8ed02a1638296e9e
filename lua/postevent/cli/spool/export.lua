-- `postevent spool export`: the events as JSON Lines, which `postevent check` and `postevent import` read.

local exit = require("postevent.cli.exit")
local files = require("postevent.cli.spool.files")
local output = require("postevent.cli.output")

local export = { summary = "Write the events as JSON Lines; nothing is masked." }

function export.define(command)
  command:flag("--dead", "The dead ones alone.")
  command:flag("--pending", "The pending ones alone.")
end

local function write_events(directory, file, name, dead)
  for event in files.events(file, dead, function(why)
    files.fail(directory, name, why)
  end) do
    output.say(output.printable_json(event.body))
  end
end

function export.run(args)
  local both = args.dead == args.pending
  local all_read = files.each(args.directory, files.list(args.directory), "look", function(file, name)
    if args.dead or both then
      write_events(args.directory, file, name, true)
    end
    if args.pending or both then
      write_events(args.directory, file, name, false)
    end
  end)
  return all_read and exit.OK or exit.FAILED
end

return export
