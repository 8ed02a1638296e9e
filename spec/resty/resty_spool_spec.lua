-- A spool in nginx: what a worker held that was killed is delivered by those that live, and the sums tell so.
local where = require "support.where"
if not where.is "luajit" or not where.spools() then
  return
end
local files = require "support.files"
local helper = require "support.helper"
local many = require "support.many"
local posting = require "support.posting"
local process = require "support.process"
local rude = require "support.rude"
local site = require "support.site"

local CLOSED = "if request.mode ~= 'open' then return { status = 503 } end"
local SERVER = [[
  location = /track { content_by_lua_block {
    count = (count or 0) + 1
    ngx.print(client:track { event_name = "e", external_event_id = ngx.worker.pid() .. "-" .. count } and "ok")
  } }
  location = /uncommitted { content_by_lua_block {
    ngx.print(ngx.worker.pid(), " ", client:stats().spool.uncommitted)
  } }
  location = /metrics { content_by_lua_block { ngx.print(require("postevent.resty").metrics()) } }]]

-- A counter, or the sum of those that differ by their labels.
local function sample(page, name)
  local sum = 0
  for value in page:gmatch("\npostevent_" .. name .. "{?[^ ]* (%d+)") do
    sum = sum + tonumber(value)
  end
  return sum
end

-- Each event that was accepted has an outcome, is pending, was lost, or is on disk for another worker.
local function assert_balanced(page)
  local outcomes = 0
  for _, name in ipairs { "delivered", "rejected", "expired", "dropped", "unknown" } do
    outcomes = outcomes + sample(page, name .. "_total")
  end
  assert.equal(sample(page, "accepted_total") + sample(page, "restored_total"),
    outcomes + sample(page, "pending") + sample(page, "lost_total") + sample(page, "kept_total"))
end

-- Until each of the workers says so itself: the metrics are a second old.
local function wait_until_written(nginx)
  local written = {}
  helper.wait_until(function()
    local pid, count = nginx:get("/uncommitted").body:match "^(%d+) (%d+)$"
    written[tonumber(pid)] = count == "0"
    for _, worker in ipairs(nginx:worker_pids()) do
      if not written[worker] then
        return false
      end
    end
    return true
  end, 10, "all to be on disk")
end

