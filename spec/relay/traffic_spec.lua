-- What all deliverers share about the platform: the rate, the silence that it asks for, and the hold.
local fleet = require "support.fleet"
local helper = require "support.helper"
local postevent = require "postevent"
local redis = require "support.redis"
local scripts = require "postevent.relay.scripts"

local stop = fleet.stop

local LIMIT = os.getenv "POSTEVENT_SLOW" and 9 or 5 -- seconds for 120 events of which 40 a second may go

local function relay(self, first, last)
  local client = self:producer()
  fleet.track(client, first, last)
  assert.is_true(client:flush(5))
end

describe("deliverers that share a platform", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("together keep to one rate", function()
    local self = fleet.start()
    relay(self, 1, 120)
    local first, second = self:deliverer("--fleet-rate", "40"), self:deliverer("--fleet-rate", "40")
    local begun = helper.process.now()
    self:wait_for_ends(120, 10)
    local seconds = helper.process.now() - begun
    assert.is_true(seconds > (120 - 4) / 40 - 0.5 and seconds < LIMIT, seconds .. " s")
    self:assert_accounted(1, 120)
    local counts = {}
    for _, each in ipairs(self.platform:attempts()) do
      counts[each.received_at] = (counts[each.received_at] or 0) + 1 -- to the second
    end
    for _, count in pairs(counts) do
      assert.is_true(count <= 48, count .. " in one second")
    end
    stop(first)
    stop(second)
  end)

  it("keep nothing of the rate for later while the platform stalls", function()
    local self = fleet.start()
    relay(self, 1, 1800)
    self.platform:fault { delay = 3, times = 8 * 2 } -- all that eight of them post at a time
    local members = {}
    for i = 1, 8 do
      members[i] = self:deliverer("--fleet-rate", "400", "--max-in-flight", "2")
    end
    self:wait_for_ends(1800, 20)
    local counts, most = {}, 0
    for _, each in ipairs(self.platform:attempts()) do
      counts[each.received_at] = (counts[each.received_at] or 0) + 1 -- to the second
      most = math.max(most, counts[each.received_at])
    end
    assert.is_true(most <= 400 + 40 + 20, most .. " in one second")
    for _, child in ipairs(members) do
      stop(child)
    end
  end)

  it("are all silent when one of them is asked to be", function()
    local self = fleet.start()
    local first, second = self:deliverer(), self:deliverer()
    relay(self, 1, 1)
    self:wait_for_ends(1)
    self.platform:fault { status = 429, retry_after = 3, times = 1 }
    relay(self, 2, 2)
    helper.wait_until(function()
      return self.redis:call("PTTL", "postevent:gate") > 0
    end)
    local ends_at = helper.process.now() + self.redis:call("PTTL", "postevent:gate") / 1000
    for _, child in ipairs { first, second } do
      helper.wait_until(function()
        return child:errors():find("has asked a deliverer for silence", 1, true)
      end)
    end
    relay(self, 3, 40)
    helper.wait_until(function()
      return #self.platform:attempts() > 2
    end)
    assert.is_true(helper.process.now() > ends_at - 0.1)
    self:wait_for_ends(40)
    self:assert_accounted(1, 40)
    stop(first)
    stop(second)
  end)

  it("wait for one that probes while the credentials are wrong, and all go on when they are right", function()
    local self = fleet.start()
    self.platform:fault { unauthorized = true }
    local children = {}
    for i = 1, 3 do
      children[i] = self:deliverer("--max-in-flight", "1", "--name", "d" .. i)
    end
    relay(self, 1, 100)
    local owner = helper.wait_until(function()
      return self.redis:call("GET", "postevent:hold")
    end)
    helper.wait_until(function()
      local silent = 0
      for i = 1, 3 do
        silent = silent + (children[i]:errors():find("probes, and all wait for it", 1, true) and 1 or 0)
      end
      return silent == 2
    end, 5, "two of them to wait")
    assert.truthy(owner:find "^d[123]$")
    assert.is_true(#self.platform:attempts() < 8, #self.platform:attempts() .. " attempts")
    self.platform:heal()
    self:wait_for_ends(100, 30)
    self:assert_accounted(1, 100)
    for i = 1, 3 do
      stop(children[i])
    end
  end)

  it("take over from one that is killed while it probes", function()
    local self = fleet.start()
    self.platform:fault { unauthorized = true }
    local one = self:deliverer("--name", "one")
    relay(self, 1, 10)
    helper.wait_until(function()
      return self.redis:call("GET", "postevent:hold")
    end)
    one:kill "SIGKILL"
    one:wait()
    self.platform:heal()
    local other = self:deliverer()
    self:wait_for_ends(10, 20)
    self:assert_accounted(1, 10)
    stop(other)
  end)

  it("do not wait for ever behind those whose password is wrong", function()
    local self = fleet.start()
    self.platform:fault { unauthorized = true } -- the credential that it meets first
    local children = {}
    for i = 1, 2 do
      children[i] = self:deliverer("--name", "wrong-" .. i, "--authorization", "Basic d3Jvbmc=",
        "--max-in-flight", "1") -- so that they leave some to it
    end
    relay(self, 1, 100)
    helper.wait_until(function()
      return self.redis:call("GET", "postevent:hold")
    end)
    children[3] = self:deliverer("--name", "right", "--authorization", "Basic cmlnaHQ=")
    helper.wait_until(function()
      return self:counts().delivered > 0
    end, 20, "the turn of the one that is right")
    for i = 1, 3 do
      stop(children[i])
    end
  end)

  it("leave what they cannot deliver to those whose password is right", function()
    local self = fleet.start()
    self.platform:fault { unauthorized = true } -- the credential that it meets first
    relay(self, 1, 100)
    local wrong = self:deliverer("--name", "wrong", "--authorization", "Basic d3Jvbmc=")
    helper.wait_until(function()
      local given = self.redis:try("XPENDING", "postevent", "postevent", "IDLE", 3600000, "-", "+", 200, "wrong")
      return given and #given == 99
    end, 10, "it to give back all but one")
    relay(self, 101, 300)
    local right = self:deliverer("--name", "right", "--authorization", "Basic cmlnaHQ=")
    self:wait_for_ends(299, 30)
    assert.is_true(self.redis:call("XLEN", "postevent") <= 1)
    for id, count in pairs(self:received()) do
      assert.equal(1, count, id)
    end
    stop(wrong)
    self:wait_for_ends(300, 10)
    self:assert_accounted(1, 300)
    stop(right)
  end)

  it("read nothing more while all are silent", function()
    local self = fleet.start()
    local child = self:deliverer("--name", "one")
    relay(self, 1, 1)
    self:wait_for_ends(1)
    self.redis:call("SET", "postevent:gate", "another", "PX", 60000)
    helper.wait_until(function()
      return child:errors():find("has asked a deliverer for silence", 1, true)
    end)
    relay(self, 2, 400) -- a read that waits already brings some
    local function pending()
      return self.redis:call("XPENDING", "postevent", "postevent")[1]
    end
    assert.is_true(pending() < 256)
    self.redis:call("DEL", "postevent:gate")
    self:wait_for_ends(400, 10)
    self:assert_accounted(1, 400)
    stop(child)
  end)

  it("let no event in the stream grow older while they are held", function()
    local self = fleet.start()
    self.platform:fault { unauthorized = true }
    local child = self:deliverer("--name", "one", "--max-age", "60")
    relay(self, 1, 1)
    local since, till = helper.wait_until(function()
      return (self.redis:call("GET", "postevent:held") or ""):match "^ (%d+) (%d+)$"
    end)
    helper.wait_until(function()
      return self.redis:call("GET", "postevent:held"):match "%d+$" ~= till
    end)
    for i = 2, 20 do
      local body = ('{"event_name":"x","external_event_id":"e%d"}'):format(i)
      self.redis:call("XADD", "waiting", ("%d-%d"):format(since - 3600000, i), "body", body, "id", "e" .. i)
    end
    stop(child)
    self.redis:call("RENAME", "waiting", "postevent") -- with its group, and what was in it
    self.redis:call("SET", "postevent:held", (" %d %d"):format(since - 3600000, self.redis:call("TIME")[1] * 1000))
    self.platform:heal()
    child = self:deliverer("--max-age", "60")
    self:wait_for_ends(19)
    assert.equal(19, self:assert_accounted(2, 20).delivered)
    stop(child)
  end)

  it("remember the last ten times that they were held", function()
    local server, long_ago = redis.start(), {}
    for i = 1, 10 do
      long_ago[i] = (" %d000 %d500"):format(i, i)
    end
    server:call("SET", "held", table.concat(long_ago))
    local function share(holds)
      return server:call("EVAL", scripts.share, "4", "rate", "gate", "hold", "held", "one", "0", "1", "0", "0", holds,
        "0", "5000")[5]
    end
    assert.equal(table.concat(long_ago), share "0")
    local first, last = share "1":match "^ 2000 2500 .* 10000 10500 (%d+) (%d+)$"
    assert.truthy(first)
    assert.equal(first, last)
    helper.wait_until(function()
      return tonumber(share "1":match "%d+$") > tonumber(last)
    end)
    assert.equal(20, select(2, share "0":gsub("%d+", "")))
    assert.equal(first, share "0":match "(%d+) %d+$")
  end)

  it("pass nothing to and fro while all are held", function()
    local self = fleet.start()
    self.platform:fault { unauthorized = true }
    relay(self, 1, 100)
    local children = {}
    for i = 1, 3 do
      children[i] = self:deliverer("--name", "d" .. i)
    end
    local function owner_after(before)
      return helper.wait_until(function()
        local owner = self.redis:call("GET", "postevent:hold")
        return owner and owner ~= before and owner
      end, 20, "another's turn")
    end
    local function deliveries()
      local sum = 0
      for _, each in ipairs(self.redis:call("XPENDING", "postevent", "postevent", "-", "+", 200)) do
        sum = sum + each[4]
      end
      return sum
    end
    local first = owner_after()
    local second = owner_after(first)
    local before = deliveries()
    owner_after(second)
    assert.is_true(deliveries() - before <= 6, deliveries() .. " after " .. before)
    assert.is_true(#self.platform:attempts() < 100)
    self.platform:heal()
    self:wait_for_ends(100, 30)
    self:assert_accounted(1, 100)
    for i = 1, 3 do
      stop(children[i])
    end
  end)
end)
