-- `postevent help [COMMAND]`.

local exit = require("postevent.cli.exit")
local output = require("postevent.cli.output")

local help = {}

function help.define(parser)
  local command = parser:command("help", "Show this help, or that of a command.")
  command:argument("topic", "The command."):args("?"):argname("COMMAND")
  return command
end

-- `commands`: name to argparse's object.
function help.run(args, parser, commands)
  local subject = parser
  if args.topic then
    subject = commands[args.topic] or exit.usage("help: there is no such command")
  end
  local written, why = output.line(subject:get_help())
  if not written then
    exit.with(exit.FAILED, why)
  end
  return exit.OK
end

return help
