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

  local function start(sandbox, tls_port)
    local log -- in the server: the tests' nginx has none otherwise
    local http = pages.file("tracing.conf"):gsub("access_log logs/([^\n]*)", function(rest)
      log = "access_log " .. rest
      return ""
    end)
    local certificates = require("support.certificates").get()
    return openresty.start {
      bare = true,
      main = ("env POSTEVENT_URL=%s;"):format(sandbox.url),
      values = {
        TLS = tostring(tls_port), CERTIFICATE = certificates.server.cert, KEY = certificates.server.key,
      },
      http = http .. [[
        init_worker_by_lua_block {
          function try(place, traceparent)
            local ok, ticket, message = pcall(client.track, client, {
              event_name = "viewed", place = place, traceparent = traceparent, external_event_id = place,
            })
            assert(ok and ticket, message or ticket)
          end
          try "init_worker"
        }
        exit_worker_by_lua_block { try "exit_worker" }
      ]],
      server = log .. [[
        listen 127.0.0.1:${TLS} ssl;
        ssl_certificate ${CERTIFICATE};
        ssl_certificate_key ${KEY};
        ssl_certificate_by_lua_block { try "ssl_certificate" }
        location /timer { content_by_lua_block {
          local done = require("ngx.semaphore").new(0)
          ngx.timer.at(0, function() try "timer" try("handed", "a") done:post(1) end)
          ngx.say(done:wait(5))
        } }
        location /phases {
          set_by_lua_block $unused { return try "set" }
          rewrite_by_lua_block { try "rewrite" }
          access_by_lua_block { try "access" }
          content_by_lua_block { ngx.say(try "content") }
          header_filter_by_lua_block { try "header_filter" }
          body_filter_by_lua_block { if ngx.arg[2] then try "body_filter" end }
          log_by_lua_block { try "log" }
        }
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
    local nginx = start(sandbox, helper.free_port())
    local function ask(path, traceparent)
      local answer = helper.http_request { url = nginx.url .. path, headers = { traceparent = traceparent } }
      return (answer.body:gsub("\n", ""))
    end
    local wanted = {
      [ask("/tracked", TRACEPARENT)] = TRACEPARENT,
      [ask("/tracked", "<script>")] = false,
      [ask("/tracked", nil)] = false,
      [ask("/posted", TRACEPARENT)] = TRACEPARENT,
      init_worker = false,
    }
    helper.wait_until(function()
      return #sandbox:events() == 5
    end)
    local found = {}
    for _, record in ipairs(sandbox:events()) do
      found[record.event.external_event_id] = record.event.traceparent or false
    end
    assert.same(wanted, found)
    local log = helper.read_file(nginx.directory .. "/traced.log")
    for id in pairs(found) do
      assert.truthy(id == "own" or id == "init_worker" or log:find(id, 1, true), id .. " is not in the log")
    end
    nginx:quit()
    assert.equal("", nginx:complaints())
  end)

  it("tracks in every phase, and in those without a request", function()
    local sandbox, port = helper.start_sandbox(), helper.free_port()
    local nginx = start(sandbox, port)
    nginx:get "/timer"
    helper.http_request { url = nginx.url .. "/phases", headers = { traceparent = TRACEPARENT } }
    local _, body, why = helper.run { "curl", "-skS", ("https://127.0.0.1:%d/up"):format(port) }
    assert.equal("", body .. why)
    nginx:quit()
    assert.equal("", nginx:complaints())
    local found = {}
    for _, record in ipairs(sandbox:events()) do
      found[record.event.place] = record.event.traceparent or false
    end
    local wanted = {
      init_worker = false, exit_worker = false, timer = false, handed = "a", ssl_certificate = false,
    }
    for _, phase in ipairs { "set", "rewrite", "access", "content", "header_filter", "body_filter", "log" } do
      wanted[phase] = TRACEPARENT
    end
    assert.same(wanted, found)
  end)
end)
