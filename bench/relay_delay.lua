-- How long an event is on its way, one at a time: relay_delay.lua COUNT WEBHOOK [REDIS]. With REDIS through a stream,
-- from which a deliverer of its own takes it: until Redis knows the outcome, which is after the platform's answer.
-- Prints the median in milliseconds.
local documents = require "support.documents"
local postevent = require "postevent"
local process = require "support.process"
local redis = require "support.redis"

local url = arg[3]
local client = postevent.new(url and { relay = { url = url } } or { url = arg[2] })
local server = url and redis.at(tonumber(url:match ":(%d+)$"))
local delays = {}

local function delivered()
  if not url then
    return client:stats().delivered
  end
  return tonumber(server:call("HGET", "postevent:counts", "delivered") or 0)
end

for i = 1, tonumber(arg[1]) do
  local before, start = delivered(), process.now()
  assert(client:track(documents.event))
  repeat
    local now = delivered()
  until now > before
  delays[i] = process.now() - start
  local rest = process.now() + 0.02 -- both sides are idle again
  repeat until process.now() > rest
end
client:close()
table.sort(delays)
print(("%.3f"):format(delays[math.floor(#delays / 2)] * 1000))
