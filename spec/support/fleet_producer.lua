-- A producer as a process of its own: fleet_producer.lua URL FIRST FILE. Hands over events whose ids count from FIRST,
-- until it is killed or told to end; writes the id of each that was relayed into FILE, a line each.
local postevent = require "postevent"
local process = require "support.process"

local url, first, path = arg[1], tonumber(arg[2]), arg[3]
local file = assert(io.open(path, "a"))
file:setvbuf "line"

local client = postevent.new {
  relay = { url = url }, id_attribute = "external_event_id", timeout = 2, retry = { initial = 0.02, max = 0.2 },
  queue = { max_events = 200 }, results = 1000, log = false,
}

local number = first
while true do
  if client:track { event_name = "coin_found", external_event_id = "e" .. number, coins = number } then
    number = number + 1
  else
    process.sleep(0.001) -- the queue is full: Redis is away
  end
  if number % 20 == 0 then
    process.sleep(0.002)
  end
  for result in client:results() do
    if result.outcome == "relayed" then
      file:write(result.event_id, "\n")
    end
  end
end
