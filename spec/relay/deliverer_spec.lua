-- `postevent relay` delivers what producers have handed to a stream.
local fleet = require "support.fleet"
local helper = require "support.helper"
local postevent = require "postevent"

-- A deliverer that ends as it should.
local stop = fleet.stop

local function relay(first, last, self, more)
  local client = self:producer(more)
  fleet.track(client, first, last)
  assert.is_true(client:flush(10))
  return client
end

-- The consumers of the group: { name = how many entries it has }.
local function consumers(self)
  local list = {}
  for _, each in ipairs(self.redis:call("XINFO", "CONSUMERS", "postevent", "postevent")) do
    list[each[2]] = each[4]
  end
  return list
end

describe("postevent relay", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("delivers what is there and what comes, and leaves nothing behind", function()
    local self = fleet.start()
    relay(1, 100, self)
    local child = self:deliverer()
    self:wait_for_ends(100)
    relay(101, 150, self)
    self:wait_for_ends(150)
    self:assert_accounted(1, 150)
    assert.truthy(stop(child):find("ends: 150 delivered, 0 given back", 1, true))
    assert.same({}, consumers(self))
  end)

  it("keeps what the platform refuses among the dead letters, with the reason", function()
    local self = fleet.start()
    self.platform:fault { event = "bad", code = 7308 }
    local client = self:producer()
    fleet.track(client, 1, 5)
    fleet.track(client, 6, 8, "bad")
    assert.is_true(client:flush(5))
    local child = self:deliverer()
    self:wait_for_ends(8)
    local counts = self:assert_accounted(1, 8)
    assert.equal(3, counts.rejected)
    local letter = self.redis:entries("postevent:dead")[1]
    assert.equal("rejected", letter.outcome)
    assert.equal("rejected", letter.code)
    assert.equal("200", letter.http_status)
    assert.equal("bad", letter.name)
    assert.truthy(letter.message:find("7308", 1, true))
    assert.truthy(letter.body:find '"bad"')
    stop(child)
  end)

  it("buries an entry that is no event", function()
    local self = fleet.start()
    self.redis:call("XADD", "postevent", "*", "hello", "world")
    relay(1, 3, self)
    local child = self:deliverer()
    self:wait_for_ends(4)
    assert.equal("invalid_event", self.redis:entries("postevent:dead")[1].code)
    assert.equal(3, self:counts().delivered)
    stop(child)
  end)

  it("counts an event's age by Redis's clock, and lets it expire", function()
    local self = fleet.start()
    local old = ("%d-0"):format((os.time() - 3600) * 1000)
    self.redis:call("XADD", "postevent", old, "body", '{"event_name":"x"}', "id", "e1", "name", "x", "age", "0")
    self.redis:call("XADD", "postevent", "*", "body", '{"event_name":"x"}', "id", "e2", "name", "x", "age", "3600000")
    relay(3, 3, self)
    local child = self:deliverer("--max-age", "1800")
    self:wait_for_ends(3)
    local counts = self:assert_accounted(1, 3)
    assert.equal(2, counts.expired)
    stop(child)
  end)

  it("gives back what it did not begin with, and ends what it did, at SIGTERM", function()
    local self = fleet.start()
    self.platform:fault { delay = 0.2 }
    relay(1, 100, self)
    local child = self:deliverer("--max-in-flight", "2")
    self:wait_for_ends(4)
    local errors = stop(child)
    local left = tonumber(errors:match "(%d+) given back")
    assert.is_true(left > 10, errors)
    local counts = self:counts()
    assert.equal(100, counts.delivered + self.redis:call("XLEN", "postevent"))
    self.platform:heal()
    local other = self:deliverer()
    self:wait_for_ends(100, 5) -- at once: not after claim-after
    self:assert_accounted(1, 100)
    for id, count in pairs(self:received()) do
      assert.equal(1, count, id)
    end
    stop(other)
  end)

  it("ends in time at SIGTERM, while Redis is silent", function()
    local self = fleet.start()
    self.platform:fault { delay = 0.3 }
    relay(1, 40, self)
    local child = self:deliverer("--grace", "1", "--max-in-flight", "4")
    self:wait_for_ends(4)
    self.redis:pause()
    local attempts = #self.platform:attempts()
    helper.wait_until(function()
      return #self.platform:attempts() >= attempts + 4 -- what ended is to be told, and nobody answers
    end)
    local begun = helper.process.now()
    child:kill "SIGTERM"
    assert.same({ "exited", 0 }, { child:wait(12) })
    local seconds = helper.process.now() - begun
    assert.is_true(seconds < 1 + 2 * 2 + 1, seconds .. " s")
    assert.truthy(child:errors():find("the rest could not be given back: Redis does not answer", 1, true))
    self.redis:resume()
  end)

  it("takes over what a deliverer that was killed had in hand", function()
    local self = fleet.start()
    self.platform:fault { stall = true }
    relay(1, 40, self)
    local child = self:deliverer()
    helper.wait_until(function()
      return #self.platform:attempts() > 0
    end)
    child:kill "SIGKILL"
    child:wait()
    self.platform:heal()
    local other = self:deliverer("--max-in-flight", "64.0") -- a number of Lua's, and of Redis's
    self:wait_for_ends(40)
    self:assert_accounted(1, 40)
    stop(other)
  end)

  it("takes up at once what it had before, under a name that stays", function()
    local self = fleet.start()
    self.platform:fault { stall = true }
    relay(1, 40, self)
    local child = self:deliverer("--name", "one", "--claim-after", "600")
    helper.wait_until(function()
      return #self.platform:attempts() > 0, child:errors()
    end)
    child:kill "SIGKILL"
    child:wait()
    self.platform:heal()
    local again = self:deliverer("--name", "one", "--claim-after", "600")
    self:wait_for_ends(40)
    self:assert_accounted(1, 40)
    stop(again)
  end)

  it("keeps what it works on for longer than others wait for it", function()
    local self = fleet.start()
    self.platform:fault { delay = 0.6 }
    relay(1, 12, self)
    local child = self:deliverer("--max-in-flight", "2")
    helper.wait_until(function()
      return next(self.redis:call("XINFO", "GROUPS", "postevent")) and consumers(self)[next(consumers(self))] == 12
    end)
    local other = self:deliverer("--max-in-flight", "2")
    self:wait_for_ends(12, 20)
    self:assert_accounted(1, 12)
    for id, count in pairs(self:received()) do
      assert.equal(1, count, id)
    end
    stop(child)
    stop(other)
  end)

  it("neither acknowledges nor counts what was taken over while it was suspended", function()
    local self = fleet.start()
    self.platform:fault { delay = 0.5 }
    relay(1, 16, self)
    local child = self:deliverer()
    helper.wait_until(function()
      return #self.platform:attempts() > 0
    end)
    child:kill "SIGSTOP"
    self.platform:heal()
    local other = self:deliverer()
    self:wait_for_ends(16)
    child:kill "SIGCONT"
    helper.wait_until(function()
      local taken = 0
      for count in child:errors():gmatch "(%d+) events? ended here that" do
        taken = taken + count
      end
      return taken == 16
    end, 10, "the outcomes of what it had posted")
    local errors = stop(child)
    assert.truthy(errors:find("16 taken", 1, true), errors)
    assert.truthy(errors:find("ends: 0 delivered", 1, true), errors)
    local counts = self:assert_accounted(1, 16)
    assert.equal(16, counts.delivered)
    stop(other)
  end)

  it("holds everything while the credentials are wrong, and goes on when they are right", function()
    local self = fleet.start()
    self.platform:fault { unauthorized = true }
    relay(1, 50, self)
    local child = self:deliverer()
    helper.wait_until(function()
      return child:errors():find("delivery is held", 1, true)
    end)
    assert.equal(0, self:counts().ended)
    self.platform:heal()
    self:wait_for_ends(50, 20)
    self:assert_accounted(1, 50)
    stop(child)
  end)

  it("begins before Redis does, and goes on when that is killed and comes back", function()
    local self = fleet.start { aof = true }
    self.redis:kill()
    local child = self:deliverer()
    helper.wait_until(function()
      return child:errors():find("Connection refused", 1, true)
    end)
    self.redis:restart()
    relay(1, 100, self)
    self:wait_for_ends(100)
    self.redis:kill()
    self.redis:restart()
    relay(101, 200, self)
    self:wait_for_ends(200)
    self:assert_accounted(1, 200)
    stop(child)
  end)

  it("goes on with a Redis that has forgotten everything", function()
    local self = fleet.start()
    local child = self:deliverer()
    relay(1, 10, self)
    self:wait_for_ends(10)
    self.redis:call("FLUSHALL")
    relay(11, 20, self)
    self:wait_for_ends(10)
    assert.truthy(stop(child):find("Redis has forgotten it", 1, true))
  end)

  it("waits for a Redis that is paused for longer than every time-out", function()
    local self = fleet.start()
    local child = self:deliverer()
    relay(1, 10, self)
    self:wait_for_ends(10)
    self.redis:pause()
    local client = self:producer { timeout = 0.3 }
    fleet.track(client, 11, 20)
    helper.wait_until(function()
      local last = client:stats().last_error
      return last and last.code == "timeout"
    end)
    self.redis:resume()
    assert.is_true(client:flush(10))
    self:wait_for_ends(20)
    helper.wait_until(function() -- what was written twice is delivered twice, with one id
      return self.redis:call("XLEN", "postevent") == 0
    end)
    self:assert_one_body()
    stop(child)
  end)

  it("lets many share the work", function()
    local self = fleet.start()
    self.platform:fault { delay = 0.02 }
    relay(1, 600, self)
    local first, second = self:deliverer(), self:deliverer()
    self:wait_for_ends(600)
    self:assert_accounted(1, 600)
    local one, two = stop(first):match "(%d+) delivered", stop(second):match "(%d+) delivered"
    assert.equal(600, one + two)
    assert.is_true(tonumber(one) > 100 and tonumber(two) > 100, one .. " and " .. two)
    for id, count in pairs(self:received()) do
      assert.equal(1, count, id)
    end
  end)

  it("tells systemd when it is ready, and that it ends", function()
    local self = fleet.start()
    local path = helper.new_path "notify"
    local server = assert(require "socket.unix".dgram())
    assert(server:bind(path))
    server:settimeout(5)
    local child = helper.spawn { helper.lua(), "bin/postevent", "relay", "--redis", self.redis.url, "--url",
      self.platform.url, env = { NOTIFY_SOCKET = path } }
    assert.equal("READY=1", (server:receive()))
    child:kill "SIGTERM"
    assert.equal("STOPPING=1", (server:receive()))
    server:close()
    stop(child)
  end)

  it("writes its log as JSON where it is asked to", function()
    local self = fleet.start()
    local child = self:deliverer("--log", "json")
    relay(1, 1, self)
    self:wait_for_ends(1)
    for line in stop(child):gmatch "[^\n]+" do
      local read = require("cjson").decode(line)
      assert.truthy(read.time and read.level and read.message)
    end
  end)

  it("shows no password", function()
    local self = fleet.start { args = { "--requirepass", "s3cret-word" } }
    self.redis:call("AUTH", "s3cret-word")
    self.redis.url = ("redis://:wrong-s3cret@127.0.0.1:%d"):format(self.redis.port)
    local child = self:deliverer()
    helper.wait_until(function()
      return child:errors():find("it did not accept the user and the password", 1, true)
    end)
    assert.is_nil(child:errors():find("s3cret", 1, true))
    stop(child)
  end)

  it("asks for what it needs", function()
    local function refused(text, ...)
      local status, _, errors = helper.run({ helper.lua(), "bin/postevent", "relay", ... })
      assert.equal(2, status, errors)
      assert.truthy(errors:find(text, 1, true), errors)
    end
    refused("no Redis: give --redis, or set POSTEVENT_REDIS", "--url", "http://127.0.0.1:1/x")
    refused("--redis: must begin with redis://", "--redis", "http://x", "--url", "http://127.0.0.1:1/x")
    refused("no address to post to", "--redis", "redis://127.0.0.1")
    refused("--claim-after: must be longer than --timeout", "--redis", "redis://127.0.0.1", "--url",
      "http://127.0.0.1:1/x", "--claim-after", "5")
    for _, option in ipairs { "--name", "--stream", "--group" } do
      refused(option .. ": expected text, got empty text", option .. "=")
      refused(option .. ": expected text without control characters", option .. "=a\nb")
    end
    for _, number in ipairs { "1.5", "0", "1001", "many" } do
      refused("--max-in-flight: expected a whole number from 1 to 1000", "--max-in-flight=" .. number)
    end
    for option, said in pairs { ["--grace"] = "0 to 3600", ["--fleet-rate"] = "0.1 to 1000000" } do
      refused(option .. ": expected a number from " .. said, "--redis", "redis://127.0.0.1:1", "--url",
        "http://127.0.0.1:1/x", option .. "=-1")
    end
    refused("--redis: redis:// to another machine would show the password", "--redis", "redis://:pass@example.com",
      "--url", "http://127.0.0.1:1/x")
  end)
end)
