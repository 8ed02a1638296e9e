-- How old an event is: as old as it was when it came into the stream, and since then, by Redis's clock alone. The
-- clocks of two machines are never compared. While one of the deliverers is held no event in the stream grows older.

local core = require("postevent.native")("postevent.core").redis

local clock = {}

local Clock = {}
Clock.__index = Clock

function clock.new(member)
  return setmetatable({ member = member, holds = {} }, Clock)
end

-- Asks Redis; where it does not answer, what was known before stays.
function Clock:set()
  local time = self.member:time()
  self.ahead = time and time - core.now() or self.ahead
end

-- When one of them was held, as scripts.share tells it.
function Clock:note_holds(text)
  if text == self.noted then
    return
  end
  self.noted, self.holds = text, {}
  for since, till in text:gmatch("(%d+) (%d+)") do
    self.holds[#self.holds + 1] = { since = tonumber(since) / 1000, till = tonumber(till) / 1000 }
  end
end

-- How many of the seconds since then those were.
local function held_since(self, added)
  local seconds = 0
  for _, hold in ipairs(self.holds) do
    seconds = seconds + math.max(0, hold.till - math.max(hold.since, added))
  end
  return seconds
end

-- Of an entry as the member takes it, in seconds.
function Clock:age_of(entry)
  local added = tonumber(entry.entry:match("^%d+")) / 1000
  local age = (tonumber((entry.age or ""):match("^%d+$")) or 0) / 1000
  return math.max(0, age + (self.ahead and core.now() + self.ahead - added - held_since(self, added) or 0))
end

return clock
