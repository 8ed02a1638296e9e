-- `postevent help [COMMAND [ACTION]]`.

local exit = require("postevent.cli.exit")
local output = require("postevent.cli.output")

local help = {}

function help.define(parser)
  local command = parser:command("help", "Show this help, or that of a command.")
  command:argument("topic", "The command; and of spool or definitions, what it is to do."):args("0-2")
    :argname("COMMAND")
  return command
end

-- What is to be helped with, argparse's object; nil: there is no such command. `shown` is as for help.run.
local function find(shown, name, action)
  local command = shown[name]
  if action then
    return command and command.actions[action]
  end
  return command and command.object
end

-- `shown`: name of a command to { object = argparse's, actions = name to argparse's }.
function help.run(args, parser, shown)
  local subject = parser
  if args.topic[1] then
    subject = find(shown, args.topic[1], args.topic[2]) or exit.usage("help: there is no such command")
  end
  local written, why = output.line(subject:get_help())
  if not written then
    exit.with(exit.FAILED, why)
  end
  return exit.OK
end

return help