describe("nginx with a spool", function()
  helper.guard()
  local shared = site.new()

  it("is told that `spool.wait` would block its workers", function()
    local nginx = shared:start { server = ([[
      location = /new { content_by_lua_block { %s } }]]):format(site.answer [[
        new { spool = { path = "/tmp/never", wait = true } }]]) }
    local ok, why = unpack(site.ask(nginx, "/new"))
    assert.is_false(ok)
    assert.truthy(why:find("spool.wait: it blocks the worker", 1, true), why)
  end)

  it("delivers what a worker held that was killed, between reloads, too", function()
    local server = rude.start("script", { script = CLOSED })
    local nginx = shared:start {
      workers = 2, values = { URL = server.url }, server = SERVER,
      http = "lua_shared_dict postevent 1m;\n" .. ([[init_worker_by_lua_block {
        client = new { spool = { path = "%s" }, id_attribute = "external_event_id", drain = 0.2,
          retry = { initial = 0.01, max = 0.05 } }
        client:start()
      }]]):format(files.new_path "spool"),
    }
    for round = 1, 3 do
      for _, reply in ipairs(many.get(nginx.port, "/track", 60)) do
        assert.equal("ok", reply.body)
      end
      wait_until_written(nginx)
      local before = nginx:worker_pids()
      for number = round == 3 and 1 or 2, 2 do -- all at last: those that come look at once, others every 30 s
        process.kill(before[number], "SIGKILL")
      end
      helper.wait_until(function()
        local now = nginx:worker_pids()
        return #now == 2 and now[1] ~= before[2] and now[2] ~= before[2]
      end, 10, "another worker")
      if round == 2 then
        for _, old in ipairs(nginx:reload()) do
          helper.wait_until(function()
            return not files.exists(("/proc/%d/stat"):format(old))
          end, 10, "the old workers to end")
        end
      end
    end
    server:set "open"
    helper.wait_until(function()
      local page = nginx:get("/metrics").body
      return sample(page, "pending") == 0 and sample(page, "delivered_total") == 180, page:gsub("# [^\n]*\n", "")
    end, 45, "all to be delivered")
    local page = nginx:get("/metrics").body
    assert_balanced(page)
    assert.is_true(sample(page, "restored_total") >= 60) -- a killed worker's last second is not counted
    local came = {}
    for _, arrival in ipairs(server:arrivals()) do
      came[arrival.id] = true
    end
    local count = 0
    for _ in pairs(came) do
      count = count + 1
    end
    assert.equal(180, count)
  end)

  it("counts as lost what a killed worker had in a client without one", function()
    local server = rude.start("script", { script = CLOSED })
    local nginx = shared:start {
      values = { URL = server.url }, server = SERVER,
      http = "lua_shared_dict postevent 1m;\n" .. ([[init_worker_by_lua_block {
        client = new { id_attribute = "external_event_id", drain = 0.2 }
        beside = new { spool = { path = "%s" } }
        beside:start()
      }]]):format(files.new_path "spool"),
    }
    for _, reply in ipairs(many.get(nginx.port, "/track", 20)) do
      assert.equal("ok", reply.body)
    end
    helper.wait_until(function()
      return nginx:get("/metrics").body:find "\npostevent_pending 20\n"
    end, 10, "the counters")
    process.kill(nginx:worker_pids()[1], "SIGKILL")
    helper.wait_until(function()
      local reply = nginx:get "/metrics"
      return reply and sample(reply.body, "lost_total") == 20
    end, 10, "the events to be lost")
    local page = nginx:get("/metrics").body
    assert.equal(0, sample(page, "kept_total"))
    assert_balanced(page)
  end)

  it("has no thread in the master, whose withdrawal the workers carry out once they start", function()
    local server = rude.start("script", { script = CLOSED })
    local directory = files.new_path "spool"
    local earlier = posting.client(server.url, { spool = { path = directory, wait = true } })
    for _ = 1, 5 do
      assert(earlier:track { event_name = "e" })
    end
    earlier:close(0)
    server:set "open"
    local before = server:requests()
    local nginx = shared:start {
      values = {
        URL = server.url,
        INIT = ([[client = new { spool = { path = "%s" } }
          assert(client:set_mode("off", "drop"))]]):format(directory),
      },
      server = [[
        location = /start { content_by_lua_block { ngx.print(client:start() and "ok") } }
        location = /dropped { content_by_lua_block { ngx.print(client:stats().dropped) } }]],
    }
    local master = files.read(nginx.directory .. "/nginx.pid"):match "%d+"
    local _, threads = helper.run { "ls", ("/proc/%s/task"):format(master) }
    assert.equal(master .. "\n", threads)
    assert.equal("0", nginx:get("/dropped").body)
    assert.equal("ok", nginx:get("/start").body)
    helper.wait_until(function()
      return nginx:get("/dropped").body == "5"
    end, 10, "the events to be dropped")
    assert.equal(before, server:requests())
  end)

  it("of a client that root's master made in init_by_lua is made by a worker that is nobody", function()
    if select(2, helper.run { "id", "-u" }) ~= "0\n" then
      return pending "the master must be root's"
    end
    local server = rude.start("script", { script = CLOSED })
    local directory = assert(process.temporary_directory "/tmp/postevent-shared-") -- the run's own is its user's
    helper.defer(function()
      assert(helper.run { "rm", "-r", directory } == 0)
    end)
    assert(helper.run { "chmod", "777", directory } == 0)
    local nginx = shared:start {
      user = "nobody nogroup", server = SERVER,
      values = {
        URL = server.url,
        INIT = ([[client = new { spool = { path = "%s/spool" }, id_attribute = "external_event_id", drain = 0.2,
          retry = { initial = 0.01, max = 0.05 } }]]):format(directory),
      },
    }
    assert.is_false(files.exists(directory .. "/spool/."))
    for _ = 1, 10 do
      assert.equal("ok", nginx:get("/track").body)
    end
    wait_until_written(nginx)
    local _, modes = helper.run { "sh", "-c", ("cd %s/spool && stat -c '%%U %%a' . *"):format(directory) }
    for line in modes:gmatch "[^\n]+" do
      assert.truthy(line == "nobody 600" or line == "nobody 700", modes)
    end
    process.kill(nginx:worker_pids()[1], "SIGKILL")
    server:set "open"
    helper.wait_until(function()
      local reply = nginx:get "/track"
      return reply and reply.body == "ok"
    end, 10, "the next worker")
    local came = {}
    helper.wait_until(function()
      for _, arrival in ipairs(server:arrivals()) do
        came[arrival.id] = true
      end
      local count = 0
      for _ in pairs(came) do
        count = count + 1
      end
      return count >= 11
    end, 10, "all to arrive")
    nginx:quit()
  end)
end)
