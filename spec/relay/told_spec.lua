-- How a deliverer tells Redis of what ended: many at once, and each as what it was.
local fleet = require "support.fleet"
local helper = require "support.helper"
local postevent = require "postevent"

-- How often Redis was called with a command.
local function calls(self, command)
  local stats = self.redis:call("INFO", "commandstats")
  return tonumber(stats:match("cmdstat_" .. command .. ":calls=(%d+)")) or 0
end

local function fill(self, first, last, name)
  local client = self:producer()
  fleet.track(client, first, last, name)
  assert.is_true(client:flush(10))
end

describe("what a deliverer tells Redis", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("is told of many events at once, while there are many", function()
    local self = fleet.start()
    fill(self, 1, 3000)
    self.redis:call("CONFIG", "RESETSTAT")
    self:deliverer("--max-in-flight", "32")
    self:wait_for_ends(3000)
    self:assert_accounted(1, 3000)
    local count = calls(self, "xdel")
    assert.is_true(count < 1000, count .. " times")
  end)

  it("says trimmed of what was dropped from the stream meanwhile, and of the rest what it is", function()
    local self = fleet.start()
    self.platform:fault { event = "coin_found", delay = 0.5 }
    self.platform:fault { event = "bad", code = 7308, delay = 0.5 }
    fill(self, 1, 8)
    fill(self, 9, 10, "bad")
    -- Redis forgets whose a dropped entry was when it is next told that it is worked on.
    self:deliverer("--claim-after", "60", "--timeout", "10")
    helper.wait_until(function()
      return #self.platform:attempts() == 10
    end)
    self.redis:call("XTRIM", "postevent", "MAXLEN", "5") -- e1 to e5
    self:wait_for_ends(5)
    helper.wait_until(function()
      local counts = self:counts()
      return counts.trimmed == 5 and counts.delivered == 3 and counts.rejected == 2,
        ("%d trimmed, %d delivered, %d rejected"):format(counts.trimmed, counts.delivered, counts.rejected)
    end, 15)
    assert.equal(0, self.redis:call("XPENDING", "postevent", "postevent")[1])
  end)
end)
