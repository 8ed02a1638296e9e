-- The pages' plugins for Kong and APISIX, called as these call them: settings for each route, reloads, rotated
-- credentials, routes that go, and a platform that is away.
if not require("support.where").is "luajit" then
  return
end
local gateways = require "support.gateways"
local helper = require "support.helper"
local many = require "support.many"
local platform = require "support.slow_platform"

for _, kind in ipairs { "kong", "apisix" } do
  describe("the plugin for " .. kind, function()
    helper.guard()

    local function config(url, more)
      local made = { url = url, authorization = "Basic c2VjcmV0OndvcmQ=", event_name = "viewed" }
      for name, value in pairs(more or {}) do
        made[name] = value
      end
      return made
    end

    local function sample(gateway, name)
      return tonumber(gateway:metrics():match("\npostevent_" .. name .. " (%d+)"))
    end

    local function wait_for(gateway, name, value)
      helper.wait_until(function()
        return sample(gateway, name) == value
      end, 10, name)
    end

    local function threads(gateway)
      local _, names = helper.run { "ls", ("/proc/%d/task"):format(gateway:worker_pids()[1]) }
      return select(2, names:gsub("%d+", ""))
    end

    it("posts the events of each route to its own webhook", function()
      local first, second = helper.start_sandbox(), helper.start_sandbox()
      local gateway = gateways.start(kind)
      assert.is_nil(gateway:set("a", config(first.url)))
      assert.is_nil(gateway:set("b", config(second.url, { event_name = "bought", wait = true })))
      assert.equal("hello", gateway:ask("/route/a/rooms%FF", { ["x-customer-id"] = "17" })) -- A4: an odd byte
      assert.equal("hello", gateway:ask("/route/a?consumer=18"))
      assert.equal("hello", gateway:ask "/route/a")
      assert.equal("hello", gateway:ask "/route/b")
      wait_for(gateway, "delivered_total", 3)
      local by_customer = {}
      for _, record in ipairs(first:events()) do
        by_customer[record.event.customer_id] = record.event
      end
      assert.equal("/route/a/rooms\239\191\189", by_customer["17"].page)
      assert.equal(200, by_customer["18"].status)
      assert.equal("viewed", by_customer.anonymous.event_name)
      assert.equal("bought", second:events()[1].event.event_name)
      gateway:quit()
      assert.equal("", gateway:complaints())
    end)

    it("has one client for equal settings, and a new one when they change", function()
      local sandbox = helper.start_sandbox()
      local gateway = gateways.start(kind)
      for _, route in ipairs { "a", "b", "c" } do
        gateway:set(route, config(sandbox.url))
        gateway:ask("/route/" .. route)
      end
      local before = threads(gateway)
      gateway:set("a", config(sandbox.url))
      for _ = 1, 50 do
        gateway:ask "/route/a"
      end
      assert.equal(before, threads(gateway))
      gateway:set("a", config(sandbox.url, { authorization = "Basic bmV3OmtleQ==" }))
      gateway:ask "/route/a"
      helper.wait_until(function() -- tracked when the answer is out
        return threads(gateway) == before + 1
      end, 5, "a thread more")
      gateway:remove "b"
      assert.equal("hello", gateway:ask "/route/b")
      wait_for(gateway, "delivered_total", 54)
      gateway:quit()
      assert.equal("", gateway:complaints())
    end)

    local PLACE = "http://127.0.0.1:1/"

    it("refuses settings that are wrong, and names them", function()
      local gateway = gateways.start(kind)
      for _, case in ipairs {
        { "url", { url = false } }, { "url", { url = "" } }, { "url", { url = "127.0.0.1" } },
        { "url", { url = "http://elsewhere.example/" } }, { "authorization", { authorization = 1 } },
        { "authorization", { authorization = "" } },
        { "event_name", { event_name = "" } }, { "customer_header", { customer_header = "" } },
        { "nobody", { nobody = "" } }, { "evnt_name", { evnt_name = "x" } }, { "wait", { wait = "yes" } },
        { "drain", { drain = 61 } }, { "drain", { drain = 0 } }, { "drain", { drain = -1 } },
      } do
        local said = gateway:set("a", config(PLACE, case[2]))
        assert.truthy(said and said:find(case[1], 1, true), case[1] .. ": " .. tostring(said))
      end
    end)

    it("takes no settings that give no client", function()
      local sandbox = helper.start_sandbox()
      local gateway = gateways.start(kind)
      local edges = {
        drain = { 0, 1e-9, 0.09, 0.1, 1, 60, 60.1, 3600, 3601 },
        url = { sandbox.url, "http://127.0.0.1:1", "https://h.example/", "http://h.example/", "ftp://h/", "h", " " },
        event_name = { "e", ("e"):rep(50), ("e"):rep(2000), "a b", "\195\164", "\n" },
        nobody = { "n", ("n"):rep(5000) },
        customer_header = { "X", "a b", ("x"):rep(300), "\n" },
        authorization = { "Basic Og==", "Bearer x" },
      }
      local taken = 0
      for name, values in pairs(edges) do
        for _, value in ipairs(values) do
          local conf = config(sandbox.url, { [name] = value })
          if not gateway:set("a", conf) then
            taken = taken + 1
            assert.equal("hello", gateway:ask "/route/a")
          end
        end
      end
      assert.is_true(taken > 15)
      assert.is_nil(gateway:errors():find("no client", 1, true))
      gateway:quit()
      assert.equal("", gateway:complaints())
    end)

    it("serves the visitor whatever a vault holds, and says once a second that it cannot be", function()
      local sandbox = helper.start_sandbox()
      local gateway = gateways.start(kind)
      local function ask(count)
        for _, route in ipairs { "waits", "tracks" } do
          for _ = 1, count do
            assert.same({ 200, "hello" }, { gateway:get("/route/" .. route).status, gateway:ask("/route/" .. route) })
          end
        end
      end
      for route, wait in pairs { waits = true, tracks = false } do
        assert.is_nil(gateway:set(route, config(gateway:reference "url", {
          authorization = gateway:reference "key", wait = wait,
        })))
      end
      gateway:keep_secret("url", sandbox.url)
      local begin = helper.process.now()
      for _, wrong in ipairs { "scheme: Zm9vOmJhcg", "Basic Zm9vOmJhcg\n", " " } do
        gateway:keep_secret("key", wrong)
        ask(20)
      end
      assert.equal(0, #sandbox:events())
      local lines = select(2, gateway:errors():gsub("postevent: no client: authorization: ", ""))
      local most = math.floor(helper.process.now() - begin) + 1
      assert.is_true(lines >= 1 and lines <= most, lines .. " lines")
      assert.is_nil(gateway:errors():find("Zm9vOmJhcg", 1, true))

      gateway:keep_secret("key", "Basic Zm9vOmJhcg==")
      ask(1)
      wait_for(gateway, "delivered_total", 2)
      assert.equal(4, #sandbox:events())
      gateway:stop()
    end)

    it("has a line a second for events that are refused and posts that fail, and none of its own", function()
      local gateway = gateways.start(kind)
      gateway:set("a", config(PLACE, { event_name = ("e"):rep(12000) }))
      gateway:set("b", config(PLACE, { wait = true }))
      local begin = helper.process.now()
      local path, id = "/route/a" .. ("%01"):rep(2000), ('"'):rep(7000) -- in JSON, longer than an event may be
      for _ = 1, 100 do
        assert.equal("hello", gateway:ask(path, { ["x-customer-id"] = id }))
      end
      for _ = 1, 3 do
        gateway:ask "/route/b"
      end
      local most = math.floor(helper.process.now() - begin) + 1
      for _, text in ipairs { "an event was refused: ", "a post took 3 attempts and ended unreachable: " } do
        local lines = select(2, gateway:errors():gsub(text, ""))
        assert.is_true(lines >= 1 and lines <= most, lines .. " lines: " .. text)
      end
      assert.is_nil(gateway:errors():find("not tracked", 1, true) or gateway:errors():find("not posted", 1, true))
      assert.equal(100, tonumber(gateway:metrics():match 'postevent_refused_total{code="too_large"} (%d+)'))
      gateway:stop()
    end)

    it("has no thread more for routes that are gone, and for settings that were replaced", function()
      local sandbox = helper.start_sandbox()
      local gateway = gateways.start(kind)
      for i = 1, 10 do
        gateway:set("r" .. i, config(sandbox.url, { event_name = "e", nobody = "n" }))
        gateway:set("s" .. i, config(sandbox.url, { authorization = ("Bearer %d"):format(i) }))
        gateway:ask("/route/r" .. i)
        gateway:ask("/route/s" .. i)
      end
      wait_for(gateway, "delivered_total", 20)
      local before = threads(gateway)
      assert.is_true(before > 10)
      for i = 1, 10 do
        gateway:remove("r" .. i)
        gateway:remove("s" .. i)
      end
      gateway:pass_time()
      gateway:set("new", config(sandbox.url, { authorization = "Bearer new" }))
      gateway:ask "/route/new"
      helper.wait_until(function()
        gateway:collect()
        return threads(gateway) <= before - 10
      end, 10, "the threads to end")
      wait_for(gateway, "delivered_total", 21)
      assert.equal(21, sample(gateway, "accepted_total"))
      assert.equal(0, sample(gateway, "lost_total"))
      gateway:quit()
      assert.equal("", gateway:complaints())
    end)

    it("loses nothing at a reload while requests arrive, and the numbers are true", function()
      local slow = platform.start(0.3)
      local gateway = gateways.start(kind)
      gateway:set("a", config(slow.url))
      local old, asked = gateway:worker_pids()[1], 0
      local function ask(count)
        for _, reply in ipairs(many.get(gateway.port, "/route/a", count)) do
          assert.equal("hello", reply.body)
        end
        asked = asked + count
      end
      ask(50)
      gateway:signal "SIGHUP"
      helper.wait_until(function() -- a new worker, and perhaps the old one
        ask(asked < 95 and 5 or 0)
        local pids = gateway:worker_pids()
        return pids[1] and pids[#pids] ~= old
      end)
      ask(100 - asked)
      wait_for(gateway, "delivered_total", 100)
      assert.equal(100, slow:count())
      assert.equal(100, sample(gateway, "accepted_total"))
      assert.equal(0, sample(gateway, "lost_total"))
      wait_for(gateway, "workers", 1)
      gateway:quit()
      assert.equal("", gateway:complaints())
      slow.nginx:stop()
    end)

    it("shows no credential, and no more than a line a second, when there is no room", function()
      local gateway = gateways.start(kind)
      gateway:set("a", config("http://127.0.0.1:1/"))
      local begin, asked = helper.process.now(), 0
      while asked < 14000 do
        many.get(gateway.port, "/route/a", 500)
        asked = asked + 500
      end
      local seconds = math.ceil(helper.process.now() - begin) + 1
      helper.wait_until(function()
        return (tonumber(gateway:metrics():match 'postevent_refused_total{code="queue_full"} (%d+)') or 0) > 1000
      end)
      local lines = select(2, gateway:errors():gsub("an event was refused: the queue is full", ""))
      assert.is_true(lines >= 1 and lines <= seconds, lines .. " lines in " .. seconds .. " s")
      assert.is_nil(gateway:errors():find("c2VjcmV0OndvcmQ=", 1, true))
      gateway:stop()
    end)
  end)
end
