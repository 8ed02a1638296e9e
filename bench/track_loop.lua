-- The same as multi_loop.c with track: track_loop.lua URL COUNT IN_FLIGHT [CA_FILE|- [SPOOL]]. Prints the seconds from
-- the first track until all is delivered, and the CPU seconds of the process in them.
local documents = require "support.documents"
local postevent = require "postevent"
local process = require "support.process"

local count = tonumber(arg[2])
local event = documents.event
local client = postevent.new {
  url = arg[1], authorization = documents.authorization, definitions = "spec/vectors/definitions.json",
  max_in_flight = tonumber(arg[3]), tls = arg[4] and arg[4] ~= "-" and { ca_file = arg[4] } or nil,
  spool = arg[5] and { path = arg[5] }, queue = { overflow = "wait", wait = 60 },
}
local start, cpu = process.now(), process.process_cpu()
for _ = 1, count do
  assert(client:track(event))
end
assert(client:flush(60))
print(("%.6f %.6f"):format(process.now() - start, process.process_cpu() - cpu))
assert(client:stats().delivered == count)
client:close()
