-- What is in a spool's directory, counted: for `list`, and for what `deliver` has left.

local files = require("postevent.cli.spool.files")

local survey = {}

-- Where each event of a file belongs: by its name, in the order of the first.
local function row_of(found, name)
  name = name or ""
  local row = found.by_name[name]
  if not row then
    row = { name = name, pending = 0, dead = 0 }
    found.by_name[name] = row
    found.events[#found.events + 1] = row
  end
  return row
end

local function older(a, b)
  return (not a or b and b < a) and b or a
end

local function add(found, dead, tallies)
  local which = dead and "dead" or "pending"
  for _, tally in ipairs(tallies) do
    local row = row_of(found, tally.name)
    row[which] = row[which] + tally.count
    row.oldest = older(row.oldest, tally.oldest)
    found[which] = found[which] + tally.count
    found.oldest = older(found.oldest, tally.oldest)
    if dead then
      local code = tally.code or "none"
      found.codes[code] = (found.codes[code] or 0) + tally.count
    end
  end
end

-- Counts what is in a file that is open. Returns false and why where it cannot be read to the end.
local function count(found, file)
  for _, dead in ipairs { false, true } do
    local tallies, why = file:tally(dead)
    if not tallies then
      return false, why
    end
    add(found, dead, tallies)
  end
  return true
end

local function look(directory, entry)
  local found = { name = entry.name, state = "works", pending = 0, dead = 0, codes = {}, events = {}, by_name = {} }
  if entry.damaged then
    found.state = "damaged"
    return found
  end
  found.holder = files.holder(directory, entry.name)
  local file, kind, why = files.open(directory, entry.name)
  if not file then
    found.state, found.why = kind, why
    return kind ~= "gone" and found or nil
  end
  local about = file:about()
  found.endpoint, found.bytes, found.dead_dropped = about.endpoint, about.bytes, about.dead_dropped
  local sound, trouble = count(found, file)
  if not sound then
    found.state, found.why = "failed", trouble
  end
  file:close()
  return found
end

-- Returns what is in each file, and the sum of all: { files, pending, dead, bytes, oldest, codes,
-- damaged }, the last: how many files were set aside as damaged.
--   a file: { name, state, why, holder, endpoint, bytes, pending, dead, dead_dropped, oldest, codes, events }
--   state: "works", "damaged", "newer", "foreign", "failed"; events: { { name, pending, dead, oldest }, ... }
function survey.take(directory)
  local all = { pending = 0, dead = 0, bytes = 0, damaged = 0, codes = {}, files = {} }
  for _, entry in ipairs(files.list(directory)) do
    local found = look(directory, entry)
    all.damaged = all.damaged + (entry.damaged and 1 or 0)
    if found then
      all.files[#all.files + 1] = found
      all.pending, all.dead = all.pending + found.pending, all.dead + found.dead
      all.bytes = all.bytes + (found.bytes or 0)
      all.oldest = older(all.oldest, found.oldest)
      for code, number in next, found.codes do
        all.codes[code] = (all.codes[code] or 0) + number
      end
    end
  end
  return all
end

return survey
