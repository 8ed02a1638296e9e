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
      local code = tally.code or "none" -- of a damaged one
      found.codes[code] = (found.codes[code] or 0) + tally.count
    end
  end
end

-- Counts what is in a file that is open. Returns "works"; or another state and why, where it cannot be read to the end.
local function count(found, file)
  local all = {}
  for _, dead in ipairs { false, true } do
    local tallies, kind, why = file:tally(dead)
    if not tallies then
      return kind, why
    end
    all[dead] = tallies
  end
  add(found, false, all[false])
  add(found, true, all[true])
  return "works"
end

-- The same of a damaged one, as far as it can be read, event by event; and how many were pending in it.
local function count_damaged(found, directory)
  local file = files.open(directory, found.name, "salvage")
  if not file then
    found.closed = true
    return
  end
  for _, dead in ipairs { false, true } do
    for event in files.events(file, dead, function() end) do
      local code = event.code or event.outcome
      add(found, dead, { { name = event.name, code = code, count = 1, oldest = event.accepted_at } })
    end
  end
  local about = file:about()
  found.endpoint = about.endpoint
  found.expected = about.pending >= found.pending and about.pending or nil
  found.expected_dead = about.dead >= found.dead and about.dead or nil
  file:close()
end

-- Returns nil for one that is not there any more.
local function look(directory, entry)
  local found = { name = entry.name, state = "works", pending = 0, dead = 0, codes = {}, events = {}, by_name = {} }
  if entry.damaged then
    found.state, found.aside = "damaged", true
    return found
  end
  local no_holder
  found.holder, no_holder = files.holder(directory, entry.name)
  local file, kind, why = files.open(directory, entry.name)
  if file then
    local about = file:about()
    found.endpoint, found.bytes, found.dead_dropped = about.endpoint, about.bytes, about.dead_dropped
    kind, why = count(found, file)
    file:close()
  end
  found.state, found.why = kind, why
  if no_holder and (kind == "works" or kind == "damaged") then
    found.state, found.why = "failed", no_holder
  elseif kind == "damaged" then
    count_damaged(found, directory)
  end
  if found.state == "gone" or found.state ~= "works" and not files.is_there(directory, entry.name) then
    return nil
  end
  return found
end

-- Whether it is not known what is in a file.
function survey.is_closed(file)
  return file.closed or file.state == "failed" or file.state == "newer"
end

-- Returns what is in each file, and the sum of all: { files, pending, dead, bytes, oldest, codes,
-- damaged }, the last: how many files were set aside as damaged.
--   a file: { name, state, why, holder, endpoint, bytes, pending, dead, dead_dropped, oldest, codes, events, expected,
--     expected_dead, aside, closed }
--   state: "works", "damaged", "newer", "foreign", "failed"; events: { { name, pending, dead, oldest }, ... }
--   of a damaged file: what can be read; expected, expected_dead: how many were in it, where it tells; aside: it was
--     set aside; closed: nothing can be read of it without changing it
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
