-- `postevent help [COMMAND [ACTION]]`.

local exit = require("postevent.cli.exit")
local notes = require("postevent.cli.notes")
local output = require("postevent.cli.output")
local usage = require("postevent.cli.usage")

local help = {}

function help.define(parser)
  local command = parser:command("help", "Show this help, or that of a command.")
  command:argument("topic", "The command; and of spool, relay or definitions, what it is to do."):args("0-3")
    :argname("COMMAND")
  notes.set_statuses(command, { { 0, "done" } })
  return command
end

-- The last words of the names that begin so, sorted.
local function sorted_names(map, beginning)
  local names = {}
  for name in next, map do
    local rest = name:sub(1, #beginning) == beginning and name:sub(#beginning + 1) or ""
    names[#names + 1] = rest:match("^[^ ]+$")
  end
  table.sort(names)
  return names
end

-- What is to be helped with, argparse's object. Ends the command where there is no such thing. `shown` is as for
-- help.run; `topic` the words, of which there is one.
local function find(shown, topic)
  local command = shown[topic[1]] or exit.usage("help: " .. usage.unknown(topic[1], sorted_names(shown, "")))
  local object, beginning = command.object, ""
  for i = 2, #topic do
    object = command.actions[beginning .. topic[i]] or exit.usage(("help %s: %s"):format(
      table.concat(topic, " ", 1, i - 1), usage.unknown(topic[i], sorted_names(command.actions, beginning))))
    beginning = beginning .. topic[i] .. " "
  end
  return object
end

-- `shown`: name of a command to { object = argparse's, actions = name to argparse's }.
function help.run(args, parser, shown)
  local subject = parser
  if args.topic[1] then
    subject = find(shown, args.topic)
  end
  output.say(subject:get_help())
  return exit.OK
end

return help
