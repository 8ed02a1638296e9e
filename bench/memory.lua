-- What a queued event takes above its body: memory.lua COUNT. Nobody listens where it sends them. Prints the bytes of
-- an event on the heap (nan where the C library does not tell), and of resident memory.
local documents = require "support.documents"
local ports = require "support.ports"
local postevent = require "postevent"
local probe = require "bench.probe"
local process = require "support.process"

local count = tonumber(arg[1])
local event = documents.event
local client = postevent.new {
  url = ("http://127.0.0.1:%d/x"):format(ports.free_port()), authorization = documents.authorization,
  definitions = "spec/vectors/definitions.json", queue = { max_events = 2 * count, max_bytes = 1024 * count },
}
local body = #assert(client:encode(event))

local function memory()
  collectgarbage()
  collectgarbage()
  return probe.heap_bytes() or 0 / 0, process.rss()
end

for _ = 1, 1000 do -- what is made once: the thread, its handles
  assert(client:track(event))
end
local heap, rss = memory()
for _ = 1, count do
  assert(client:track(event))
end
local heap_after, rss_after = memory()
assert(client:stats().pending == count + 1000)
print(("%.1f %.1f"):format((heap_after - heap) / count - body, (rss_after - rss) / count - body))
os.exit(0)
