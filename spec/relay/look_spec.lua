-- `postevent relay status` and `dead`: looking into a stream, and putting its dead letters in order.
local children = require "support.children"
local cjson = require "cjson"
local fleet = require "support.fleet"
local helper = require "support.helper"
local postevent = require "postevent"

-- `postevent relay ...`: it ends with that status; returns what it wrote.
local function expect(self, status, piece, ...)
  local got, written, errors = self:command(...)
  assert.equal(status, got, written .. errors)
  if piece then
    assert.truthy((written .. errors):find(piece, 1, true), written .. errors)
  end
  return written
end

-- A stream with so many dead letters ("bad", of e1, e2, ...), and this many that wait.
local function leave(dead, waiting)
  local self = fleet.start()
  self.platform:fault { event = "bad", code = 7308 }
  local client = self:producer()
  fleet.track(client, 1, dead, "bad")
  assert.is_true(client:flush(5))
  local child = self:deliverer("--name", "one")
  self:wait_for_ends(dead)
  child:kill "SIGTERM"
  assert.same({ "exited", 0 }, { child:wait(20) })
  fleet.track(client, dead + 1, dead + waiting)
  assert.is_true(client:flush(5))
  return self
end

local function ids_of(lines)
  local ids = {}
  for line in lines:gmatch "[^\n]+" do
    ids[#ids + 1] = cjson.decode(line).external_event_id
  end
  table.sort(ids)
  return table.concat(ids, " ")
end

local unpack = rawget(_G, "unpack") or table.unpack

describe("looking into a stream:", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("status of one that is not there", function()
    local self = fleet.start()
    expect(self, 0, "postevent: 0 waiting; 0 dead", "status")
    expect(self, 0, "there is no group postevent", "status")
  end)

  it("status counts what waits, what is in hand, and what became of the rest", function()
    local self = leave(3, 5)
    local all = cjson.decode(expect(self, 0, nil, "status", "--json"))
    assert.equal(5, all.waiting)
    assert.equal(5, all.lag)
    assert.equal(0, all.pending)
    assert.equal(3, all.dead)
    assert.equal(3, all.counts.rejected)
    assert.same({}, all.deliverers)
    assert.is_true(math.abs(os.time() - all.oldest) < 60)
    expect(self, 0, "so far        rejected 3", "status")
  end)

  it("status counts what was not read, of a Redis that was killed, too", function()
    local self = fleet.start { aof = true }
    local client = self:producer()
    fleet.track(client, 1, 40)
    assert.is_true(client:flush(5))
    local child = self:deliverer()
    self:wait_for_ends(40)
    self.redis:kill()
    self.redis:restart()
    child:kill "SIGTERM"
    child:wait(20)
    self.redis:try("XGROUP", "SETID", "postevent", "postevent", "$", "ENTRIESREAD", 5) -- as a restart may leave it
    local all = cjson.decode(expect(self, 0, nil, "status", "--json", "--over", "0"))
    assert.same({ 0, 0, 0 }, { all.waiting, all.lag, all.pending })
    fleet.track(client, 41, 45)
    assert.is_true(client:flush(5))
    expect(self, 0, "not read yet  5", "status", "--over", "0")
  end)

  it("status names the deliverers and what they have in hand", function()
    local self = fleet.start()
    self.platform:fault { delay = 0.5 }
    local client = self:producer()
    fleet.track(client, 1, 8)
    assert.is_true(client:flush(5))
    local child = self:deliverer("--name", "one")
    helper.wait_until(function()
      local all = cjson.decode(expect(self, 0, nil, "status", "--json", "--over", "0"))
      local one = all.deliverers[1]
      return one and one.name == "one" and one.pending == 8
    end)
    child:kill "SIGTERM"
    child:wait(20)
  end)

  it("status counts the dead letters by reason", function()
    local self = leave(3, 0)
    for _ = 1, 2 do
      self.redis:call("XADD", "postevent:dead", "*", "body", "{}", "outcome", "expired", "code", "timeout")
    end
    self.redis:call("XADD", "postevent:dead", "*", "body", "{}", "outcome", "expired", "code", "a\27[2J")
    local all = cjson.decode(expect(self, 0, nil, "status", "--json", "--over", "0"))
    assert.same({ rejected = 3, timeout = 2, ["a\27[2J"] = 1 }, all.reasons)
    assert.same({ 6, 6 }, { all.dead, all.reasons_of })
    local written = expect(self, 0, "rejected 3, timeout 2", "status", "--over", "0")
    assert.is_nil(written:find("\27", 1, true))
  end)

  it("status reads the newest ten thousand of many dead letters, and says so", function()
    local self = fleet.start()
    self.redis:call("EVAL", "for i = 1, 10250 do redis.call('XADD', KEYS[1], '*', 'body', '{}', 'outcome', "
      .. "i <= 250 and 'rejected' or 'expired') end", 1, "postevent:dead")
    local all = cjson.decode(expect(self, 0, nil, "status", "--json", "--over", "0"))
    assert.same({ expired = 10000 }, all.reasons)
    assert.same({ 10250, 10000 }, { all.dead, all.reasons_of })
    expect(self, 0, "expired 10000 (the newest 10000)", "status", "--over", "0")
  end)

  it("status tells how many events come and are delivered in a second", function()
    local self = fleet.start()
    local client, child = self:producer(), self:deliverer()
    local status = children.spawn { children.lua(), "bin/postevent", "relay", "--redis", self.redis.url, "status",
      "--json", "--over", "1" }
    local tracked = 0
    while status:running() do
      tracked = tracked + 1
      fleet.track(client, tracked, tracked)
      helper.wait_until(function()
        return self:counts().ended == tracked or not status:running()
      end)
    end
    local rate = cjson.decode(status:output()).rate
    assert.is_true(rate.seconds >= 1 and rate.seconds < 3, rate.seconds)
    assert.is_true(rate.came > 0 and rate.came * rate.seconds <= tracked, rate.came)
    assert.is_true(math.abs(rate.came - rate.delivered) * rate.seconds <= 16.5, rate.delivered)
    assert.is_true(client:flush(5))
    child:kill "SIGTERM"
    child:wait(20)
  end)

  it("status knows the rates of a stream at which nothing happens, and of none", function()
    local self = fleet.start()
    expect(self, 0, "came          0.0 a second", "status", "--over", "0.01")
    self.redis:call("XADD", "postevent", "*", "body", "{}")
    local all = cjson.decode(expect(self, 0, nil, "status", "--json", "--over", "0.01"))
    assert.same({ 0, 0 }, { all.rate.came, all.rate.delivered })
    assert.is_nil(cjson.decode(expect(self, 0, nil, "status", "--json", "--over", "0")).rate)
    for _, wrong in ipairs { "-1", "nan", "soon", "3601" } do
      expect(self, 2, "--over: expected a number from 0 to 3600", "status", "--over=" .. wrong)
    end
  end)

  it("dead list counts by code and by name", function()
    local self = leave(3, 1)
    expect(self, 0, "postevent: 3 dead: rejected 3", "dead", "list")
    local all = cjson.decode(expect(self, 0, nil, "dead", "list", "--json"))
    assert.equal(3, all.dead)
    assert.same({ rejected = 3 }, all.codes)
    assert.equal("bad", all.events[1].event_name)
  end)

  it("dead show shows one with its reason, and a line for each", function()
    local self = leave(3, 0)
    local shown = expect(self, 0, "dead: rejected", "dead", "show", "e2")
    assert.truthy(shown:find("7308", 1, true))
    assert.truthy(shown:find("by one", 1, true))
    assert.truthy(shown:find('coins +2'))
    local lines = expect(self, 0, nil, "dead", "show")
    assert.truthy(lines:find("e1", 1, true) and lines:find("e3", 1, true))
    expect(self, 1, "there is no dead event of that id", "dead", "show", "e9")
  end)

  it("dead retry puts them back, and they are delivered", function()
    local self = leave(4, 0)
    expect(self, 0, "1 event is in the stream again", "dead", "retry", "e2")
    expect(self, 1, "there is no dead event e2", "dead", "retry", "e2")
    expect(self, 1, "there is no such dead event; there are rejected", "dead", "retry", "--code", "expired")
    expect(self, 0, "3 events are in the stream again", "dead", "retry", "--code", "rejected")
    expect(self, 1, "there is no such dead event", "dead", "retry", "--code", "expired")
    expect(self, 0, "nothing to retry: no event is dead", "dead", "retry", "--all")
    expect(self, 2, "say which", "dead", "retry")
    self.platform:heal()
    local child = self:deliverer()
    self:wait_for_ends(8)
    assert.equal(4, self:counts().delivered)
    assert.equal(4, self:counts().retried)
    self:assert_balanced()
    child:kill "SIGTERM"
    child:wait(20)
  end)

  it("dead export writes JSON Lines, more than Redis gives at once", function()
    local self = leave(450, 0)
    local exported = expect(self, 0, nil, "dead", "export")
    assert.equal(450, select(2, exported:gsub("\n", "")))
    assert.truthy(ids_of(exported):find("e1 e10 ", 1, true))
  end)

  it("dead purge removes what is old enough, and asks", function()
    local self = leave(3, 0)
    expect(self, 2, "purge asks, and stdin is no terminal: give --yes", "dead", "purge")
    expect(self, 0, "removed 0 dead events", "dead", "purge", "--older-than", "1h", "--yes")
    expect(self, 0, "removed 3 dead events", "dead", "purge", "--yes")
    expect(self, 0, "0 dead", "dead", "list")
  end)

  it("says that Redis is away, with a status of its own", function()
    local self = fleet.start()
    self.redis:kill()
    expect(self, 75, "Connection refused", "status")
    expect(self, 75, "Connection refused", "dead", "list")
  end)

  it("may work later where Redis reads its data; not where it refuses", function()
    local self = fleet.start()
    self.redis:call("SET", "postevent:dead", "x")
    expect(self, 1, "no stream", "dead", "list")
    for i = 1, 1000 do
      self.redis:call("SET", "key" .. i, ("x"):rep(1000))
    end
    self.redis:call "SAVE"
    self.redis.options.args = { "--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024" }
    self.redis:restart()
    expect(self, 75, "it is reading its data from disk", "status", "--over", "0")
  end)

  it("says that Redis does not answer in time, with the same status", function()
    local redis, link = require "postevent.cli.relay.redis", {}
    function link.call()
      return nil, "no answer within timeout", "timeout"
    end
    local ok, exit = pcall(redis.call, link, "XLEN", "postevent")
    assert.same({ false, 75, "no answer within timeout" }, { ok, exit.status, exit.message })
  end)

  it("names the stream as one in what it complains of", function()
    local self = fleet.start()
    local _, _, errors = self:command("dead", "show", "e1")
    assert.equal("postevent: the stream postevent: there is no dead event of that id\n", errors)
  end)

  it("needs no commands of Redis but those of the guide", function()
    local self = leave(3, 5)
    local rights = { "+xlen", "+xrange", "+xrevrange", "+xinfo", "+hget", "+hgetall", "+time" }
    local url = self.redis.url
    self.redis:call("ACL", "SETUSER", "looker", "on", ">pw", "~postevent*", "-@all", unpack(rights))
    self.redis.url = url:gsub("//", "//looker:pw@")
    expect(self, 0, "3 dead", "status")
    expect(self, 0, "3", "dead", "list")
    expect(self, 1, "EVAL", "dead", "retry", "--all")
    self.redis:call("ACL", "SETUSER", "looker", "+eval", "+xadd", "+xdel", "+hincrby")
    expect(self, 0, nil, "dead", "retry", "--all")
    assert.equal(8, self.redis:call("XLEN", "postevent"))
    self.redis:call("XADD", "postevent:dead", "*", "body", "{}", "outcome", "expired", "code", "timeout")
    expect(self, 0, nil, "dead", "purge", "--yes")
    assert.equal(0, self.redis:call("XLEN", "postevent:dead"))
  end)

  it("status names the right that its user lacks, and leaves nothing out", function()
    local self = fleet.start()
    self.redis:call("XGROUP", "CREATE", "postevent", "postevent", "0", "MKSTREAM")
    self.redis:call("ACL", "SETUSER", "looker", "on", ">pw", "~postevent*", "+@all")
    self.redis.url = self.redis.url:gsub("//", "//looker:pw@")
    for _, command in ipairs { "xlen", "xrange", "xrevrange", "xinfo|groups", "xinfo|consumers", "xinfo|stream",
      "hget", "hgetall", "time" } do
      self.redis:call("ACL", "SETUSER", "looker", "+@all", "-" .. command)
      expect(self, 1, command:upper():match "^%w+" .. ": the user lacks a right (ACL)", "status", "--over", "0.01")
    end
  end)
end)
