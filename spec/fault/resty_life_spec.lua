-- The life of nginx's workers: they start, are reloaded, quit, and are killed, under traffic. What was accepted
-- arrives, who waits is answered, and nobody waits for the client longer than a moment.
local where = require "support.where"
if not where.is "luajit" then
  return
end
local helper = require "support.helper"
local many = require "support.many"
local platform = require "support.slow_platform"
local site = require "support.site"

describe("a worker of nginx", function()
  helper.guard()
  local shared = site.new()

  local CLIENT = [[
    init_worker_by_lua_block { client = new() }
    exit_worker_by_lua_block { require("postevent.resty").close(5) }
  ]]
  local POST = [[location = /post { content_by_lua_block {
    local reply, message = client:post(event)
    ngx.print(reply and "posted" or message)
  } }]]

  local function start(options)
    options.values = options.values or {}
    options.values.INIT = "counts = {}"
    return shared:start(options)
  end

  local function wait_for_end(pids, seconds)
    local begin = helper.process.now()
    helper.wait_until(function()
      for _, pid in ipairs(pids) do
        if helper.file_exists(("/proc/%d/stat"):format(pid)) then
          return false
        end
      end
      return true
    end, seconds, "the old workers to end")
    return helper.process.now() - begin
  end

  local function leftovers()
    local _, names = helper.run { "sh", "-c", 'ls -d "${TMPDIR:-/tmp}"/postevent-??????/socket 2>/dev/null || true' }
    return names
  end

  -- ---- idle ----

  it("that posted and is idle quits at once", function()
    local nginx = start { http = CLIENT, server = POST }
    assert.equal("posted", nginx:get("/post").body)
    assert.is_true(nginx:quit() < 0.5)
    assert.equal("", nginx:complaints())
    assert.equal("", leftovers())
  end)

  it("that posted and is idle ends at once when nginx is reloaded, and the new one posts", function()
    local nginx = start { http = CLIENT, server = POST, workers = 2 }
    many.get(nginx.port, "/post", 20)
    for _ = 1, 3 do
      local old = nginx:reload()
      assert.is_true(wait_for_end(old, 5) < 1)
      assert.equal("posted", nginx:get("/post").body)
    end
    assert.is_true(nginx:quit() < 0.5)
    assert.equal("", nginx:complaints())
    assert.equal("", leftovers())
  end)

  -- ---- while a post waits ----

  for _, case in ipairs { { "before the worker was told to quit", 0 }, { "afterwards", 0.4 },
    { "afterwards, the first of the worker", 0.4, first = true } } do
    it("answers a post that began " .. case[1] .. ", and then quits", function()
      local slow = platform.start(0.5)
      local nginx = start {
        values = { URL = slow.url, SECONDS = tostring(case[2]) },
        http = CLIENT,
        server = POST .. [[location = /begun { content_by_lua_block { ngx.print(counts.begun or 0) } }
        location = /late { content_by_lua_block {
          counts.begun = (counts.begun or 0) + 1
          ngx.sleep(${SECONDS})
          local reply, message = client:post(event)
          ngx.print(reply and "posted" or message)
        } }]],
      }
      if not case.first then
        assert.equal("posted", nginx:get("/post").body)
      end
      local posts = {}
      for i = 1, 10 do
        posts[i] = many.begin(nginx.port, "/late")
      end
      helper.wait_until(function() -- a worker that is to quit takes no new ones
        return nginx:get("/begun").body == "10" and (case[2] > 0 or slow:count() == 11)
      end)
      local took = nginx:quit()
      assert.is_true(took < 3, took)
      for _, post in ipairs(many.finish(posts)) do
        assert.equal(200, post.status)
        assert.equal("posted", post.body)
      end
      assert.equal("", nginx:complaints())
      assert.equal("", leftovers())
    end)
  end

  -- ---- traffic ----

  local TRAFFIC = [[location = /track { content_by_lua_block {
    counts.tracked = (counts.tracked or 0) + 1
    local copy = {}
    for name, value in pairs(event) do copy[name] = value end
    copy.external_event_id = ngx.worker.pid() .. "-" .. counts.tracked
    local ticket, message = client:track(copy)
    ngx.print(ticket and copy.external_event_id or "refused: " .. message)
  } }]]

  -- What was accepted: ids from the answers of rounds of requests.
  local function traffic(nginx, rounds, accepted)
    for _ = 1, rounds do
      for _, reply in ipairs(many.get(nginx.port, "/track", 20)) do
        if reply.status == 200 then
          assert.truthy(reply.body:find "^%d+%-%d+$", reply.body)
          accepted[#accepted + 1] = reply.body
        end
      end
    end
  end

  -- How often each id came.
  local function arrived()
    local times = {}
    for _, record in ipairs(shared.sandbox:events()) do
      local id = record.event.external_event_id
      times[id] = (times[id] or 0) + 1
    end
    return times
  end

  local function assert_all_came(accepted)
    local times = arrived()
    for id, count in pairs(times) do
      assert.is_true(count == 1 or id == "RAND121", id .. " came twice") -- that one is posted
    end
    for _, id in ipairs(accepted) do
      assert.truthy(times[id], id .. " did not come")
    end
  end

  local function wait_until_all_came(accepted)
    helper.wait_until(function()
      local times = arrived()
      for _, id in ipairs(accepted) do
        if not times[id] then return nil, id end
      end
      return true
    end, 5, "what was accepted")
  end

  it("delivers all that it accepted when nginx is reloaded again and again", function()
    local nginx = start { http = CLIENT, server = TRAFFIC, workers = 2 }
    local accepted, old = {}, {}
    for _ = 1, 5 do
      traffic(nginx, 5, accepted)
      for _, pid in ipairs(nginx:reload()) do
        old[#old + 1] = pid
      end
    end
    assert.is_true(wait_for_end(old, 10) < 10)
    assert.is_true(nginx:quit() < 6)
    assert.is_true(#accepted > 400)
    assert_all_came(accepted)
    assert.equal("", nginx:complaints())
  end)

  it("delivers all that it accepted when nginx quits, and stops", function()
    for _, how in ipairs { "quit", "stop" } do
      local nginx = start { http = CLIENT, server = TRAFFIC, workers = 2 }
      local accepted = {}
      shared.sandbox:reset()
      traffic(nginx, 10, accepted)
      nginx[how](nginx)
      assert.is_true(#accepted == 200)
      assert_all_came(accepted)
    end
  end)

  it("delivers what is little, even without a handler at its end", function()
    local nginx = start { http = "init_worker_by_lua_block { client = new() }", server = TRAFFIC }
    local accepted = {}
    traffic(nginx, 2, accepted)
    nginx:quit()
    assert.equal(40, #accepted)
    assert_all_came(accepted)
  end)

  it("gives up in time when the platform does not answer", function()
    local slow = platform.start(60)
    local nginx = start {
      values = { URL = slow.url },
      http = [[
        init_worker_by_lua_block { client = new(); other = new() }
        exit_worker_by_lua_block {
          local ok, message, code, detail = require("postevent.resty").close(0.5)
          ngx.log(ngx.WARN, tostring(ok), " ", code, " ", detail.remaining, ": ", message)
        }]],
      server = [[location = /track { content_by_lua_block {
        for _ = 1, 5 do client:track(event) other:track(event) end
        ngx.print "ok"
      } }]],
    }
    assert.equal("ok", nginx:get("/track").body)
    local took = nginx:quit()
    assert.is_true(took < 2, took)
    assert.truthy(nginx:errors():find("nil timeout 10: time ran out; events without an outcome: 5", 1, true),
      nginx:errors())
    slow.nginx:stop()
  end)

  it("may not be closed in a request", function()
    local nginx = start {
      http = CLIENT,
      server = [[location = /close { content_by_lua_block {
        ngx.print(select(2, pcall(require("postevent.resty").close)))
      } }]],
    }
    assert.truthy(nginx:get("/close").body:find("close would block the worker", 1, true))
  end)

  it("that is killed takes nobody along", function()
    local nginx = start { http = CLIENT, server = TRAFFIC .. POST, workers = 2 }
    local accepted = {}
    for _ = 1, 3 do
      traffic(nginx, 2, {}) -- what the killed one holds may be lost
      helper.process.kill(nginx:worker_pids()[1], "SIGKILL")
      helper.wait_until(function()
        return #nginx:worker_pids() == 2
      end)
      helper.wait_until(function() -- connections to the one that was killed are reset
        local ok, replies = pcall(many.get, nginx.port, "/track", 1)
        return ok and replies[1].status == 200
      end)
      traffic(nginx, 2, accepted)
      assert.equal("posted", nginx:get("/post").body)
      wait_until_all_came(accepted) -- who holds some of it may be the next to be killed
    end
    nginx:quit()
    assert_all_came(accepted)
  end)
end)
