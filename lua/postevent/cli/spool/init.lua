-- `postevent spool`: looks into a spool's directory, and puts it in order, while programs use it and while none does.

local exit = require("postevent.cli.exit")
local notes = require("postevent.cli.notes")

local command = {}

local ACTIONS = { "list", "show", "retry", "export", "purge", "deliver" } -- in the order of the help

local function list_statuses()
  return { { 0, "done" }, { 1, "not all of it" } }
end

local function action_of(name)
  return require("postevent.cli.spool." .. name)
end

function command.define(parser)
  local group = parser:command("spool", "Look at what programs keep on disk, and send it, or remove it.")
    :command_target("action"):require_command(true)
  local actions = {}
  for _, name in ipairs(ACTIONS) do
    local sub = group:command(name, action_of(name).summary)
    sub:argument("directory", "The spool's directory, as in spool.path."):argname("DIR")
    action_of(name).define(sub)
    notes.set_statuses(sub, action_of(name).statuses or list_statuses())
    actions[name] = sub
  end
  group:epilog("postevent help spool list shows the options of one.")
  return group, actions
end

local LOOKS = { list = true, show = true, export = true }

function command.finishes(args)
  return not LOOKS[args.action]
end

function command.run(args)
  if not require("postevent").features.sqlite then
    exit.with(exit.FAILED, "this build has no SQLite, and so no spool")
  end
  return action_of(args.action).run(args)
end

return command
