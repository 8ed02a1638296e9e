-- A backlog that a program finds on its disk: spool_found.lua URL COUNT SPOOL leave|find. The first leaves so many
-- events; the second prints the seconds until the first of them is delivered, and by how many KiB the process has grown
-- then.
local documents = require "support.documents"
local postevent = require "postevent"
local process = require "support.process"

local function resident()
  for line in io.lines "/proc/self/status" do
    local size = line:match "VmRSS:%s*(%d+)"
    if size then
      return tonumber(size)
    end
  end
end

local function new(options)
  options.url, options.authorization = arg[1], documents.authorization
  options.spool = { path = arg[3], max_bytes = 2 ^ 31 }
  return postevent.new(options)
end

if arg[4] == "leave" then
  local client = new { queue = { overflow = "wait", wait = 60 }, rate_limit = { per_second = 0.001 } }
  for _ = 1, tonumber(arg[2]) do
    assert(client:track(documents.event))
  end
  local _, _, _, detail = client:close(0)
  print(detail.kept, client:stats().spool.bytes)
else
  local client = new { results = 0 }
  local size, start = resident(), process.now()
  client:start()
  repeat
    process.sleep(0.001)
  until client:stats().delivered > 0 or process.now() - start > 60
  print(process.now() - start, resident() - size)
  client:close(0)
end
