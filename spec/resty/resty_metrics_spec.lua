-- resty.metrics(): the counters of all workers of an nginx together, those included that are no more.
local where = require "support.where"
if not where.is "luajit" then
  return
end
local helper = require "support.helper"
local openresty = require "support.openresty"
local many = require "support.many"
local platform = require "support.slow_platform"
local site = require "support.site"

describe("the metrics of nginx's workers", function()
  helper.guard()
  local shared = site.new()

  local DICTIONARY = "lua_shared_dict postevent 1m;\n"
  local CLIENT = DICTIONARY .. [[
    init_worker_by_lua_block { client = new() }
    exit_worker_by_lua_block { require("postevent.resty").close(5) }
  ]]
  local SERVER = [[
    location = /track { content_by_lua_block { ngx.print(client:track(event) and ngx.worker.pid()) } }
    location = /refused { content_by_lua_block { client:track { 1 } } }
    location = /metrics { content_by_lua_block { ngx.print(require("postevent.resty").metrics()) } }
  ]]

  -- The page, as a table of its samples: "postevent_refused_total{code=\"closed\"}" -> number. It is one that
  -- Prometheus takes, and its books balance.
  local function read(nginx)
    local reply = nginx:get "/metrics"
    assert.equal(200, reply.status, nginx:errors())
    local status, output, errors = helper.run({ "promtool", "check", "metrics" }, { stdin = reply.body })
    assert.equal("", output .. errors)
    assert.equal(0, status)
    local page = {}
    for name, value in reply.body:gmatch "\n([%w_]+%b{}) (%S+)" do
      page[name] = tonumber(value)
    end
    for name, value in reply.body:gmatch "\n([%w_]+) (%S+)" do
      page[name] = tonumber(value)
    end
    local function sum(name)
      local total = page[name .. "_total"] or 0
      for sample, value in pairs(page) do
        total = total + (sample:find(name .. "_total{", 1, true) == 1 and value or 0)
      end
      return total
    end
    assert.equal(page.postevent_calls_total,
      page.postevent_accepted_total + page.postevent_filtered_total + sum "postevent_refused")
    assert.equal(page.postevent_accepted_total, page.postevent_delivered_total + sum "postevent_rejected"
      + page.postevent_expired_total + sum "postevent_dropped" + sum "postevent_unknown" + page.postevent_pending
      + page.postevent_lost_total)
    return page
  end

  local function wait_for(nginx, samples)
    local page
    helper.wait_until(function()
      page = read(nginx)
      for name, value in pairs(samples) do
        if page[name] ~= value then
          return false, ("%s is %s"):format(name, tostring(page[name]))
        end
      end
      return true
    end, 10, "the counters")
    return page
  end

  -- Tracks so many events, and returns how many workers took some.
  local function track(nginx, count)
    local pids, workers = {}, 0
    for _, reply in ipairs(many.get(nginx.port, "/track", count)) do
      workers = workers + (pids[reply.body] and 0 or 1)
      pids[reply.body] = true
    end
    return workers
  end

  it("are the sum of them all, whichever is asked", function()
    local nginx = shared:start { http = CLIENT, server = SERVER, workers = 3 }
    local workers, tracked = 0, 0
    helper.wait_until(function()
      workers = math.max(workers, track(nginx, 60))
      tracked = tracked + 60
      return workers == 3
    end)
    many.get(nginx.port, "/refused", 4)
    wait_for(nginx, {
      postevent_calls_total = tracked + 4, postevent_accepted_total = tracked, postevent_delivered_total = tracked,
      ['postevent_refused_total{code="invalid_event"}'] = 4, postevent_pending = 0, postevent_workers = 3,
      postevent_lost_total = 0, postevent_latency_seconds_count = tracked, ['postevent_state{state="idle"}'] = 1,
    })
  end)

  it("are those of a client that was made before the workers were forked, too", function()
    local nginx = shared:start {
      http = DICTIONARY, server = SERVER, workers = 2, values = { INIT = "client = new()" },
    }
    track(nginx, 40)
    wait_for(nginx, { postevent_accepted_total = 40, postevent_delivered_total = 40 })
  end)

  it("keep what workers have counted that were reloaded away", function()
    local nginx = shared:start { http = CLIENT, server = SERVER, workers = 2 }
    for round = 1, 3 do
      track(nginx, 30)
      nginx:reload()
      wait_for(nginx, {
        postevent_accepted_total = round * 30, postevent_delivered_total = round * 30, postevent_lost_total = 0,
      })
    end
    helper.wait_until(function()
      return read(nginx).postevent_workers <= 2
    end)
  end)

  it("show what a worker held that was killed as lost", function()
    local slow = platform.start(60)
    local nginx = shared:start { values = { URL = slow.url }, http = CLIENT, server = SERVER, workers = 2 }
    track(nginx, 40)
    wait_for(nginx, { postevent_accepted_total = 40, postevent_pending = 40 })
    for _, pid in ipairs(nginx:worker_pids()) do
      helper.process.kill(pid, "SIGKILL")
    end
    helper.wait_until(function()
      local ok, page = pcall(read, nginx)
      return ok and page.postevent_lost_total == 40
    end)
    local page = read(nginx)
    assert.equal(40, page.postevent_accepted_total)
    assert.equal(0, page.postevent_pending)
    slow.nginx:stop()
    nginx:stop()
  end)

  -- `first`: what asks first, so that workers have a name for their entries, or not yet.
  local function count_poor(first)
    local nginx = shared:start { http = CLIENT, workers = 2, server = SERVER .. [[
      location = /poor { content_by_lua_block {
        local open = io.open
        io.open = function(path) return nil, path .. ": Too many open files", 24 end
        local ok, page = pcall(require("postevent.resty").metrics)
        io.open = open
        ngx.print(ok and ngx.worker.pid() or page)
      } }]] }
    local tracked = 0
    helper.wait_until(function()
      tracked = tracked + 60
      return track(nginx, 60) == 2
    end)
    local wanted = { postevent_accepted_total = tracked, postevent_delivered_total = tracked, postevent_workers = 2,
      postevent_pending = 0, postevent_lost_total = 0 }
    for _, path in ipairs { first, "/poor", "/metrics", "/poor" } do
      for _ = 1, 20 do
        assert.equal(200, nginx:get(path).status)
      end
    end
    wait_for(nginx, wanted)
  end

  it("count no worker as dead that has no descriptor to look with, nor itself twice", function()
    count_poor "/metrics"
    count_poor "/poor"
  end)

  it("of several clients are one sum, and a closed one keeps its share", function()
    local nginx = shared:start {
      http = DICTIONARY .. [[init_worker_by_lua_block {
        client = new()
        local closed = new()
        for _ = 1, 5 do closed:track(event) end
        closed:close()
        other = new { shared = false }
        other:track(event)
      }]],
      server = SERVER,
    }
    track(nginx, 3)
    wait_for(nginx, { postevent_accepted_total = 8, postevent_delivered_total = 8 })
    assert.equal(8, read(nginx).postevent_accepted_total)
  end)

  it("may have labels, and a dictionary of another name", function()
    local nginx = shared:start {
      http = [[lua_shared_dict counters 1m;
        init_worker_by_lua_block { client = new { shared = "counters" } }]],
      server = [[
        location = /metrics { content_by_lua_block {
          client:track(event)
          ngx.print(require("postevent.resty").metrics({ shop = "st-7" }, "counters"))
        } }
        location = /wrong { content_by_lua_block {
          local resty = require "postevent.resty"
          ngx.say(select(2, pcall(resty.metrics)))
          ngx.say(select(2, pcall(resty.metrics, { code = "1" }, "counters")))
        } }]],
    }
    assert.truthy(nginx:get("/metrics").body:find('postevent_accepted_total{shop="st-7"} 1\n', 1, true))
    local body = nginx:get("/wrong").body
    assert.truthy(body:find("metrics: name: there is no dictionary of that name; it needs `lua_shared_dict postevent "
      .. "1m;`", 1, true), body)
    assert.truthy(body:find("metrics: labels.code: is a label of the metrics themselves", 1, true), body)
  end)

  it("are nobody's in the master", function()
    local nginx = shared:start {
      workers = 2, server = SERVER, values = { INIT = "client = new(); require('postevent.resty').metrics()" },
      http = DICTIONARY,
    }
    track(nginx, 40)
    wait_for(nginx, { postevent_accepted_total = 40, postevent_delivered_total = 40 })
    assert.is_true(read(nginx).postevent_workers <= 2)
  end)

  it("push nothing out of a dictionary that is full, and forget no worker that was killed", function()
    local nginx = shared:start {
      http = [[lua_shared_dict postevent 32k;
        init_worker_by_lua_block {
          client = new()
          function fill()
            local dictionary, count = ngx.shared.postevent, 0
            for size = 2000, 50, -50 do
              while dictionary:safe_set("other" .. count, ("x"):rep(size)) do count = count + 1 end
            end
            return count
          end
          function left()
            local found = 0
            for _, name in ipairs(ngx.shared.postevent:get_keys(0)) do
              found = found + (name:find "^other" and 1 or 0)
            end
            return found
          end
        }]],
      workers = 2,
      server = SERVER .. [[
        location = /fill { content_by_lua_block { ngx.print(fill()) } }
        location = /left { content_by_lua_block { ngx.print(left()) } }]],
    }
    track(nginx, 40)
    wait_for(nginx, { postevent_accepted_total = 40, postevent_delivered_total = 40 })
    local others = nginx:get("/fill").body
    for _ = 1, 3 do
      assert.equal(40, read(nginx).postevent_accepted_total)
    end
    for _, pid in ipairs(nginx:worker_pids()) do
      helper.process.kill(pid, "SIGKILL")
    end
    helper.wait_until(function()
      local ok, page = pcall(read, nginx)
      return ok and page.postevent_accepted_total == 40
    end)
    assert.equal(others, nginx:get("/left").body)
  end)

  it("that the dictionary has no room for are told to the log once, and stop nobody", function()
    local nginx = shared:start {
      http = [[lua_shared_dict postevent 12k;
        init_worker_by_lua_block {
          local dictionary = ngx.shared.postevent
          for i = 1, 1000 do dictionary:safe_set("other" .. i, ("x"):rep(200)) end
          client = new()
        }]],
      server = SERVER,
    }
    track(nginx, 10)
    for _ = 1, 3 do
      assert.equal(200, nginx:get("/metrics").status)
    end
    local _, count = nginx:errors():gsub("%[warn%][^\n]*the shared dictionary takes no more counters: no memory", "")
    assert.equal(1, count, nginx:errors())
    helper.wait_until(function()
      return #shared.sandbox:events() == 10
    end)
  end)

  it("cost an idle worker nothing that one without the module does not cost", function()
    local nginx, other = shared:start { http = CLIENT, server = SERVER }, openresty.start { bare = true }
    track(nginx, 10)
    wait_for(nginx, { postevent_delivered_total = 10 })
    local function switches(of)
      local _, text = helper.run { "sh", "-c", ("cat /proc/%d/task/*/status"):format(of:worker_pids()[1]) }
      local total = 0
      for count in text:gmatch "ctxt_switches:%s*(%d+)" do
        total = total + count
      end
      return total
    end
    helper.wait_until(function() -- the last timer has fired
      local before, others = switches(nginx), switches(other)
      helper.process.sleep(1.5)
      return switches(nginx) - before <= switches(other) - others
    end, 10, "a worker that rests")
    nginx:quit()
    other:quit()
  end)
end)
