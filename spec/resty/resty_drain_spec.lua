-- The end of a worker whose program does nothing for it: what it holds is delivered, in the time that it has, and the
-- numbers are true afterwards.
local where = require "support.where"
if not where.is "luajit" then
  return
end
local helper = require "support.helper"
local many = require "support.many"
local platform = require "support.slow_platform"
local site = require "support.site"

describe("a worker of nginx that nobody closes", function()
  helper.guard()
  local shared = site.new()

  local SERVER = [[
    location = /track { content_by_lua_block { ngx.print(client:track(event) and "ok") } }
    location = /metrics { content_by_lua_block { ngx.print(require("postevent.resty").metrics()) } }
    location = /slow { content_by_lua_block { ngx.sleep(1) ngx.print(client:track(event) and "ok") } }]]

  local function start(http, url, options)
    return shared:start {
      values = { URL = url }, server = SERVER,
      http = "lua_shared_dict postevent 1m;\n" .. http .. ("init_worker_by_lua_block { client = new { %s } }"):format(
        options or ""),
    }
  end

  local function sample(page, name)
    return tonumber(page:match("\npostevent_" .. name .. " (%d+)"))
  end

  local function wait_for(nginx, wanted, seconds)
    helper.wait_until(function()
      local page = nginx:get("/metrics").body
      for name, value in pairs(wanted) do
        if sample(page, name) ~= value then
          return false, ("%s is %s"):format(name, tostring(sample(page, name)))
        end
      end
      return true
    end, seconds or 10, "the counters")
  end

  local function is_alive(pid)
    return helper.file_exists(("/proc/%d/stat"):format(pid))
  end

  local function track(nginx, count)
    for _, reply in ipairs(many.get(nginx.port, "/track", count)) do
      assert.equal("ok", reply.body)
    end
  end

  for _, case in ipairs {
    { "", "" },
    { ", where nginx has no timer to give", "lua_max_pending_timers 1;\nlua_max_running_timers 1;\n" },
  } do
    it("delivers what it holds when nginx is reloaded, and all is counted" .. case[1], function()
      local slow = platform.start(0.5)
      local nginx = start(case[2], slow.url)
      track(nginx, 100)
      local old = nginx:reload()
      wait_for(nginx, { accepted_total = 100, delivered_total = 100, lost_total = 0, pending = 0 })
      assert.equal(100, slow:count())
      helper.wait_until(function() return not is_alive(old[1]) end, 2)
      wait_for(nginx, { delivered_total = 100, workers = 1 })
      assert.equal("", nginx:complaints())
      slow.nginx:stop()
    end)
  end

  it("delivers no longer than `drain` says, and what is left is lost, to the event", function()
    local slow = platform.start(0.5)
    local nginx = start("", slow.url, "drain = 1.2, max_in_flight = 5")
    track(nginx, 40)
    local begin = helper.process.now()
    local old = nginx:reload()
    helper.wait_until(function() return not is_alive(old[1]) end, 5)
    assert.is_true(helper.process.now() - begin < 2.5)
    local page = nginx:get("/metrics").body
    assert.equal(40, sample(page, "accepted_total"))
    assert.equal(40, sample(page, "delivered_total") + sample(page, "lost_total"))
    assert.is_true(sample(page, "delivered_total") >= 10)
    assert.is_true(slow:count() - sample(page, "delivered_total") <= 5) -- those that were on their way
    slow.nginx:stop()
  end)

  it("counts what requests track that outlive the reload", function()
    local nginx = start("", shared.sandbox.url)
    track(nginx, 5)
    local late = {}
    for i = 1, 5 do
      late[i] = many.begin(nginx.port, "/slow")
    end
    helper.wait_until(function()
      return nginx:get("/up").status == 204
    end)
    nginx:reload()
    for _, reply in ipairs(many.finish(late)) do
      assert.equal("ok", reply.body)
    end
    wait_for(nginx, { accepted_total = 10, delivered_total = 10, lost_total = 0 })
    assert.equal(10, #shared.sandbox:events())
  end)

  it("has several clients, each with its own time, and one that was closed", function()
    local slow = platform.start(0.4)
    local nginx = shared:start {
      values = { URL = slow.url },
      http = [[lua_shared_dict postevent 1m;
        init_worker_by_lua_block {
          client, other, gone = new(), new { drain = 3 }, new { url = "http://127.0.0.1:9/x", drain = 0.5 }
        }]],
      server = SERVER .. [[location = /all { content_by_lua_block {
        for _ = 1, 20 do client:track(event) other:track(event) gone:track(event) end
        ngx.print "ok"
      } }]],
    }
    assert.equal("ok", nginx:get("/all").body)
    nginx:reload()
    wait_for(nginx, { accepted_total = 60, delivered_total = 40, lost_total = 20, pending = 0 })
    slow.nginx:stop()
  end)

  it("ends at once where it holds nothing", function()
    local nginx = start("", shared.sandbox.url)
    assert.is_true(nginx:quit() < 0.5)
    nginx = start("", shared.sandbox.url)
    track(nginx, 20)
    wait_for(nginx, { delivered_total = 20 })
    assert.is_true(nginx:quit() < 0.7)
    assert.equal("", nginx:complaints())
  end)

  it("counts to the event where each request has a Lua state of its own", function()
    local nginx = shared:start {
      http = "lua_shared_dict postevent 1m;\nlua_code_cache off;\n",
      server = SERVER .. [[location = /one { content_by_lua_block { ngx.print(new():track(event) and "ok") } }]],
    }
    for _ = 1, 20 do
      assert.equal("ok", nginx:get("/one").body)
    end
    wait_for(nginx, { accepted_total = 20, delivered_total = 20, lost_total = 0 })
  end)

  it("ends at once where what it holds may not be sent", function()
    local nginx = shared:start {
      values = { URL = "http://127.0.0.1:9/x" },
      http = "lua_shared_dict postevent 1m;\ninit_worker_by_lua_block { client = new() }",
      server = SERVER .. [[location = /kept { content_by_lua_block {
        client:track(event)
        client:set_mode "off"
        ngx.print(client:stats().pending)
      } }]],
    }
    assert.equal("1", nginx:get("/kept").body)
    assert.is_true(nginx:quit() < 1)
  end)

  it("that stops has a second", function()
    local nginx = start("", shared.sandbox.url)
    track(nginx, 100)
    nginx:stop()
    assert.equal(100, #shared.sandbox:events())
  end)

  it("that is killed has nothing, and loses what it held", function()
    local slow = platform.start(60)
    local nginx = start("", slow.url)
    track(nginx, 30)
    wait_for(nginx, { accepted_total = 30, pending = 30 })
    local pid = nginx:worker_pids()[1]
    helper.process.kill(pid, "SIGKILL")
    helper.wait_until(function()
      local ok, reply = pcall(nginx.get, nginx, "/metrics")
      return ok and reply and sample(reply.body, "lost_total") == 30
    end)
    slow.nginx:stop()
    nginx:stop()
  end)
end)
