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
      assert.equal(before + 1, threads(gateway))
      gateway:remove "b"
      assert.equal("hello", gateway:ask "/route/b")
      wait_for(gateway, "delivered_total", 54)
      gateway:quit()
      assert.equal("", gateway:complaints())
    end)

    it("refuses settings that are wrong, and names them", function()
      local gateway = gateways.start(kind)
      for _, case in ipairs {
        { "url", { url = false } }, { "authorization", { authorization = 1 } }, { "drain", { drain = 61 } },
        { "evnt_name", { evnt_name = "x" } }, { "wait", { wait = "yes" } },
      } do
        local said = gateway:set("a", config("http://127.0.0.1:1/", case[2]))
        assert.truthy(said and said:find(case[1], 1, true), case[1] .. ": " .. tostring(said))
      end
    end)

    it("loses nothing at a reload, and the numbers are true", function()
      local slow = platform.start(0.3)
      local gateway = gateways.start(kind)
      gateway:set("a", config(slow.url))
      for _, reply in ipairs(many.get(gateway.port, "/route/a", 100)) do
        assert.equal("hello", reply.body)
      end
      gateway:reload()
      wait_for(gateway, "delivered_total", 100)
      assert.equal(100, slow:count())
      assert.equal(0, sample(gateway, "lost_total"))
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
