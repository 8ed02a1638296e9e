-- Counts of events as the command writes them, wherever they are kept: by code, and by name. What `spool list` and
-- `relay dead list` have in common.

local age = require("postevent.cli.age")
local output = require("postevent.cli.output")

local tally = {}

local NAME_WIDTH = 40 -- of a terminal's 80

local function sorted(map)
  local keys = {}
  for key in next, map do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

-- { code = count } as members for output.to_json.
function tally.codes_to_json(codes)
  local members = {}
  for _, code in ipairs(sorted(codes)) do
    members[#members + 1] = { code, codes[code] }
  end
  return members
end

-- "rejected 3, timeout 1"
function tally.codes_of(codes)
  local parts = {}
  for _, code in ipairs(sorted(codes)) do
    parts[#parts + 1] = ("%s %d"):format(code, codes[code])
  end
  return table.concat(parts, ", ")
end

local function shorten(name)
  name = name == "" and "(no name)" or output.printable(name)
  return output.cut(name, NAME_WIDTH)
end

-- Numbers stand below each other by their last digit.
local function align(rows, column)
  local width = 0
  for _, row in ipairs(rows) do
    width = math.max(width, #row[column])
  end
  for _, row in ipairs(rows) do
    row[column] = (" "):rep(width - #row[column]) .. row[column]
  end
end

-- ", the oldest 2 days old"; "" where there is none.
function tally.oldest(moment)
  local old = moment and age.of(moment)
  if not old then
    return ""
  end
  return ", the oldest " .. (old == "now" and "of this second" or old .. " old")
end

-- Writes a table of { name =, pending =, dead =, oldest = }.
function tally.say_events(events)
  local rows = { { "  EVENT", "PENDING", "DEAD", "OLDEST" } }
  for _, event in ipairs(events) do
    rows[#rows + 1] = { "  " .. shorten(event.name), ("%d"):format(event.pending), ("%d"):format(event.dead),
      age.of(event.oldest) }
  end
  align(rows, 2)
  align(rows, 3)
  for _, line in ipairs(output.columns(rows)) do
    output.say(line)
  end
end

return tally
