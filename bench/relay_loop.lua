-- Hands events over to a stream: relay_loop.lua REDIS COUNT. Prints the seconds from the first track until Redis has
-- answered for all, and the CPU seconds of the process in them.
local documents = require "support.documents"
local postevent = require "postevent"
local process = require "support.process"

local count = tonumber(arg[2])
local client = postevent.new { relay = { url = arg[1] }, queue = { overflow = "wait", wait = 60 } }
local start, cpu = process.now(), process.process_cpu()
for _ = 1, count do
  assert(client:track(documents.event))
end
assert(client:flush(60))
print(("%.6f %.6f"):format(process.now() - start, process.process_cpu() - cpu))
assert(client:stats().relayed == count)
client:close()
