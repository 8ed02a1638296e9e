-- The commands, and the parser that knows them all. A sub-command is a file beside this one, a table of functions:
-- `define` adds it to the parser and returns argparse's object for it, and where it has actions theirs, by name; `run`
-- does the work, returns an exit status, and ends early through exit.lua; `finishes`, where there is one, says whether
-- there is something to finish, or to say, although nobody reads the output: the others end by SIGPIPE, as commands do.

local exit = require("postevent.cli.exit")
local notes = require("postevent.cli.notes")
local output = require("postevent.cli.output")

local commands = {}

-- In the order of the help.
commands.NAMES = { "post", "import", "check", "definitions", "receipts", "spool", "relay", "sandbox", "completion",
  "help" }

-- --help, which argparse would print with no regard to whether that can be written.
local function add_help(object)
  object:add_help { action = function()
    output.say(object:get_help())
    exit.with(exit.OK)
  end }
end

-- Returns argparse's parser; by name the sub-commands; and what help.run wants to know of each: by name
-- { object = argparse's, actions = name to argparse's, as "list"; "dead list" where an action has actions }.
function commands.build()
  local parser = require("argparse")("postevent", "Posts behavioural events to a webhook.")
    :command_target("command"):require_command(false):help_max_width(90)
  parser:flag("--version", "Print the version.")
  add_help(parser)
  notes.set_statuses(parser, { { 0, "done" }, { 1, "not all of it" }, { 75, "trying again later may help" } },
    "postevent help post shows the options of one, and so does the manual page postevent-post(1).")
  local modules, shown = {}, {}
  for _, name in ipairs(commands.NAMES) do
    modules[name] = require("postevent.cli." .. name)
    local object, actions = modules[name].define(parser)
    shown[name] = { object = object, actions = actions or {} }
    add_help(object)
    for _, action in next, shown[name].actions do
      add_help(action)
    end
  end
  return parser, modules, shown
end

return commands
