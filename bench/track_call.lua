-- What track costs its caller while the sender is busy, against lua-cjson's encode of the same table: track_call.lua
-- URL COUNT [SPOOL]. Prints the CPU time of the calling thread: the medians of track and of encode; then the time of
-- track, and that of encode: p50, p99, p99.9. All of one call, in nanoseconds.
local documents = require "support.documents"
local encode = require("cjson").encode
local postevent = require "postevent"
local probe = require "bench.probe"
local process = require "support.process"

local BLOCK = 500 -- calls; the two take turns, so that what disturbs one disturbs the other
local BACKLOG = 5000 -- events: the sender is busy, and the queue (10,000) never full

local blocks = math.floor(tonumber(arg[2]) / BLOCK)
local event = documents.event
local client = postevent.new {
  url = arg[1], authorization = documents.authorization, definitions = "spec/vectors/definitions.json",
  spool = arg[3] and { path = arg[3] },
}
local track = client.track

local function wait_for_room()
  while client:stats().pending > BACKLOG do
    process.sleep(0.001)
  end
end

local function samplers(count)
  local list = {}
  for i = 1, count do
    list[i] = probe.sampler(blocks * BLOCK)
  end
  return (table.unpack or unpack)(list)
end

local tracked, encoded, nothing, track_timed, encode_timed = samplers(5)
for _ = 1, blocks do
  tracked:run("cpu", BLOCK, track, client, event)
  encoded:run("cpu", BLOCK, encode, event)
  nothing:run("cpu", BLOCK, probe.nothing, event)
  track_timed:run("clock", BLOCK, track, client, event)
  encode_timed:run("clock", BLOCK, encode, event)
  wait_for_room()
end
assert(client:flush(60))
assert(client:stats().delivered == 2 * blocks * BLOCK)
client:close()

local measuring = nothing:quantile(0.5)
print(tracked:quantile(0.5) - measuring, encoded:quantile(0.5) - measuring)
for _, timed in ipairs { track_timed, encode_timed } do
  print(timed:quantile(0.5), timed:quantile(0.99), timed:quantile(0.999))
end
