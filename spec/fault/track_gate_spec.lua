-- A platform that asks for silence: 429 with and without Retry-After, 503 with it. Nobody is sent before; and the rates
-- and the coolness that the client imposes on itself.
if not require("support.where").is("lua5.4") then
  return
end

local batch = require "support.batch"
local helper = require "support.helper"
local rude = require "support.rude"
local tracking = require "support.tracking"
local process = helper.process

local QUICK = { initial = 0.02, max = 0.1 }

-- The longest time in which nothing came: when it began, when it ended.
local function longest_silence(arrivals)
  local from, to = 0, 0
  for i = 2, #arrivals do
    if arrivals[i].at - arrivals[i - 1].at > to - from then
      from, to = arrivals[i - 1].at, arrivals[i].at
    end
  end
  return from, to
end

describe("track to a server that asks for silence", function()
  helper.guard()

  for status, code in pairs { [429] = "rate_limited", [503] = "unavailable" } do
    it(("gives it %d's Retry-After, and sends everything then"):format(status), function()
      local server = rude.start("script", { script = ([[
        if request.turn >= 200 and request.mode == "" then
          return { status = %d, headers = { ["Retry-After"] = "2" }, body = "{}" }
        end
      ]]):format(status) })
      local events = batch.start(server.url, { retry = { initial = 0.02, max = 0.1, max_age = 1.5 } })
      events:track(1, 100)
      events:wait(function(stats)
        return stats.delivered == 100
      end)
      events:track(101, 600)
      local stats = events:wait(function(stats)
        return stats.in_flight == 0 and stats.state == "cooling"
      end)
      local closed_at = process.now()
      assert.equal(code, stats.last_error.code)
      assert.is_true(stats.pending >= 385)
      server:set "open"
      events:wait(function(looked) -- new ones wake the sender, and wait all the same
        if looked.state == "cooling" then
          events:track(events.tracked + 1)
        end
        return looked.state ~= "cooling"
      end)
      stats = events:finish() -- the silence is longer than max_age, which stood still meanwhile
      assert.equal(events.tracked, stats.delivered)
      local arrivals = server:arrivals()
      local from, to = longest_silence(arrivals)
      assert.is_true(to - from >= 1.99 and to - from < 3, ("a silence of %.3f s"):format(to - from))
      assert.is_true(from <= closed_at)
      local counts, answered = batch.count(arrivals), 0
      for id, result in pairs(events.results) do
        assert.equal(result.attempts, counts[id])
        answered = answered + counts[id]
      end
      assert.equal(stats.attempts, answered)
    end)
  end

  it("B1: lets nothing expire that waited for room meanwhile: its age begins when it is accepted", function()
    local server = rude.start("answer", { reply = { status = 429, headers = { ["Retry-After"] = "2" }, body = "{}" },
      times = 1 })
    local client = tracking.new {
      url = server.url, queue = { max_events = 1, overflow = "wait", wait = 20 }, retry = { max_age = 1 },
    }
    assert(client:track { event_name = "first" })
    client:flush(0.3)
    assert(client:track { event_name = "second" })
    assert(client:flush(5))
    local outcomes = {}
    for result in client:results() do
      outcomes[#outcomes + 1] = result.outcome
    end
    assert.same({ "delivered", "delivered" }, outcomes)
  end)

  it("is asked again after each silence, as long as it takes", function()
    local server = rude.start("script", { script = [[
      if request.turn == 1 or request.turn == 2 then
        return { status = 429, headers = { ["Retry-After"] = "1" }, body = "{}" }
      end
    ]] })
    local events = batch.start(server.url, { max_in_flight = 1, retry = QUICK })
    events:track(1, 50)
    assert.equal(50, events:finish().delivered)
    local arrivals = server:arrivals()
    for i = 1, 2 do
      assert.is_true(arrivals[i + 1].at - arrivals[i].at >= 0.99)
      assert.equal(batch.id(1), arrivals[i + 1].id)
    end
    events:arrived(arrivals, { [batch.id(1)] = 3 })
  end)

  it("without saying how long gets a longer one each time", function()
    local server = rude.start("script", {
      script = [[if request.turn <= 4 then return { status = 429, body = "{}" } end]],
    })
    local events = batch.start(server.url, { max_in_flight = 1, retry = { initial = 0.1, max = 0.4 } })
    events:track(1, 50)
    local stats = events:finish()
    assert.equal(50, stats.delivered)
    local arrivals = server:arrivals()
    for i, least in ipairs { 0.05, 0.1, 0.2, 0.2 } do -- half of the back-off for certain
      local silence = arrivals[i + 1].at - arrivals[i].at
      assert.is_true(silence >= least and silence < 2 * least + 0.5, ("silence %d of %.3f s"):format(i, silence))
    end
  end)
end)

describe("rate_limit", function()
  helper.guard()

  it("holds for retries too", function()
    local server = rude.start("script", {
      script = [[if request.nth == 1 and request.turn % 2 == 0 then return { status = 500, body = "{}" } end]],
    })
    local events = batch.start(server.url, { retry = { initial = 0.001, max = 0.001 }, rate_limit = {
      per_second = 100, burst = 10,
    } })
    local start = process.now()
    events:track(1, 100)
    local stats = events:finish()
    assert.equal(100, stats.delivered)
    assert.is_true(stats.retries >= 40)
    local arrivals = server:arrivals()
    assert.equal(stats.attempts, #arrivals)
    for i, arrival in ipairs(arrivals) do
      assert.is_true(arrival.at - start >= (i - 10) / 100, ("number %d after %.3f s"):format(i, arrival.at - start))
    end
    assert.is_true(stats.latency.max < 5)
  end)
end)

batch.describe_once("an endpoint that fails five times in a row", function()
  helper.guard()

  it("is asked by one event at a time, ever more rarely, and gets all again when it answers", function()
    local server = rude.start("script", {
      script = [[return request.mode == "" and "never_answer" or { delay = 0.1 }]],
    })
    local events = batch.start(server.url, { max_in_flight = 8, timeout = 0.2, retry = QUICK })
    events:track(1, 100)
    events:wait(function(stats)
      return stats.state == "cooling" and stats.in_flight == 0
    end)
    local before = #server:arrivals() -- 8, and what was tried again before the fifth failure
    local cooling = events:wait(function(stats)
      assert.is_true(stats.in_flight <= 1)
      return #server:arrivals() == before + 1
    end)
    assert.equal("cooling", cooling.state)
    server:set "well"
    local whole = events:wait(function(stats)
      assert.is_true(stats.in_flight <= 1 or stats.delivered > 0)
      return stats.in_flight == 8
    end)
    assert.equal("sending", whole.state)
    assert.equal(100, events:finish().delivered)
    local arrivals = server:arrivals()
    local last, probe, next_one, after = (table.unpack or unpack)(arrivals, before, before + 3)
    local first, second = probe.at - last.at, next_one.at - probe.at
    -- Less by what the server, on a busy machine, takes to see the one before.
    assert.is_true(first >= 0.9 and first < 2, ("the first probe after %.3f s"):format(first))
    assert.is_true(second >= 1.9 and second < 3, ("the second probe after %.3f s"):format(second))
    assert.is_true(after.at - next_one.at >= 0.1) -- nobody with the probe
    for id, count in pairs(batch.count(arrivals)) do
      assert.equal(events.results[id].attempts, count)
    end
  end)
end)
