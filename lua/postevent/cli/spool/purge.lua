-- `postevent spool purge`: removes events for good. It asks, unless it is told not to.

local age = require("postevent.cli.spool.age")
local exit = require("postevent.cli.exit")
local files = require("postevent.cli.spool.files")
local output = require("postevent.cli.output")

local purge = { summary = "Remove events for good." }

function purge.define(command)
  command:flag("--dead", "Remove dead ones.")
  command:flag("--pending", "Remove pending ones; not those of a running program, which has them in hand.")
  command:option("--older-than", "Only what was accepted so long ago: 7d, 12h, 30m, 45s."):argname("AGE")
  command:flag("--yes", "Do not ask.")
end

local function count_in(file, dead, before)
  local count = 0
  for _, tally in ipairs(file:tally(dead, before) or {}) do
    count = count + tally.count
  end
  return count
end

-- What would be removed: how many are dead, and pending, and how many are pending in files of running programs; and
-- whether all files can be read.
local function count_all(args, before)
  local dead, pending, held = 0, 0, 0
  local all_read = files.each(args.directory, files.list_own(args.directory), "look", function(file, name)
    dead = dead + (args.dead and count_in(file, true, before) or 0)
    local waiting = args.pending and count_in(file, false, before) or 0
    if files.holder(args.directory, name) then
      held = held + waiting
    else
      pending = pending + waiting
    end
  end)
  return dead, pending, held, all_read
end

local function describe(dead, pending)
  return ("%d dead and %d pending event%s"):format(dead, pending, pending == 1 and "" or "s")
end

local function ask(args, dead, pending)
  if args.yes then
    return true
  elseif not files.asks() then
    exit.usage("purge asks, and stdin is no terminal: give --yes")
  end
  io.stderr:write(("%s: remove %s for good? [y/N] "):format(output.printable(args.directory), describe(dead, pending)))
  local answer = io.stdin:read("*l") or ""
  return answer:lower() == "y" or answer:lower() == "yes"
end

-- Removes from one file, and returns how many.
local function empty(directory, name, file, dead, before)
  local count = 0
  repeat
    local removed, why = file:purge(dead, before)
    if not removed then
      files.fail(directory, name, why)
    end
    count = count + removed
  until removed == 0
  return count
end

-- The file, so that nobody takes it meanwhile; or, of a running program, for its dead letters alone. The second result:
-- whether it is the former.
local function open(directory, name)
  local file, kind, why = files.open(directory, name, "claim")
  if file or kind ~= "taken" then
    return file, true, kind, why
  end
  file, kind, why = files.open(directory, name, "write")
  return file, false, kind, why
end

local function purge_file(args, name, before, removed)
  local file, is_ours, kind, why = open(args.directory, name)
  if not file then
    return kind == "failed" and files.fail(args.directory, name, why) -- count_all has named the others
  end
  if args.dead then
    removed.dead = removed.dead + empty(args.directory, name, file, true, before)
  end
  if args.pending and is_ours then
    removed.pending = removed.pending + empty(args.directory, name, file, false, before)
  end
  file:close()
end

function purge.run(args)
  if not args.dead and not args.pending then
    exit.usage("say what: --dead, --pending, or both")
  end
  local before = args.older_than and age.parse("--older-than", args.older_than)
  local dead, pending, held, all_read = count_all(args, before)
  if dead + pending > 0 and not ask(args, dead, pending) then
    exit.with(exit.FAILED, "nothing was removed")
  end
  local removed = { dead = 0, pending = 0 }
  for _, entry in ipairs(dead + pending > 0 and files.list(args.directory) or {}) do
    if not entry.damaged then
      purge_file(args, entry.name, before, removed)
    end
  end
  output.say(("removed %s"):format(describe(removed.dead, removed.pending)))
  if held > 0 then
    exit.with(exit.FAILED, ("%s: %d pending event%s in the hands of running programs stay"):format(args.directory, held,
      held == 1 and "" or "s"))
  end
  return all_read and exit.OK or exit.FAILED
end

return purge
