-- One of the machines: tracks events for some seconds, and writes down the id of each that Redis has.
--   lua producer.lua NAME SECONDS FILE     ($POSTEVENT_REDIS: where Redis is)
local postevent = require "postevent"

local name, ends_at = arg[1], os.time() + tonumber(arg[2])
local account = assert(io.open(arg[3], "a"))
account:setvbuf "no"
local client = postevent.new {
  relay = { url = os.getenv "POSTEVENT_REDIS" }, id_attribute = "external_event_id", queue = { overflow = "wait" },
  retry = { initial = 0.1, max = 1 },
}

local function write_down()
  for result in client:results() do
    account:write(result.outcome == "relayed" and result.event_id .. "\n" or "")
  end
end

local count = 0
while os.time() < ends_at do
  count = count + 1
  assert(client:track { event_name = "coin_found", external_event_id = name .. "-" .. count, coins = count })
  if count % 20 == 0 then
    client:flush(0.05) -- a machine that has other things to do
    write_down()
  end
end
client:close(10)
write_down()
