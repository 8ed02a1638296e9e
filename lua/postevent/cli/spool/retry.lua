-- `postevent spool retry`: dead letters become pending again, in a file that no program has: one that is there, or else
-- a new one. A running program adopts it, or the next that starts. So nothing is written into what a running program
-- has in hand; from its file the dead letter is removed, after it is safe in the other: a kill between the two leaves a
-- copy, with the same id.

local choice = require("postevent.cli.choice")
local exit = require("postevent.cli.exit")
local files = require("postevent.cli.spool.files")
local output = require("postevent.cli.output")

local retry = { summary = "Make dead events pending again." }

local TOGETHER = 64 -- in one commit: a kill leaves no more copies than that, and nobody waits long for a file

function retry.define(command)
  choice.define(command, "The id of a dead event, or its row, as `show DIR` prints it.")
end

-- A file of that endpoint, of those whose names begin as that of `source`, that nobody has, and that nobody takes until
-- it is closed; it may be `source`, which is open. nil: there is none.
local function claim(directory, list, source, endpoint)
  local prefix = source:match("^[^-]*-") or source
  for _, entry in ipairs(list) do
    local is_candidate = not entry.damaged and entry.name:sub(1, #prefix) == prefix
    local file = is_candidate and files.open(directory, entry.name, entry.name == source and "again" or "claim")
    if file and file:about().endpoint == endpoint then
      return file
    elseif file then
      file:close()
    end
  end
end

-- The file that takes the events of `source`, whose name begins as those of its endpoint do: chosen for the first of
-- them. `targets`: the directory, the list of its files, and the file of each endpoint.
local function target_for(targets, source, name)
  local endpoint = source:about().endpoint
  local by_endpoint = targets.by_endpoint
  by_endpoint[endpoint] = by_endpoint[endpoint]
    or claim(targets.directory, targets.list, name, endpoint)
    or files.create(targets.directory, endpoint)
  return by_endpoint[endpoint]
end

-- The next dead letters behind `row` that are meant, a few. Returns them and the row of the last one that was read.
local function next_batch(source, row, is_meant, check)
  local batch = {}
  for _ = 1, TOGETHER do
    local event = check(true, source:next(true, row))
    if not event then
      return batch, nil
    end
    row = event.row
    if is_meant(event) then
      batch[#batch + 1] = event
    end
  end
  return batch, row
end

local function move(batch, source, target, check)
  for _, event in ipairs(batch) do
    check(false, target:append(event))
  end
  check(false, target:commit()) -- from here on they are pending
  for _, event in ipairs(batch) do
    check(false, source:remove_dead(event.row))
  end
  check(false, source:commit())
end

-- Moves what is meant out of one file. Returns how many that were.
local function empty(source, name, targets, is_meant)
  local count, row = 0, 0
  local function check(may_end, result, why)
    if not result and not may_end then
      exit.with(exit.FAILED, ("%s: %s"):format(files.path(targets.directory, name), why))
    elseif why then
      files.fail(targets.directory, name, why)
    end
    return result
  end
  while row do
    local batch
    batch, row = next_batch(source, row, function(event)
      return is_meant(event, files.reference(name, true, event.row))
    end, check)
    if batch[1] then
      move(batch, source, target_for(targets, source, name), check)
      count = count + #batch
    end
  end
  return count
end

-- Whether a running program will adopt the files of these endpoints.
local function is_awaited(targets)
  for _, entry in ipairs(targets.list) do
    local holder = not entry.damaged and files.holder(targets.directory, entry.name)
    local file = holder and files.open(targets.directory, entry.name)
    if file and targets.by_endpoint[file:about().endpoint] then
      return true
    end
  end
  return false
end

local function report(args, targets, count, missing, met, all_read)
  local lines, place = {}, files.where(all_read)
  for _, id in ipairs(args.id) do
    lines[#lines + 1] = missing[id] and ("%s: there is no dead event %s%s"):format(output.printable(args.directory),
      output.printable(id), place) or nil
  end
  if count > 0 then
    output.report(("%d event%s pending again; %s"):format(count, count == 1 and " is" or "s are",
      is_awaited(targets) and "a running program takes them within 30 seconds"
        or "a program takes them when it starts, or postevent spool deliver"))
  elseif args.all then
    output.say("nothing to retry: no event is dead" .. place)
  elseif not lines[1] then
    lines[1] = output.printable(args.directory) .. ": there is no such dead event" .. place .. choice.describe(met)
  end
  if lines[1] then
    exit.with(exit.FAILED, table.concat(lines, "\n"))
  end
end

function retry.run(args)
  choice.check(args)
  local list = files.list_own(args.directory)
  local is_meant, missing, met = choice.of(args)
  local targets, count = { directory = args.directory, list = list, by_endpoint = {} }, 0
  local all_read = files.each(args.directory, list, "write", function(file, name)
    count = count + empty(file, name, targets, is_meant)
  end)
  for _, target in next, targets.by_endpoint do
    target:close() -- now others may take it
  end
  report(args, targets, count, missing, met, all_read)
  return all_read and exit.OK or exit.FAILED
end

return retry
