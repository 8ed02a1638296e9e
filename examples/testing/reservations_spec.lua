-- Tests of reservations.lua, for busted: against a sandbox that each run starts, on good days and on bad ones.
local directory = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."
package.path = directory .. "/?.lua;" .. package.path

local postevent = require "postevent"
local reservations = require "reservations"
local start_sandbox = require("postevent.sandbox").start

local GUEST = { mobile = "9988776655", age = 20, hotel = "Indiranagar" }

describe("reservations", function()
  local sandbox, client, desk

  setup(function()
    sandbox = assert(start_sandbox { definitions = directory .. "/../events.json", unique = true })
  end)

  teardown(function()
    sandbox:stop()
  end)

  before_each(function()
    sandbox:reset()
    client = postevent.new {
      url = sandbox.url, authorization = "Basic b2xk", definitions = directory .. "/../events.json",
      retry = { initial = 0.02, max = 0.1 }, -- a test does not wait long
    }
    desk = reservations.new(client)
  end)

  after_each(function()
    client:close(0)
  end)

  it("arrive as the platform wants them", function()
    assert(desk:reserved(GUEST, 2))
    assert(client:flush())
    local events = sandbox:events()
    assert.equal(1, #events)
    assert.same({ "good", {} }, { events[1].outcome, events[1].problems })
    assert.equal("2", events[1].event.room_nights)
  end)

  it("wait for the end of an outage", function()
    sandbox:scenario "outage,seconds=0.3"
    for nights = 1, 10 do
      assert(desk:reserved(GUEST, nights))
    end
    assert(client:flush())
    assert.equal(10, #sandbox:events())
  end)

  it("are processed once, although replies get lost", function()
    sandbox:fault { drop = "after", times = 3 }
    for nights = 1, 5 do
      assert(desk:reserved(GUEST, nights))
    end
    assert(client:flush())
    local counts = sandbox:counts()
    assert.same({ 8, 5, 3 }, { counts.taken, counts.processed, counts.duplicates })
  end)

  it("survive a password that was changed", function()
    sandbox:scenario "rotated-password"
    assert(desk:reserved(GUEST, 1))
    assert.is_nil((client:flush(0.2)))
    client:set_authorization "Basic bmV3"
    assert(client:flush())
    assert.equal(1, #sandbox:events())
  end)

  it("tell a guest who waits what is known", function()
    assert.equal("booked", desk:reserved_now(GUEST, 1))
    sandbox:fault { drop = "after", times = 1 }
    assert.equal("ask", desk:reserved_now(GUEST, 2))
    sandbox:fault { status = 400, times = 1 }
    assert.equal("not booked", desk:reserved_now(GUEST, 3))
  end)
end)
