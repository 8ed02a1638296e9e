-- The command `postevent`: finds the sub-command, runs it, and turns whatever happens into a message and an exit
-- status. A sub-command is a file beside this one, a table of two functions: `define` adds it to the parser and returns
-- argparse's object for it, and where it has actions theirs, by name; `run` does the work, returns an exit status, and
-- ends early through exit.lua.

local exit = require("postevent.cli.exit")
local output = require("postevent.cli.output")

local COMMANDS = { "post", "check", "definitions", "spool", "sandbox", "help" } -- in the order of the help
local INTERRUPTED = 130 -- what a shell makes of SIGINT

-- Returns argparse's parser, and by name the sub-commands; `shown` gets what help.run wants to know of each.
local function build(shown)
  local parser = require("argparse")("postevent", "Posts behavioural events to a webhook.")
    :command_target("command"):require_command(false):help_max_width(90)
  parser:flag("--version", "Print the version.")
  local commands = {}
  for _, name in ipairs(COMMANDS) do
    commands[name] = require("postevent.cli." .. name)
    local object, actions = commands[name].define(parser)
    shown[name] = { object = object, actions = actions or {} }
  end
  return parser, commands
end

-- argparse quotes what it takes for a command; it may be an option's value out of place, a credential.
local function hide_argument(message)
  local word = message:match("^unknown command '(.-)'")
  if word and not word:find("^[%l-]+$") then
    return "unknown command"
  end
  return message
end

local function parse(parser, argv)
  local ok, args = parser:pparse(argv)
  if not ok then
    exit.usage(hide_argument(args))
  end
  return args
end

local function run(argv, shown)
  local parser, commands = build(shown)
  local args = parse(parser, argv)
  if args.version then
    local written, why = output.line(require("postevent").version)
    return written and exit.OK or exit.with(exit.FAILED, why)
  end
  if not args.command then
    exit.usage("a command is required: " .. table.concat(COMMANDS, ", "))
  end
  return commands[args.command].run(args, parser, shown)
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
  return " " .. argv[1] .. (command.actions[argv[2]] and " " .. argv[2] or "")
end

-- Runs the command with the arguments `argv`, and returns its exit status. Raises nothing.
return function(argv)
  local shown = {}
  local ok, result = pcall(run, argv, shown)
  if ok then
    return result
  end
  if not exit.is_exit(result) then
    return end_badly(result)
  end
  complain(result.message)
  if result.status == exit.USAGE then
    complain("see: postevent help" .. topic_of(argv, shown))
  end
  return result.status
end
