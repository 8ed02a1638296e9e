-- A user of Redis who lacks a right: a deliverer says which before it does anything, and the accounts stay right when
-- it is taken away meanwhile.
local fleet = require "support.fleet"
local helper = require "support.helper"
local postevent = require "postevent"
local redis = require "support.redis"

-- Each command that deliverers call, as ACL names it and as the log does.
local COMMANDS = { "xack", "xadd", "xautoclaim", "xclaim", "xdel", "xpending", "xrange", "xreadgroup",
  "xgroup|create", "xgroup|delconsumer", "xinfo|consumers", "xinfo|groups", "hincrby", "hmget", "hset", "get", "set",
  "pexpire", "pttl", "time" }

local function start()
  local self = fleet.start()
  self.redis:call("ACL", "SETUSER", "worker", "on", ">pw", "~postevent*", "+@all")
  self.url = ("redis://worker:pw@127.0.0.1:%d"):format(self.redis.port)
  return self
end

local function allow(self, ...)
  self.redis:call("ACL", "SETUSER", "worker", ...)
end

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

local stop = fleet.stop

-- An entry with so many fields, and an id behind them: more words than a call of Lua takes.
local function add_with_fields(server, count)
  local words = { "XADD", "postevent", "*" }
  for i = 1, count do
    words[2 * i + 2], words[2 * i + 3] = "field" .. i, "x"
  end
  words[#words + 1], words[#words + 2] = "id", "e1"
  for i, word in ipairs(words) do
    words[i] = ("$%d\r\n%s\r\n"):format(#word, word)
  end
  local connection = assert(server:connect())
  assert(connection:send(("*%d\r\n"):format(#words) .. table.concat(words)))
  assert.truthy(connection:receive("*l"):find "^%$")
  connection:close()
end

local function name_of(command)
  return (command:upper():gsub("|", " "))
end

describe("a deliverer whose user lacks a right", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("names each command that it may not call, before it has read anything", function()
    local self = start()
    relay(1, 3, self)
    for _, command in ipairs(COMMANDS) do
      allow(self, "+@all", "-" .. command)
      local child = self:deliverer("--redis", self.url)
      wait_for_words(child, name_of(command) .. ": the user lacks a right (ACL)")
      stop(child)
    end
    assert.same({}, self.platform:attempts())
    assert.equal(3, self.redis:call("XLEN", "postevent"))
    assert.equal(0, self.redis:call("EXISTS", "postevent:counts", "postevent:dead"))
  end)

  it("needs XLEN for its metrics alone", function()
    local self = start()
    allow(self, "-xlen")
    local child = self:deliverer("--redis", self.url, "--metrics", "127.0.0.1:0")
    wait_for_words(child, "XLEN: the user lacks a right (ACL)")
    stop(child)
  end)

  it("needs no other than the page says", function()
    local self = start()
    self.platform:fault { event = "bad", code = 7308 }
    allow(self, "resetkeys", "~postevent", "-@all", "+eval", "+xgroup")
    for _, name in ipairs { "dead", "counts", "rate", "gate", "hold", "held" } do
      allow(self, "~postevent:" .. name)
    end
    for _, command in ipairs(COMMANDS) do
      if not command:find "xgroup" then
        allow(self, "+" .. command)
      end
    end
    relay(1, 3, self)
    relay(4, 6, self, "bad")
    local child = self:deliverer("--redis", self.url, "--fleet-rate", "1000")
    self:wait_for_ends(6)
    self:assert_accounted(1, 6)
    local errors = stop(child)
    assert.is_nil(errors:find("lacks a right", 1, true), errors)
  end)

  it("names all of them at once, and goes on when it may", function()
    local self = start()
    relay(1, 3, self)
    allow(self, "-hincrby", "-xack", "-xinfo|groups")
    local child = self:deliverer("--redis", self.url)
    wait_for_words(child, "XACK, XINFO GROUPS, HINCRBY: the user lacks a right (ACL)")
    allow(self, "+@all")
    self:wait_for_ends(3)
    self:assert_accounted(1, 3)
    stop(child)
  end)

  it("counts each event once when the right is taken away meanwhile", function()
    for _, command in ipairs { "hincrby", "xack", "xdel", "xpending", "xadd" } do
      local self = start()
      self.platform:fault { event = "bad", code = 7308 }
      local child = self:deliverer("--redis", self.url)
      relay(1, 3, self)
      self:wait_for_ends(3)
      allow(self, "-" .. command)
      relay(4, 6, self)
      relay(7, 9, self, "bad")
      wait_for_words(child, name_of(command) .. ": the user lacks a right (ACL)")
      self:assert_balanced()
      allow(self, "+@all")
      self:wait_for_ends(9, 20)
      local counts = self:assert_accounted(1, 9)
      assert.same({ command, 6, 3 }, { command, counts.delivered, counts.rejected })
      assert.equal(3, self.redis:call("XLEN", "postevent:dead"))
      for id, count in pairs(self:received()) do
        assert.equal(1, count, id .. " without " .. command)
      end
      stop(child)
    end
  end)

  it("sends no dead letter again where it lacks a right to, and says which", function()
    local self = start()
    self.redis:call("XADD", "postevent:dead", "*", "body", "{}", "outcome", "rejected")
    self.redis.url = self.url
    for _, command in ipairs { "hincrby", "xadd", "xdel", "xrange", "eval" } do
      allow(self, "+@all", "-" .. command)
      local status, _, errors = self:command("dead", "retry", "--all")
      assert.equal(1, status)
      assert.truthy(errors:find("the user lacks a right (ACL)", 1, true), errors)
      assert.truthy(errors:upper():find(command:upper(), 1, true), errors)
      assert.same({ 0, 1 }, { self.redis:call("XLEN", "postevent"), self.redis:call("XLEN", "postevent:dead") })
    end
    allow(self, "+@all")
    assert.equal(0, (self:command("dead", "retry", "--all")))
    assert.same({ 1, 0 }, { self.redis:call("XLEN", "postevent"), self.redis:call("XLEN", "postevent:dead") })
  end)
end)

describe("a producer whose user lacks a right", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  -- It is held and says which; and goes on, with each event once, when it may.
  local function assert_held(self, command, relayer)
    allow(self, "+@all", "-" .. command)
    self.redis:call("DEL", "postevent")
    local client = self:producer { relay = relayer }
    fleet.track(client, 1, 3)
    local last = helper.wait_until(function()
      local stats = client:stats()
      return stats.state == "held" and stats.last_error
    end, 10, command)
    assert.equal("unauthorized", last.code)
    assert.truthy(last.message:find("the user lacks a right (ACL)", 1, true), last.message)
    assert.truthy(last.message:upper():find(command:upper(), 1, true), last.message)
    allow(self, "+@all")
    assert.is_true(client:flush(10))
    assert.same({ 3, 3 }, { client:stats().relayed, self.redis:call("XLEN", "postevent") })
    client:close(1)
  end

  it("says which, also where a script calls it", function()
    local self = start()
    assert_held(self, "xadd", { url = self.url })
    for _, command in ipairs { "xadd", "xlen", "eval" } do
      assert_held(self, command, { url = self.url, max_length = 100 })
    end
  end)

  it("writes no event again while it may not shorten the stream", function()
    local self = start()
    allow(self, "-xtrim")
    redis.start { args = { "--replicaof", "127.0.0.1 " .. self.redis.port, "--repl-diskless-sync", "yes" } }
    self.redis:call("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    local client = self:producer { relay = { url = self.url, wait_replicas = 1, max_length = 100,
      overflow = "drop_oldest" } }
    fleet.track(client, 1, 3)
    helper.wait_until(function()
      return client:stats().relayed == 3
    end, 20, "the events to be relayed")
    assert.same({ "unauthorized", 3 }, { client:stats().last_error.code, self.redis:call("XLEN", "postevent") })
    client:close(1)
  end)

  it("writes no event again while it may not ask for replicas", function()
    local self = start()
    allow(self, "-wait")
    local client = self:producer { relay = { url = self.url, wait_replicas = 1 } }
    fleet.track(client, 1, 3)
    helper.wait_until(function()
      local asked = self.redis:call("INFO", "commandstats"):match "cmdstat_wait:.-rejected_calls=(%d+)"
      return tonumber(asked or 0) >= 4
    end, 10, "it to ask again")
    local stats = client:stats()
    assert.same({ "held", "unauthorized", 3, 0 },
      { stats.state, stats.last_error.code, stats.pending, stats.relayed })
    assert.truthy(stats.last_error.message:find("WAIT: the user lacks a right (ACL)", 1, true))
    allow(self, "+@all")
    helper.wait_until(function()
      return client:stats().last_error.code == "unavailable" -- 0 of 1 replicas
    end, 10)
    fleet.track(client, 4, 6)
    local replica = redis.start { args = { "--replicaof", "127.0.0.1 " .. self.redis.port, "--repl-diskless-sync",
      "yes", "--repl-diskless-sync-delay", "0" } }
    self.redis:call("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    assert.is_true(client:flush(20))
    assert.same({ 6, 6, 6 },
      { client:stats().relayed, self.redis:call("XLEN", "postevent"), replica:call("XLEN", "postevent") })
  end)
end)

describe("an entry of a stranger", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("may have fields of any name: only the protocol's own count", function()
    local self = fleet.start()
    local body = '{"event_name":"x","external_event_id":"e%d"}'
    for i, field in ipairs { "entry", "lost", "ending" } do
      self.redis:call("XADD", "postevent", "*", "body", body:format(i), field, "5-5", "id", "e" .. i)
    end
    for i, age in ipairs { "nan", "-5", "0x10", "soon", "1e999" } do
      self.redis:call("XADD", "postevent", "*", "body", body:format(i + 3), "age", age, "id", "e" .. i + 3)
    end
    local child = self:deliverer()
    self:wait_for_ends(8)
    assert.equal(8, self:assert_accounted(1, 8).delivered)
    assert.truthy(stop(child):find("ends: 8 delivered, 0 given back", 1, true))
  end)

  it("may have thousands of fields: it is buried with what counts, and keeps no one waiting", function()
    local self = fleet.start()
    add_with_fields(self.redis, 5000)
    relay(2, 3, self)
    local child = self:deliverer()
    self:wait_for_ends(3)
    self:assert_accounted(1, 3)
    local letter = self.redis:entries("postevent:dead")[1]
    assert.same({ "e1", "invalid_event", "x", "x" }, { letter.id, letter.code, letter.field1, letter.field100 })
    assert.is_nil(letter.field101)
    stop(child)
  end)
end)
