-- What happens to Redis, and to the machines around it, while deliverers work: nothing is lost, and nothing is counted
-- twice.
local fake_time = require "support.fake_time"
local fleet = require "support.fleet"
local helper = require "support.helper"
local postevent = require "postevent"
local redis = require "support.redis"

local unpack = rawget(_G, "unpack") or table.unpack

local stop = fleet.stop

local function relay(first, last, self, name)
  local client = self:producer()
  fleet.track(client, first, last, name)
  assert.is_true(client:flush(10))
end

local function wait_for_words(child, words)
  helper.wait_until(function()
    return child:errors():find(words, 1, true)
  end, 10, words)
end

local NO_DELAY = { "--repl-diskless-sync-delay", "0" }

-- A replica, which has all there is.
local function start_replica(self)
  local replica = redis.start { args = { "--replicaof", "127.0.0.1 " .. self.redis.port, unpack(NO_DELAY) } }
  helper.wait_until(function()
    return replica:call("INFO", "replication"):find("master_link_status:up", 1, true)
  end, 15, "the replica")
  return replica
end

-- It becomes the primary, at the address of the one that was killed.
local function take_place(self, replica)
  replica:call("REPLICAOF", "NO", "ONE")
  replica:call("CONFIG", "SET", "port", self.redis.port)
  self.redis:disconnect()
end

-- Tracks events that count from the one after `tracked`, some more each time, until it is enough. Returns how many
-- were tracked in all.
local function track_until(client, tracked, is_enough, seconds)
  helper.wait_until(function()
    fleet.track(client, tracked + 1, tracked + 10)
    tracked = tracked + 10
    return is_enough(client:stats())
  end, seconds or 15, "the load")
  return tracked
end

local function assert_received(self, count)
  local received = self:received()
  for number = 1, count do
    assert.truthy(received["e" .. number], "e" .. number .. " is lost")
  end
end

