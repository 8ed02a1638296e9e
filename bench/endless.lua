-- Whether a client grows: endless.lua URL COUNT delivers so many events through one client, whose results nobody reads.
-- Prints the resident bytes after the first 100,000, and at the end.
local documents = require "support.documents"
local postevent = require "postevent"
local process = require "support.process"

local event = documents.event
local client = postevent.new {
  url = arg[1], authorization = documents.authorization, definitions = "spec/vectors/definitions.json",
  queue = { overflow = "wait", wait = 60 },
}

local function deliver(count)
  for _ = 1, count do
    assert(client:track(event))
  end
  assert(client:flush(60))
  collectgarbage()
  collectgarbage()
  return process.rss()
end

local count = tonumber(arg[2])
local first = deliver(100000)
local last = deliver(count - 100000)
assert(client:stats().delivered == count)
print(first, last)
client:close()
