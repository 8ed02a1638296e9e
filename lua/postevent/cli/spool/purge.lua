-- `postevent spool purge`: removes events for good, and damaged files. It asks, unless it is told not to.

local age = require("postevent.cli.age")
local confirm = require("postevent.cli.confirm")
local exit = require("postevent.cli.exit")
local files = require("postevent.cli.spool.files")
local output = require("postevent.cli.output")

local purge = { summary = "Remove events, and damaged files, for good." }

function purge.define(command)
  command:flag("--dead", "Remove dead ones.")
  command:flag("--pending", "Remove pending ones; not those of a running program, which has them in hand.")
  command:flag("--damaged", "Remove the files that were set aside as damaged.")
  command:option("--older-than", "Only events accepted so long ago: 7d, 12h, 30m, 45s."):argname("AGE")
    :overwrite(false)
  command:flag("--yes", "Do not ask.")
end

local function check_choice(args)
  if not args.dead and not args.pending and not args.damaged then
    exit.usage("say what: --dead, --pending, --damaged, or several")
  elseif args.older_than and not args.dead and not args.pending then
    exit.usage("--older-than is about events: it goes with --dead or --pending")
  end
end

local function count_in(file, dead, before)
  local count = 0
  for _, tally in ipairs(file:tally(dead, before) or {}) do
    count = count + tally.count
  end
  return count
end

-- The names of the files that were set aside, where these are meant; and the files to look into for events, if any.
local function sort_out(args)
  local damaged, others = {}, {}
  for _, entry in ipairs(files.list_own(args.directory)) do
    if entry.damaged and args.damaged then
      damaged[#damaged + 1] = entry.name
    elseif args.dead or args.pending then
      others[#others + 1] = entry
    end
  end
  return damaged, others
end

-- How many events would be removed: { dead = , pending = }; how many are pending in files of running programs; and
-- whether all files can be read.
local function count_all(args, list, before)
  local found, held = { dead = 0, pending = 0 }, 0
  local all_read = files.each(args.directory, list, "look", function(file, name)
    found.dead = found.dead + (args.dead and count_in(file, true, before) or 0)
    local waiting = args.pending and count_in(file, false, before) or 0
    if files.holder(args.directory, name) then
      held = held + waiting
    else
      found.pending = found.pending + waiting
    end
  end)
  return found, held, all_read
end

-- "2 dead and 1 pending event, 1 damaged file"
local function describe(args, events, damaged)
  local parts = {}
  if args.dead or args.pending then
    parts[1] = ("%d dead and %d pending event%s"):format(events.dead, events.pending, events.pending == 1 and "" or "s")
  end
  if args.damaged then
    parts[#parts + 1] = ("%d damaged file%s"):format(damaged, damaged == 1 and "" or "s")
  end
  return table.concat(parts, ", ")
end

-- Removes from one file, and returns how many.
local function empty(directory, name, file, dead, before)
  local count = 0
  repeat
    local removed, why = file:purge(dead, before)
    if not removed then
      files.fail(directory, name, why)
    end
    removed = removed or 0 -- the file is gone
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

local function purge_events(args, list, before)
  local removed = { dead = 0, pending = 0 }
  for _, entry in ipairs(list) do
    if not entry.damaged then
      purge_file(args, entry.name, before, removed)
    end
  end
  return removed
end

local function remove_damaged(args, names)
  for _, name in ipairs(names) do
    local removed, why = files.remove_damaged(args.directory, name)
    if not removed then
      files.fail(args.directory, name, why)
    end
  end
  return #names
end

function purge.run(args)
  check_choice(args)
  local before = args.older_than and age.parse("--older-than", args.older_than)
  local damaged, list = sort_out(args)
  local found, held, all_read = count_all(args, list, before)
  local has_events = found.dead + found.pending > 0
  if (has_events or damaged[1]) and not confirm(args.yes, args.directory, describe(args, found, #damaged)) then
    exit.with(exit.FAILED, "nothing was removed")
  end
  local removed = purge_events(args, has_events and list or {}, before)
  output.report("removed " .. describe(args, removed, remove_damaged(args, damaged)))
  if held > 0 then
    exit.with(exit.FAILED, ("%s: %d pending event%s in the hands of running programs stay"):format(
      output.printable(args.directory), held, held == 1 and "" or "s"))
  end
  return all_read and exit.OK or exit.FAILED
end

return purge
