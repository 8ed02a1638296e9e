-- Servers that come and go, break off and fall silent under `track`: nothing is lost, an event comes again only where
-- its answer was lost after sending, and the caller never waits.
if not require("support.where").is("lua5.4", "luajit") then
  return
end

local batch = require "support.batch"
local helper = require "support.helper"
local nginx = require "support.nginx"
local rude = require "support.rude"

local QUICK = { initial = 0.02, max = 0.1 }

-- The ids of the events whose number divides by `step`, up to `last`.
local function every(step, last)
  local ids, twice = {}, {}
  for number = step, last, step do
    ids[#ids + 1] = batch.id(number)
    twice[batch.id(number)] = 2
  end
  return ids, twice
end

-- A script that answers so when `condition` holds.
local function answer_when(condition, answer)
  return { script = ("local number = tonumber(request.id:sub(2))\nif %s then return %s end"):format(condition, answer) }
end

describe("track to a server that", function()
  helper.guard()

  it("is absent at the start delivers when it is there", function()
    local port = helper.free_port()
    local events = batch.start(("http://127.0.0.1:%d/x"):format(port), { retry = QUICK })
    events:track(1, 200)
    local stats = events:wait(function(stats)
      return stats.state == "cooling"
    end)
    assert.equal(200, stats.pending)
    assert.equal("unreachable", stats.last_error.code)
    local server = rude.start("answer", { port = port })
    events:track(201, 400)
    stats = events:finish()
    assert.equal(400, stats.delivered)
    events:arrived(server:arrivals())
  end)

  it("is restarted in the middle loses nothing", function()
    local behind = rude.start "answer"
    local front = nginx.start { proxy_to = behind.base }
    local events = batch.start(front.url .. "/x", { retry = QUICK })
    for round = 1, 2 do
      events:track(round * 500 - 499, round * 500)
      events:wait(function(stats)
        return stats.delivered > round * 500 - 450
      end)
      front:stop()
      events:wait(function(stats)
        return stats.state == "cooling" or stats.pending == 0
      end)
      front:restart()
    end
    local stats = events:finish()
    assert.equal(1000, stats.delivered)
    local counts = batch.count(behind:arrivals())
    for id, result in pairs(events.results) do
      assert.is_true(counts[id] >= 1 and counts[id] <= result.attempts, id .. " came more often than it was sent")
    end
  end)

  for _, behaviour in ipairs { "reset_while_body", "close_while_body" } do
    it("breaks off in the middle of a request gets it again: " .. behaviour, function()
      local server = rude.start(behaviour, { after = 3, times = 4 })
      local events = batch.start(server.url, { retry = QUICK, max_event_bytes = 1024 * 1024 })
      events:track(1, 20, { note = ("x"):rep(500000) })
      local stats = events:finish()
      assert.equal(20, stats.delivered)
      assert.is_true(stats.retries >= 4)
      assert.equal(stats.attempts, #server:events "head" + server:requests())
      events:arrived(server:arrivals())
    end)
  end

  for _, behaviour in ipairs { "reset", "close", "reset_in_reply", "close_in_reply", "short_reply" } do
    it("loses one reply of a hundred gets those events twice, and no others: " .. behaviour, function()
      local lost = "number % 100 == 0 and request.nth == 1"
      local server = rude.start("script", answer_when(lost, ("%q"):format(behaviour)))
      local ids, twice = every(100, 1000)
      local events = batch.start(server.url, { retry = QUICK })
      events:track(1, 1000)
      local stats = events:finish()
      assert.equal(1000, stats.delivered)
      assert.equal(1000 + #ids, stats.attempts)
      assert.equal(#ids, stats.retries)
      events:arrived(server:arrivals(), twice)
    end)
  end

  for _, behaviour in ipairs { "never_answer", "trickle" } do
    it("takes too long over some events delivers the others meanwhile: " .. behaviour, function()
      local server = rude.start("script", answer_when("number <= 4 and request.nth == 1", ("%q"):format(behaviour)))
      local _, twice = every(1, 4)
      local events = batch.start(server.url, { retry = QUICK, timeout = 0.6 })
      events:track(1, 500)
      local stats = events:wait(function(stats)
        return stats.delivered == 496
      end)
      assert.equal(4, stats.in_flight)
      stats = events:finish()
      assert.equal(500, stats.delivered)
      assert.equal("timeout", stats.last_error.code)
      assert.is_true(stats.latency.max >= 0.55 and stats.latency.max < 5)
      events:arrived(server:arrivals(), twice)
    end)
  end

  it("loses replies gets no event again with retry.ambiguous = false: unknown, with the code", function()
    for behaviour, code in pairs { never_answer = "timeout", reset = "interrupted", close_in_reply = "interrupted" } do
      local server = rude.start("script", answer_when("number % 50 == 0", ("%q"):format(behaviour)))
      local ids = every(50, 200)
      local events = batch.start(server.url, { timeout = 0.3, retry = { ambiguous = false } })
      events:track(1, 200)
      local stats = events:finish()
      events:ended("unknown", code, ids)
      assert.same({ [code] = #ids }, stats.unknown_by)
      assert.equal(200 - #ids, stats.delivered)
      events:arrived(server:arrivals())
      server:stop()
    end
  end)

  it("was not reached gets its events all the same with retry.ambiguous = false", function()
    local port = helper.free_port()
    local events = batch.start(("http://127.0.0.1:%d/x"):format(port), {
      retry = { initial = 0.02, ambiguous = false },
    })
    events:track(1, 20)
    events:wait(function(stats)
      return stats.attempts >= 5
    end)
    local server = rude.start("answer", { port = port })
    assert.equal(20, events:finish().delivered)
    events:arrived(server:arrivals())
  end)

  for _, status in ipairs { 500, 503 } do
    it(("answers %d for a while gets everything later"):format(status), function()
      local server = rude.start("script", {
        script = ([[if request.mode == "" then return { status = %d, body = "{}" } end]]):format(status),
      })
      local events = batch.start(server.url, { retry = QUICK })
      events:track(1, 300)
      local stats = events:wait(function(stats)
        return stats.state == "cooling"
      end)
      assert.equal(0, stats.delivered)
      assert.equal("unavailable", stats.last_error.code)
      server:set "well"
      stats = events:finish()
      assert.equal(300, stats.delivered)
      assert.equal(stats.attempts - 300, stats.replies["5xx"])
      assert.equal(stats.attempts, server:requests())
    end)
  end
end)

describe("an event that", function()
  helper.guard()

  it("is poisoned is rejected, and a thousand good ones beside it delivered", function()
    for status, body in pairs { [400] = [['{"error":"x"}']], [422] = [["no"]] } do
      local answer = ("{ status = %d, body = %s }"):format(status, body)
      local server = rude.start("script", answer_when("number == 333", answer))
      local events = batch.start(server.url)
      events:track(1, 1000)
      local stats = events:finish()
      assert.equal(999, stats.delivered)
      assert.equal(1000, stats.attempts)
      events:ended("rejected", "rejected", { batch.id(333) })
      assert.equal(status, events.results[batch.id(333)].http_status)
      events:arrived(server:arrivals())
      server:stop()
    end
  end)

  it("always draws 500 stalls nobody, and expires", function()
    local server = rude.start("script", answer_when("number == 100", "{ status = 500, body = '{}' }"))
    local events = batch.start(server.url, { retry = { initial = 0.02, max = 0.1, max_age = 2 } })
    events:track(1, 500)
    local stats = events:wait(function(stats)
      return stats.delivered == 499
    end)
    assert.equal(1, stats.pending)
    stats = events:finish()
    assert.equal(1, stats.expired)
    events:ended("expired", nil, { batch.id(100) })
    local arrivals = server:arrivals()
    events:arrived(arrivals, { [batch.id(100)] = events.results[batch.id(100)].attempts })
  end)

  it("always draws 500 while it is alone stalls nobody who comes after", function()
    local server = rude.start("script", answer_when("number == 1", "{ status = 500, body = '{}' }"))
    local events = batch.start(server.url, { retry = QUICK })
    events:track(1)
    events:wait(function(stats)
      return stats.attempts >= 5
    end)
    events:track(2, 200)
    events:wait(function(stats)
      return stats.delivered == 199
    end, 3, "the good events")
    assert.is_true(events:check().pending == 1)
    assert.is_nil(events.client:close(0))
  end)

  it("expires between attempts, never in one", function()
    local server = rude.start("script", {
      script = [[return request.nth == 1 and { status = 500, body = "{}" } or { delay = 1.2 }]],
    })
    local events = batch.start(server.url, { max_in_flight = 4, retry = { initial = 0.01, max = 0.01, max_age = 0.5 } })
    events:track(1, 4)
    local stats = events:finish() -- the second attempts last longer than the events may
    assert.equal(4, stats.delivered)
    events.client:close()
  end)
end)
