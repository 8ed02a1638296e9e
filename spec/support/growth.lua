-- How much a process grows by posting: measured in a child of its own, since a test run's heap breathes.
local helper = require "support.helper"

local SCRIPT = [[
local documents = require "support.documents"
local process = require "support.process"
local url, warm_up, count = arg[1], tonumber(arg[2]), tonumber(arg[3])
local client = require("postevent").new { url = url, attempts = 1 }

local function post(times)
  for _ = 1, times do
    client:post(documents.event)
  end
  collectgarbage()
  collectgarbage()
  return collectgarbage "count", process.rss(), process.fd_count()
end

local lua, rss, fds = post(warm_up)
local lua_after, rss_after, fds_after = post(count)
client:close()
print(("%d %d %d"):format((lua_after - lua) * 1024, rss_after - rss, fds_after - fds))
]]

-- Posts `warm_up` times, then `count` times: the bytes of Lua's heap and of the process, and the descriptors, that the
-- second lot cost.
return function(url, warm_up, count)
  local status, output, errors = helper.run_lua({ code = SCRIPT }, { url, tostring(warm_up), tostring(count) })
  assert(status == 0, errors)
  local lua, rss, fds = output:match "^(%-?%d+) (%-?%d+) (%-?%d+)"
  local wrapped = (os.getenv "TEST_WRAPPER" or "") ~= ""
  return tonumber(lua), wrapped and 0 or tonumber(rss), tonumber(fds)
end
