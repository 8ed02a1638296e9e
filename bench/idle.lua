-- What an idle client does: idle.lua URL SECONDS. Delivers a few events, then waits. Prints the context switches of its
-- threads meanwhile, and how many threads those are.
local documents = require "support.documents"
local postevent = require "postevent"
local probe = require "bench.probe"
local process = require "support.process"

local client = postevent.new { url = arg[1], authorization = documents.authorization }
for _ = 1, 1000 do
  assert(client:track(documents.event))
end
assert(client:flush(10))
process.sleep(0.5) -- the sender lies down
local before = probe.switches()
process.sleep(tonumber(arg[2]))
local after, threads = probe.switches()
print(after - before, threads)
client:close()
