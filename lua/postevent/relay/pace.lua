-- How fast a stream fills and empties: what Redis has counted ever since, looked at twice. It keeps no rate, and its
-- clock is the one that counts: ours may be another machine's.

local core = require("postevent.native")("postevent.core").redis
local member = require("postevent.relay.member")

local pace = {}

local function rounded(number)
  return math.floor(number * 1000 + 0.5) / 1000
end

local function field_of(list, name)
  for i = 1, #list, 2 do
    if list[i] == name then
      return list[i + 1]
    end
  end
end

-- { at = seconds, came =, delivered = }. `came` is nil where Redis is older than 7, and does not count what was added.
local function count(call, look, keys)
  local time = call("TIME")
  local about = look("XINFO", "STREAM", keys.stream)
  return {
    at = tonumber(time[1]) + tonumber(time[2]) / 1e6,
    came = not about and 0 or field_of(about, "entries-added"),
    delivered = tonumber(call("HGET", keys.counts, "delivered") or 0),
  }
end

-- Less than before: it was deleted meanwhile, and counts from nothing.
local function per_second(from, to, seconds)
  if not (from and to) or to < from or seconds <= 0 then
    return nil
  end
  return rounded((to - from) / seconds)
end

-- pace.take(call, look, stream, seconds): waits so long between the two. call(...) asks Redis, and ends the command
-- where it does not answer; look(...) is the same of what may not be there, and returns nil then. Returns
-- { seconds =, came =, delivered = }, events a second; nil: not known.
function pace.take(call, look, stream, seconds)
  local keys = member.keys(stream)
  local first = count(call, look, keys)
  core.wait(seconds)
  local second = count(call, look, keys)
  local passed = second.at - first.at
  return {
    seconds = rounded(passed), came = per_second(first.came, second.came, passed),
    delivered = per_second(first.delivered, second.delivered, passed),
  }
end

return pace
