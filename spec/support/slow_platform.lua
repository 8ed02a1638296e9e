-- A platform that takes its time: an nginx that answers each event as documented, so many seconds after it came.
-- start(seconds) -> { url =, count = how many events have come }
local documents = require "support.documents"
local openresty = require "support.openresty"

local slow_platform = {}

function slow_platform.start(seconds)
  local nginx = openresty.start {
    connections = 4096,
    http = "lua_shared_dict events 1m;\n",
    values = { URL = "http://127.0.0.1/", REPLY = documents.reply, SECONDS = tostring(seconds) },
    server = [[
      default_type application/json;
      location = /count { content_by_lua_block { ngx.print(ngx.shared.events:get "count" or 0) } }
      location / { content_by_lua_block {
        ngx.shared.events:incr("count", 1, 0)
        ngx.sleep(${SECONDS})
        ngx.print '${REPLY}'
      } }]],
  }
  return {
    url = nginx.url .. documents.path,
    nginx = nginx,
    count = function()
      return tonumber(nginx:get("/count").body)
    end,
  }
end

return slow_platform
