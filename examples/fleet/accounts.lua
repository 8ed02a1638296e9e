-- The accounts of the fleet, by id: what producers were told, against what became of it.
--   lua accounts.lua EVENTS DEAD STATUS FILE...
-- EVENTS: what the sandbox says at /sandbox/events. DEAD: what `postevent relay dead export` writes. STATUS: what
-- `postevent relay status --json` says. FILE: the ids that a producer was told are relayed.
local cjson = require "cjson"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local received, dead, twice = {}, {}, 0
for _, each in ipairs(cjson.decode(read(arg[1])).events) do
  local id = each.event.external_event_id
  twice = twice + (received[id] and 1 or 0)
  received[id] = true
end
for line in io.lines(arg[2]) do
  dead[cjson.decode(line).external_event_id] = true
end

local relayed, delivered, refused, rest = 0, 0, 0, {}
for i = 4, #arg do
  for id in io.lines(arg[i]) do
    relayed = relayed + 1
    if received[id] then
      delivered = delivered + 1
    elseif dead[id] then
      refused = refused + 1
    else
      rest[#rest + 1] = id
    end
  end
end
local waiting = cjson.decode(read(arg[3])).waiting
print(("relayed %d = delivered %d + rejected or expired %d + waiting %d"):format(relayed, delivered, refused, waiting))
local is_right = #rest == 0 and relayed == delivered + refused + waiting
print(("received twice, with one id: %d; missing: %s"):format(twice, rest[1] and table.concat(rest, " ") or "none"))
os.exit(is_right and 0 or 1)
