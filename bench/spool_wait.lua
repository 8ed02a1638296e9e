-- How long track takes that waits for the disk: spool_wait.lua URL COUNT SPOOL. Prints p50, p99 and p99.9, in
-- nanoseconds.
local documents = require "support.documents"
local postevent = require "postevent"
local probe = require "bench.probe"

local count = tonumber(arg[2])
local client = postevent.new {
  url = arg[1], authorization = documents.authorization, spool = { path = arg[3], wait = true },
}
local timed = probe.sampler(count)
timed:run("clock", count, client.track, client, documents.event)
assert(client:flush(60))
client:close()
print(timed:quantile(0.5), timed:quantile(0.99), timed:quantile(0.999))