-- A producer on a machine whose clock is wrong.
local PRODUCER = [[
local file = io.open(arg[#arg], "w")
file:write(arg[2], "\n")
file:close()
local client = require("postevent").new { relay = { url = arg[1] }, id_attribute = "external_event_id" }
for i = 1, 10 do
  assert(client:track { event_name = "coin_found", external_event_id = ("e%d"):format(arg[3] + i), coins = i })
end
assert(client:flush(5))
client:close()
]]

describe("a deliverer", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("empties a Redis that is full", function()
    local self = fleet.start()
    self.platform:fault { event = "bad", code = 7308 }
    relay(1, 10, self)
    relay(11, 20, self, "bad")
    self.redis:call("CONFIG", "SET", "maxmemory", "1")
    local client = self:producer()
    fleet.track(client, 21, 25)
    helper.wait_until(function()
      local last = client:stats().last_error
      return last and last.message:find("it has no memory left", 1, true)
    end)
    local child = self:deliverer("--fleet-rate", "1000")
    self:wait_for_ends(20)
    assert.equal(10, self.redis:call("XLEN", "postevent:dead"))
    self.redis:call("CONFIG", "SET", "maxmemory", "0")
    assert.is_true(client:flush(10))
    self:wait_for_ends(25)
    self:assert_accounted(1, 25)
    stop(child)
  end)

  it("waits while its Redis is a replica, and goes on when that is promoted", function()
    local self = fleet.start()
    local child = self:deliverer()
    relay(1, 5, self)
    self:wait_for_ends(5)
    self.redis:call("REPLICAOF", "127.0.0.1", "1")
    wait_for_words(child, "it is a replica, which takes nothing")
    self.redis:call("REPLICAOF", "NO", "ONE")
    relay(6, 20, self)
    self:wait_for_ends(20)
    self:assert_accounted(1, 20)
    stop(child)
  end)

  it("goes on with the replica that stands at the address of a Redis that died", function()
    local self = fleet.start { aof = true, args = NO_DELAY }
    local replica = start_replica(self)
    local child = self:deliverer()
    relay(1, 50, self)
    self:wait_for_ends(50)
    helper.wait_until(function()
      return self.redis:call("WAIT", 1, 1000) == 1
    end, 15, "the replica")
    self.redis:kill()
    take_place(self, replica)
    relay(51, 100, self)
    self:wait_for_ends(100, 20)
    self:assert_accounted(1, 100)
    stop(child)
  end)

  it("loses nothing that was relayed when Redis fails over to its replica under load", function()
    local self = fleet.start { args = NO_DELAY }
    local replica = start_replica(self)
    self.platform:fault { delay = 0.02 }
    local client = self:producer { relay = { url = self.redis.url, wait_replicas = 1 } }
    local first, second = self:deliverer(), self:deliverer()
    local tracked = track_until(client, 0, function(stats)
      return self:counts().ended > 100 and stats.pending > 0 and self.redis:call("XLEN", "postevent") > 0
    end)
    self.redis:kill()
    tracked = track_until(client, tracked, function(stats)
      return stats.state == "cooling"
    end)
    take_place(self, replica)
    fleet.track(client, tracked + 1, tracked + 200)
    tracked = tracked + 200
    start_replica(self) -- or no event counts as relayed
    assert.is_true(client:flush(20))
    assert.equal(tracked, client:stats().relayed)
    helper.wait_until(function()
      return self.redis:call("XLEN", "postevent") == 0
    end, 20, "the stream to be empty")
    assert_received(self, tracked)
    self:assert_balanced()
    self:assert_one_body()
    stop(first)
    stop(second)
  end)

  it("names the command that its user may not call, and goes on when it may", function()
    local self = fleet.start()
    self.redis:call("ACL", "SETUSER", "worker", "on", ">word", "~postevent*", "+@all", "-xreadgroup")
    relay(1, 5, self)
    local child = self:deliverer("--redis", ("redis://worker:word@127.0.0.1:%d"):format(self.redis.port))
    wait_for_words(child, "XREADGROUP")
    assert.is_nil(child:errors():find("word", 1, true))
    self.redis:call("ACL", "SETUSER", "worker", "+xreadgroup")
    self:wait_for_ends(5)
    stop(child)
  end)

  it("waits for a Redis that reads its file, and so does a producer", function()
    local self = fleet.start()
    for i = 1, 1000 do
      self.redis:call("SET", "key" .. i, ("x"):rep(1000))
    end
    relay(1, 5, self)
    self.redis:call "SAVE"
    self.redis.options.args = { "--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024" }
    self.redis:restart()
    local client = self:producer()
    fleet.track(client, 6, 10)
    local child = self:deliverer()
    wait_for_words(child, "it is reading its data from disk")
    helper.wait_until(function()
      local last = client:stats().last_error
      return last and last.message:find("it is reading its data from disk", 1, true)
    end)
    assert.is_true(client:flush(20))
    self:wait_for_ends(10, 20)
    self:assert_accounted(1, 10)
    stop(child)
  end)

  it("tells an event's age alike, whatever the clocks of the machines say", function()
    local ok, why = fake_time.available()
    if not ok then
      return pending(why)
    end
    local self = fleet.start()
    for i, offset in ipairs { "-3600", "+3600" } do
      local status, _, errors = fake_time.run(helper.new_file(PRODUCER, "producer.lua"), { self.redis.url, offset,
        tostring(i * 10 - 10) })
      assert.equal(0, status, errors)
    end
    local child = self:deliverer("--max-age", "60")
    self:wait_for_ends(20)
    assert.equal(20, self:assert_accounted(1, 20).delivered)
    stop(child)
  end)

  it("gives a poisoned event up, and delivers the others", function()
    local self = fleet.start()
    self.platform:fault { status = 403, event = "bad" }
    relay(1, 1, self, "bad")
    local first, second = self:deliverer(), self:deliverer()
    wait_for_words(first, "delivers the stream")
    wait_for_words(second, "delivers the stream")
    -- Only what is delivered after a refusal proves that the credentials are good: events go on coming.
    local client = self:producer()
    local tracked = track_until(client, 1, function()
      return self.redis:ids("postevent:dead").e1
    end, 30)
    assert.is_true(client:flush(10))
    self:wait_for_ends(tracked, 30)
    local counts = self:assert_accounted(1, tracked)
    assert.same({ tracked - 1, 1 }, { counts.delivered, counts.rejected })
    stop(first)
    stop(second)
  end)
end)
