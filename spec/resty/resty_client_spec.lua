-- Clients of nginx come and go: closed in a request, dropped, and the same again for the same options.
local where = require "support.where"
if not where.is "luajit" then
  return
end
local helper = require "support.helper"
local many = require "support.many"
local platform = require "support.slow_platform"
local site = require "support.site"

describe("a client in nginx", function()
  helper.guard()
  local shared = site.new()

  local DICTIONARY = "lua_shared_dict postevent 1m;\n"
  local METRICS = [[
    location = /metrics { content_by_lua_block { ngx.print(require("postevent.resty").metrics()) } }]]

  local function sample(nginx, name)
    return tonumber(nginx:get("/metrics").body:match("\npostevent_" .. name .. " (%d+)"))
  end

  -- How many threads and descriptors the worker has.
  local function size(nginx)
    local pid = nginx:worker_pids()[1]
    local _, text = helper.run { "sh", "-c", ("ls /proc/%d/task | wc -l; ls /proc/%d/fd | wc -l"):format(pid, pid) }
    local threads, descriptors = text:match "(%d+)%s+(%d+)"
    return tonumber(threads), tonumber(descriptors)
  end

  it("is closed in a request without a wait of others", function()
    local slow = platform.start(1.5)
    local nginx = shared:start {
      values = { URL = slow.url },
      http = DICTIONARY,
      server = METRICS .. [[
        location = /close { content_by_lua_block {
          local client = new()
          for _ = 1, 3 do client:track(event) end
          local begin = ngx.now()
          local closed, message = client:close(5)
          ngx.update_time()
          ]] .. site.answer [[closed, message, ngx.now() - begin, client:close(),
            select(3, client:track(event)), select(3, client:post(event))]] .. [[
        } }
        location = /timer { content_by_lua_block {
          local done = require("ngx.semaphore").new(0)
          ngx.timer.at(0, function()
            local client = new()
            client:track(event)
            closed = client:close(5)
            done:post(1)
          end)
          done:wait(5)
          ]] .. site.answer "closed" .. [[ } }]],
    }
    local closing = many.begin(nginx.port, "/close")
    helper.wait_until(function()
      return slow:count() == 3
    end)
    local begin = helper.process.now()
    assert.equal(204, nginx:get("/up").status)
    assert.is_true(helper.process.now() - begin < 1)
    local reply = many.finish({ closing })[1]
    local returned = require("cjson").decode(reply.body)
    assert.equal(true, returned[1])
    assert.equal(true, returned[2], reply.body)
    assert.is_true(returned[4] >= 0.3 and returned[4] < 2, reply.body)
    assert.equal(true, returned[5])
    assert.equal("closed", returned[6])
    assert.same({ true, true }, site.ask(nginx, "/timer"))
    assert.equal(4, sample(nginx, "delivered_total"))
    assert.equal("", nginx:complaints())
    slow.nginx:stop()
  end)

  it("names the method that was called wrongly, and the place, whatever it is made of", function()
    local nginx = shared:start {
      http = DICTIONARY .. "init_worker_by_lua_block { client = new() }",
      server = [[location = /wrong { content_by_lua_block {
        local c, said = client, {}
        local function try(name, call)
          said[name] = said[name] or {}
          table.insert(said[name], (select(2, pcall(call))))
        end
        for _, event in ipairs { 5, "x", true, ngx.null } do
          try("track", function() local r = c:track(event) return r end)
          try("post", function() local r = c:post(event) return r end)
          try("encode", function() local r = c:encode(event) return r end)
        end
        for _, seconds in ipairs { -1, 0 / 0, 1e300, "x", true, {} } do
          try("close", function() local r = c:close(seconds) return r end)
        end
        for _, self in ipairs { 5, "x", true, {}, ngx.null, io.stdout } do
          try("track", function() local r = c.track(self, {}) return r end)
          try("start", function() local r = c.start(self) return r end)
          try("post", function() local r = c.post(self, {}) return r end)
          try("close", function() local r = c.close(self, 5) return r end)
          try("set_mode", function() local r = c.set_mode(self, "off") return r end)
          try("set_common", function() local r = c.set_common(self, {}) return r end)
          try("set_authorization", function() local r = c.set_authorization(self, "Basic eA==") return r end)
        end
        try("set_mode", function() local r = c:set_mode "of" return r end)
        try("set_common", function() local r = c:set_common(5) return r end)
        try("set_authorization", function() local r = c:set_authorization(5) return r end)
        try("metrics", function() local r = c:metrics(5) return r end)
        try("results", function() local r = c:results(-1) return r end)
        ]] .. site.answer "said, c:track(event) ~= nil, c:close(5)" .. [[ } }]],
    }
    local returned = site.ask(nginx, "/wrong")
    local calls = 0
    for name, messages in pairs(returned[2]) do
      for _, message in ipairs(messages) do
        calls = calls + 1
        assert.is_string(message, name)
        assert.is_nil(message:find "[%s'`:]_%l", message)
        assert.truthy(message:find(name, 1, true), name .. ": " .. message)
        assert.truthy(message:find("content_by_lua", 1, true), name .. ": " .. message)
      end
    end
    assert.equal(65, calls)
    assert.same({ true, true }, { returned[3], returned[4] })
  end)

  it("that is closed for a moment only says what is left, which is lost", function()
    local slow = platform.start(60)
    local nginx = shared:start {
      values = { URL = slow.url },
      http = DICTIONARY,
      server = METRICS .. [[location = /close { content_by_lua_block {
        local client = new()
        for _ = 1, 3 do client:track(event) end
        ]] .. site.answer "client:close(0.2)" .. [[ } }]],
    }
    local returned = site.ask(nginx, "/close")
    assert.equal("timeout", returned[4])
    assert.same({ remaining = 3 }, returned[5])
    assert.equal(3, sample(nginx, "lost_total"))
    assert.equal(0, sample(nginx, "pending"))
    slow.nginx:stop()
  end)

  it("that is closed where nobody can wait is delivered behind it", function()
    local slow = platform.start(2)
    local nginx = shared:start {
      values = { URL = slow.url },
      http = DICTIONARY,
      server = METRICS .. [[
        location = /log { content_by_lua_block { ngx.print "ok" } log_by_lua_block {
          local client = new()
          for _ = 1, 3 do client:track(event) end
          ngx.update_time()
          local begin = ngx.now()
          client:close(5)
          ngx.update_time()
          took = ngx.now() - begin
        } }
        location = /took { content_by_lua_block { ngx.print(took) } }]],
    }
    nginx:get "/log"
    helper.wait_until(function()
      return sample(nginx, "delivered_total") == 3
    end)
    assert.is_true(tonumber(nginx:get("/took").body) < 2) -- what the platform takes
    assert.equal(0, sample(nginx, "lost_total"))
    assert.equal("", nginx:complaints())
    slow.nginx:stop()
  end)

  it("that is dropped leaves no thread and no descriptor, and its counters", function()
    local nginx = shared:start {
      http = DICTIONARY .. "init_worker_by_lua_block { kept = new() }",
      server = METRICS .. [[location = /drop { content_by_lua_block {
        for _ = 1, 10 do
          local client = new()
          client:track(event)
          client:track {}
        end
        collectgarbage()
        ngx.print "ok"
      } }
      location = /rest { content_by_lua_block { kept:track(event) collectgarbage() collectgarbage() } }]],
    }
    nginx:get "/rest"
    helper.wait_until(function()
      return sample(nginx, "delivered_total") == 1
    end)
    local threads, descriptors = size(nginx)
    for _ = 1, 20 do
      assert.equal("ok", nginx:get("/drop").body)
    end
    helper.wait_until(function()
      nginx:get "/rest"
      local now, open = size(nginx)
      return now <= threads and open <= descriptors + 2, ("%d threads, %d descriptors"):format(now, open)
    end, 15, "the threads to end")
    local accepted = sample(nginx, "accepted_total")
    helper.wait_until(function()
      return sample(nginx, "delivered_total") == accepted
    end)
    assert.is_true(accepted >= 201)
    assert.equal(accepted, #shared.sandbox:events())
    assert.truthy(nginx:get("/metrics").body:find('postevent_refused_total{code="invalid_event"} 200', 1, true))
    assert.equal(0, sample(nginx, "lost_total"))
    nginx:reload()
    helper.wait_until(function()
      return sample(nginx, "delivered_total") == accepted and sample(nginx, "workers") == 1
    end)
    assert.equal("", nginx:complaints())
  end)

  it("that is dropped while the platform is slow has the time of its `drain`", function()
    local slow = platform.start(0.7)
    local nginx = shared:start {
      values = { URL = slow.url },
      http = DICTIONARY,
      server = METRICS .. [[location = /drop { content_by_lua_block {
        local client = new { max_in_flight = 2 }
        for _ = 1, 6 do client:track(event) end
        client = nil
        collectgarbage()
        collectgarbage()
        ngx.print "ok"
      } }]],
    }
    nginx:get "/drop"
    assert.equal(6, sample(nginx, "pending"))
    helper.wait_until(function()
      return sample(nginx, "delivered_total") == 6
    end)
    assert.equal(0, sample(nginx, "lost_total"))
    assert.equal(0, sample(nginx, "pending"))
    slow.nginx:stop()
  end)

  describe("from resty.get", function()
    it("is the same for the same options, and another for others", function()
      local nginx = shared:start {
        values = { INIT = "resty = require 'postevent.resty'" },
        server = [[location = /get { content_by_lua_block {
          local get = resty.get
          local function options(more)
            local made = { url = "${URL}", user = "me", password = "a", queue = { max_events = 7 }, common = { a = 1 } }
            for name, value in pairs(more or {}) do made[name] = value end
            return made
          end
          local send, other = function(event) return event end, function(event) return event end
          local first, functional = get(options()), get(options { before_send = send })
          ]] .. site.answer [[
            get(options()) == first, get(options { password = "b" }) == first,
            get(options { common = { a = "1" } }) == first, get(options { queue = { max_events = 8 } }) == first,
            get(options { before_send = send }) == functional, get(options { before_send = other }) == functional,
            first:close() and get(options()) == first, get(options()) == get(options())]] .. [[ } }
        location = /wrong { content_by_lua_block {
          local none, colon = select(2, pcall(resty.get)), select(2, pcall(resty.get, resty))
          ]] .. site.answer "none, colon" .. [[ } }]],
      }
      assert.same({ true, true, false, false, false, true, false, false, true }, site.ask(nginx, "/get"))
      local returned = site.ask(nginx, "/wrong")
      assert.truthy(returned[2]:find("postevent.resty.get: expected a table of options, got nil", 1, true))
      assert.truthy(returned[3]:find("it is resty.get(...), with a dot", 1, true), returned[3])
    end)

    it("is none for options that are refused, which the log says once a second, and resty.check at once", function()
      local nginx = shared:start {
        values = { INIT = "resty = require 'postevent.resty'" },
        server = [[location = /refused { content_by_lua_block {
          local function refused(more)
            local options = { url = "${URL}" }
            for name, value in pairs(more) do options[name] = value end
            local client, why = resty.get(options)
            local ok, same = resty.check(options)
            return client == nil and ok == nil and why == same and why
          end
          local client = resty.get { url = "${URL}" }
          ]] .. site.answer [[
            refused { timeot = 1 }, refused { drain = 0 }, refused { url = "h", password = "hunter2" },
            refused { shared = "none" }, refused { spool = { path = "s", wait = true } },
            resty.check { url = "${URL}" }, resty.get { url = "${URL}" } == client,
            select(2, pcall(resty.check)), select(2, pcall(resty.check, resty))]] .. [[ } }
        location = /flood { content_by_lua_block {
          local begin, calls = ngx.now(), 0
          repeat
            assert(not resty.get { url = "h" })
            calls = calls + 1
            if calls % 100 == 0 then ngx.sleep(0.001) end
          until ngx.now() - begin > 1.2
          ngx.print(calls)
        } }]],
      }
      local returned = site.ask(nginx, "/refused")
      for i, text in ipairs {
        "unknown option: timeot", "drain: expected a number of seconds above 0", "url: ",
        "shared: there is no dictionary of that name", "spool.wait: it blocks the worker",
      } do
        assert.truthy(tostring(returned[i + 1]):find(text, 1, true) == 1, tostring(returned[i + 1]))
      end
      assert.same({ true, true }, { returned[7], returned[8] })
      assert.truthy(returned[9]:find("postevent.resty.check: expected a table of options, got nil", 1, true))
      assert.truthy(returned[10]:find("it is resty.check(...), with a dot", 1, true))
      assert.is_nil(nginx:errors():find("hunter2", 1, true))
      local before = select(2, nginx:errors():gsub("postevent: no client: ", ""))
      assert.equal(1, before)
      assert.is_true(tonumber(nginx:get("/flood").body) > 1000)
      local lines = select(2, nginx:errors():gsub("postevent: no client: ", "")) - before
      assert.is_true(lines >= 1 and lines <= 2, lines .. " lines")
      assert.truthy(nginx:errors():find("postevent: no client: url: [^\n]*%(and %d%d%d+ more of the kind%)"))
    end)

    it("is dropped when nobody asked for it in ten minutes and another is made", function()
      local nginx = shared:start {
        values = { INIT = "resty = require 'postevent.resty'" },
        http = DICTIONARY,
        server = METRICS .. [[location = /aged { content_by_lua_block {
          local now, ahead = ngx.now, 0
          ngx.now = function() return now() + ahead end
          local function get(i) return resty.get { url = "${URL}", user_agent = "route " .. i } end
          for i = 1, 20 do get(i):track(event) end
          ahead = 599
          local kept = tostring(get(20))
          ahead = 601
          get(21):track(event)
          local same = tostring(get(20)) == kept
          collectgarbage()
          ngx.now = now
          ]] .. site.answer "same" .. [[ } }]],
      }
      assert.same({ true, true }, site.ask(nginx, "/aged"))
      helper.wait_until(function()
        return sample(nginx, "delivered_total") == 21 and size(nginx) <= 5
      end, 15)
      assert.equal("", nginx:complaints())
    end)

    it("is kept while it is among the hundred that were asked for last", function()
      local nginx = shared:start {
        values = { INIT = "resty = require 'postevent.resty'" },
        http = DICTIONARY,
        server = METRICS .. [[location = /many { content_by_lua_block {
          local function get(i) return resty.get { url = "${URL}", user_agent = "route " .. i } end
          local first = tostring(get(0)):len() > 0 and get(0)
          for i = 1, 300 do
            get(0)
            get(i):track(event)
          end
          collectgarbage()
          ]] .. site.answer "first == get(0), get(300) == get(300)" .. [[ } }]],
      }
      assert.same({ true, true, true }, site.ask(nginx, "/many"))
      helper.wait_until(function()
        return sample(nginx, "delivered_total") == 300 and size(nginx) <= 103
      end, 15)
      assert.equal("", nginx:complaints())
    end)
  end)
end)
