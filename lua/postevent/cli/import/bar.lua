-- The line that stays on a terminal while an import runs, and its colours. Pure: what is known, and how many columns
-- there are, -> a text that fits.

local output = require("postevent.cli.output")
local findings = require("postevent.cli.import.findings")
local width = require("postevent.cli.width")

local bar = {}

local GREEN, YELLOW, PLAIN = "\27[32m", "\27[33m", "\27[0m"
local LEAST_BAR, MOST_BAR = 8, 30
local LEAST_TROUBLE = 20

-- "1:05", "2:03:04"
function bar.time(seconds)
  seconds = math.floor(seconds + 0.5)
  local hours, minutes = math.floor(seconds / 3600), math.floor(seconds / 60) % 60
  if hours > 0 then
    return ("%d:%02d:%02d"):format(hours, minutes, seconds % 60)
  end
  return ("%d:%02d"):format(minutes, seconds % 60)
end

local function number(value)
  return findings.grouped(value)
end

-- The parts in the order in which they stand; the number says which go first when there is little room.
local function parts_of(facts)
  local parts = {}
  local function add(rank, text)
    parts[#parts + 1] = { rank = rank, text = text }
  end
  local share = facts.share and ("%3d%%"):format(math.floor(facts.share * 100))
  if share then
    add(1, share)
  end
  add(2, facts.total and ("%s of %s"):format(number(facts.done), number(facts.total)) or number(facts.done))
  add(3, ("%s/s"):format(number(facts.rate)))
  if facts.left then
    add(4, bar.time(facts.left) .. " left")
  end
  if facts.bad and facts.bad > 0 then
    add(5, number(facts.bad) .. " with problems")
  end
  if facts.delivered then
    add(facts.rejected > 0 and 6 or 8, number(facts.delivered) .. " delivered")
    add(facts.rejected > 0 and 5 or 9, number(facts.rejected) .. " rejected")
    add(7, number(facts.waiting) .. " waiting")
  end
  return parts
end

-- Leaves out what there is no room for.
local function choose(parts, columns)
  local by_rank = {}
  for i, part in ipairs(parts) do
    by_rank[i] = part
  end
  table.sort(by_rank, function(a, b)
    return a.rank < b.rank
  end)
  local used, full = 0, false
  for _, part in ipairs(by_rank) do
    local wanted = #part.text + (used > 0 and 2 or 0)
    full = full or used + wanted > columns
    part.shown = not full
    used = used + (full and 0 or wanted)
  end
  return used
end

local function shown_texts(parts)
  local texts = {}
  for _, part in ipairs(parts) do
    texts[#texts + 1] = part.shown and part.text or nil
  end
  return table.concat(texts, "  ")
end

local function draw(share, size, paint)
  local filled = math.floor(share * size + 0.5)
  return "[" .. paint(GREEN, ("#"):rep(filled)) .. ("-"):rep(size - filled) .. "]"
end

-- facts: share (0 to 1, or nil), done, total or nil, rate, left (seconds) or nil; delivered, rejected and waiting, or
-- bad; trouble: a text, or nil. Returns a text that takes `columns` at most, colours aside, and how many it takes.
function bar.line(facts, columns, has_colour)
  local function paint(colour, text)
    return has_colour and text ~= "" and colour .. text .. PLAIN or text
  end
  local trouble = facts.trouble and output.printable(facts.trouble)
  local room = trouble and math.max(columns - math.max(LEAST_TROUBLE, width.of(trouble)) - 2, math.min(columns, 12))
    or columns
  local parts = parts_of(facts)
  local used = choose(parts, room)
  local line = shown_texts(parts)
  local spare = room - used - 4 -- the brackets, and what parts it from the rest
  if facts.share and not trouble and spare >= LEAST_BAR then
    local size = math.min(spare, MOST_BAR)
    line = draw(facts.share, size, paint) .. "  " .. line
    used = used + size + 4
  end
  if trouble and columns - used - 2 >= LEAST_BAR then
    trouble = output.cut(trouble, columns - used - 2)
    line, used = line .. "  " .. paint(YELLOW, trouble), used + 2 + width.of(trouble)
  end
  return line, used
end

return bar
