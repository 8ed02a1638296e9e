-- The command `postevent`: finds the sub-command, runs it, and turns whatever happens into a message and an exit
-- status. What sub-commands there are is in commands.lua.

local commands = require("postevent.cli.commands")
local exit = require("postevent.cli.exit")
local native = require("postevent.native")
local output = require("postevent.cli.output")
local streams = require("postevent.cli.streams")
local usage = require("postevent.cli.usage")

local INTERRUPTED = 130 -- what a shell makes of SIGINT

-- Whoever needs the core says what is wrong with it.
local function survive_pipes()
  local found, core = pcall(native, "postevent.core")
  if found then
    core.command.survive_pipes()
  end
end

local function run(argv, shown)
  local parser, modules, built = commands.build()
  for name, command in next, built do
    shown[name] = command
  end
  function parser.error(_, message)
    exit.usage(usage.explain(message, parser, argv))
  end
  local args = parser:parse(argv)
  if args.version then
    output.say(require("postevent").version)
    return exit.OK
  end
  if not args.command then
    exit.usage("a command is required: " .. table.concat(commands.NAMES, ", "))
  end
  local module = modules[args.command]
  if module.finishes and module.finishes(args) then
    survive_pipes()
  end
  return module.run(args, parser, shown)
end

-- Every line of a message is marked as ours.
local function complain(message)
  io.stderr:write("postevent: ", (output.printable_lines(message):gsub("\n", "\npostevent: ")), "\n")
end

-- Something that no sub-command expected, in one line: a module that is not there, Ctrl-C while Lua runs, a mistake.
local function end_badly(message)
  message = tostring(message):match("^[^\n]*")
  if message:find("interrupted!$") then
    return INTERRUPTED
  end
  complain((message:gsub("^[^:]+:%d+: ", ""):gsub(":$", "")))
  return exit.FAILED
end

-- " spool list": which help says how that is used.
local function topic_of(argv, shown)
  local command = shown[argv[1]]
  if not command then
    return ""
  end
  local words = argv[1]
  if command.actions[argv[2]] then
    words = words .. " " .. argv[2]
    words = command.actions[argv[2] .. " " .. tostring(argv[3])] and words .. " " .. argv[3] or words
  end
  return " " .. words
end

-- Runs the command with the arguments `argv`, and returns its exit status. Raises nothing.
return function(argv)
  local shown = {}
  streams.hold()
  local ok, result = pcall(run, argv, shown)
  if ok then
    return result
  end
  if not exit.is_exit(result) then
    return end_badly(result)
  end
  if result.message then
    complain(result.message)
  end
  if result.message and result.status == exit.USAGE then
    complain("see: postevent help" .. topic_of(argv, shown))
  end
  return result.status
end
