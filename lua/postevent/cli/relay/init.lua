-- `postevent relay`: delivers what a fleet has handed to a stream of Redis; and looks into it.

local dead = require("postevent.cli.relay.dead")
local exit = require("postevent.cli.exit")
local notes = require("postevent.cli.notes")
local redis = require("postevent.cli.relay.redis")
local run = require("postevent.cli.relay.run")
local status = require("postevent.cli.relay.status")

local command = {}

function command.define(parser)
  local group = parser:command("relay", "Deliver what many machines hand to a stream of Redis.")
    :command_target("action"):require_command(false)
  redis.define(group)
  run.define(group)
  local looks = status.define(group)
  local actions = dead.define(group)
  actions.status = looks
  notes.set_statuses(group, { { 0, "ended as it was told to" }, { 1, "something failed" },
    { 75, "Redis did not answer" } }, "Without an action it delivers until SIGTERM or SIGINT.")
  return group, actions
end

local ACTIONS = { status = status, dead = dead }

function command.finishes(args)
  return args.action ~= "status" and (args.action ~= "dead" or dead.finishes(args))
end

function command.run(args)
  if not require("postevent").features.redis then
    exit.with(exit.FAILED, "this build has no hiredis, and so no relay")
  end
  return (ACTIONS[args.action] or run).run(args)
end

return command
