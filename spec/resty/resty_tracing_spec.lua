-- docs/howto/tracing.md, as it stands: a request and its event are found by what both carry.
if not require("support.where").is "luajit" then
  return
end
local helper = require "support.helper"
local openresty = require "support.openresty"
local pages = require "support.pages"

describe("the page's traced nginx", function()
  helper.guard()
  local TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

  local function start(sandbox)
    local log -- in the server: the tests' nginx has none otherwise
    local http = pages.file("tracing.conf"):gsub("access_log logs/([^\n]*)", function(rest)
      log = "access_log " .. rest
      return ""
    end)
    return openresty.start {
      bare = true,
      main = ("env POSTEVENT_URL=%s;"):format(sandbox.url),
      http = http,
      server = log .. [[
        location /tracked { content_by_lua_block {
          ngx.say(client:track { event_name = "viewed" } and ngx.var.request_id)
        } }
        location /posted { content_by_lua_block {
          local reply, message = client:post { event_name = "viewed", external_event_id = "own" }
          ngx.say(reply and "own" or message)
        } }
      ]],
    }
  end

  it("gives an event the trace and the id of its request, and nothing that is no trace", function()
    local sandbox = helper.start_sandbox()
    local nginx = start(sandbox)
    local function ask(path, traceparent)
      local answer = helper.http_request { url = nginx.url .. path, headers = { traceparent = traceparent } }
      return (answer.body:gsub("\n", ""))
    end
    local wanted = {
      [ask("/tracked", TRACEPARENT)] = TRACEPARENT,
      [ask("/tracked", "<script>")] = false,
      [ask("/tracked", nil)] = false,
      [ask("/posted", TRACEPARENT)] = TRACEPARENT,
    }
    helper.wait_until(function()
      return #sandbox:events() == 4
    end)
    local found = {}
    for _, record in ipairs(sandbox:events()) do
      found[record.event.external_event_id] = record.event.traceparent or false
    end
    assert.same(wanted, found)
    local log = helper.read_file(nginx.directory .. "/traced.log")
    for id in pairs(found) do
      assert.truthy(id == "own" or log:find(id, 1, true), id .. " is not in the log")
    end
    nginx:quit()
    assert.equal("", nginx:complaints())
  end)
end)
