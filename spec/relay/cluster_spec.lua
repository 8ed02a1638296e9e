-- A cluster of Redis: a stream lies on one node, with all that belongs to it, and who asks another one is told so.
local cluster = require "support.cluster"
local fleet = require "support.fleet"
local helper = require "support.helper"
local postevent = require "postevent"

local TAGGED = "{postevent}"
local unpack = rawget(_G, "unpack") or table.unpack

local function producer(self, stream)
  return self:producer { relay = { url = self.redis.url, stream = stream } }
end

local function wait_for_words(child, words)
  helper.wait_until(function()
    return child:errors():find(words, 1, true)
  end, 10, words)
end

local stop = fleet.stop

-- Until Redis was asked for a script so often.
local function wait_for_tries(self, count)
  helper.wait_until(function()
    local asked = self.redis:call("INFO", "commandstats"):match "cmdstat_eval:.-rejected_calls=(%d+)"
    return tonumber(asked or 0) >= count
  end, 15)
end

local function number_of(self, key, field)
  return tonumber(self.redis:call("HGET", key, field) or 0)
end

describe("in a cluster of Redis", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("who asks a node that has not the stream is told which one has it", function()
    local all = cluster.start(3)
    local wrong, right = all:others(TAGGED)[1], all:owner(TAGGED)
    local self = fleet.start { redis = wrong }
    local moved = ("MOVED %d 127.0.0.1:%d"):format(all:slot(TAGGED), right.port)
    local words = "it is a node of a cluster, and the key lies on another: name that one"
    local client, child = producer(self, TAGGED), self:deliverer("--stream", TAGGED)
    fleet.track(client, 1, 3)
    local stats = helper.wait_until(function()
      local stats = client:stats()
      return stats.state == "held" and stats
    end)
    assert.equal("endpoint", stats.last_error.code)
    assert.truthy(stats.last_error.message:find(words, 1, true), stats.last_error.message)
    assert.truthy(stats.last_error.message:find(moved, 1, true), stats.last_error.message)
    assert.equal(3, stats.pending)
    wait_for_words(child, words)
    wait_for_words(child, moved)
    stop(child)
    local status, written, errors = self:command("--stream", TAGGED, "status")
    assert.equal(1, status, written .. errors)
    assert.truthy(errors:find(moved, 1, true), errors)
  end)

  it("a stream with a hash tag has all its keys on one node, and is delivered from there", function()
    local all = cluster.start(3)
    local self = fleet.start { redis = all:owner(TAGGED) }
    self.platform:fault { event = "bad", code = 7308 }
    local client = producer(self, TAGGED)
    fleet.track(client, 1, 50)
    fleet.track(client, 51, 55, "bad")
    assert.is_true(client:flush(10))
    local child = self:deliverer("--stream", TAGGED, "--fleet-rate", "1000")
    helper.wait_until(function()
      return number_of(self, TAGGED .. ":counts", "delivered") == 50
        and number_of(self, TAGGED .. ":counts", "rejected") == 5
    end, 15)
    local status, written, errors = self:command("--stream", TAGGED, "dead", "retry", "e51")
    assert.equal(0, status, written .. errors)
    helper.wait_until(function()
      return number_of(self, TAGGED .. ":counts", "rejected") == 6
    end)
    stop(child)
    for _, key in ipairs(self.redis:call("KEYS", "*")) do
      assert.equal(all:slot(TAGGED), all:slot(key), key)
    end
    for _, node in ipairs(all:others(TAGGED)) do
      assert.equal(0, node:call "DBSIZE")
    end
  end)

  it("a deliverer posts nothing from a stream without a hash tag, and names what is missing", function()
    local all = cluster.start(3)
    local self = fleet.start { redis = all:owner "postevent" }
    local client = self:producer()
    fleet.track(client, 1, 3)
    assert.is_true(client:flush(10))
    local child = self:deliverer()
    wait_for_words(child, "in a cluster the stream's name needs a hash tag: {postevent}")
    wait_for_tries(self, 3)
    stop(child)
    assert.equal(0, #self.platform:events())
    assert.equal(3, self.redis:call("XLEN", "postevent"))
    for _, words in ipairs { { "status" }, { "dead", "list" } } do
      local status, _, errors = self:command(unpack(words))
      assert.equal(1, status)
      assert.truthy(errors:find("the stream's name needs a hash tag there, as {postevent}", 1, true), errors)
    end
  end)
end)
