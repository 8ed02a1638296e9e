-- How old an entry of a stream is.
local postevent = require "postevent"

-- A Redis whose clock shows so many seconds.
local function at(seconds)
  local self = require("postevent.relay.clock").new {
    time = function()
      return seconds
    end,
  }
  self:set()
  return self
end

local function age(self, added, age_then)
  return math.floor(self:age_of { entry = added .. "000-0", age = age_then } + 0.5)
end

describe("the age of an entry", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end

  it("is that which it came with, and what has passed since by Redis's clock", function()
    local self = at(1000)
    assert.same({ 0, 100, 103, 100 }, { age(self, 1000), age(self, 900), age(self, 900, "3000"), age(self, 900, "no") })
    assert.equal(0, age(self, 2000))
  end)

  it("is not what has passed while a deliverer was held", function()
    local self = at(1000)
    self:note_holds " 100000 200000 500000 900000"
    assert.same({ 500, 400, 300, 100, 100, 50 }, { age(self, 0), age(self, 150),
      age(self, 300), age(self, 600), age(self, 900), age(self, 950) })
    self:note_holds ""
    assert.equal(400, age(self, 600))
  end)

  it("is as it came where Redis has not told its time", function()
    local self = require("postevent.relay.clock").new { time = function() end }
    self:set()
    assert.equal(3, age(self, 900, "3000"))
  end)
end)
