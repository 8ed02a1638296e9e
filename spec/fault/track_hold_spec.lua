-- What is wrong with the credentials, the address or the way to it holds the whole queue: nothing is burned, time
-- stands still, and everything is delivered in the end. One event that draws it alone does not stall the others.
if not require("support.where").is("lua5.4") then
  return
end

local batch = require "support.batch"
local helper = require "support.helper"
local rude = require "support.rude"
local process = helper.process

local NEW = "Basic bmV3"

local function is_held(stats)
  return stats.state == "held" and stats.in_flight == 0
end

-- Checks, for so long, that nothing leaves the queue.
local function stays_held(events, seconds)
  local before = events:check()
  local until_then = process.now() + seconds
  events:wait(function(stats)
    assert.same({ before.pending, before.delivered, "held" }, { stats.pending, stats.delivered, stats.state })
    return process.now() > until_then
  end, seconds + 5)
end

describe("track with credentials that are refused", function()
  helper.guard()

  local REFUSE = { script = [[
    if request.authorization ~= "Basic bmV3" then
      return { status = 401, body = "{}", delay = tonumber(request.mode) }
    end
  ]] }

  it("keeps the queue for longer than max_age, and delivers all of it with better ones, at once", function()
    local server = rude.start("script", REFUSE)
    local events = batch.start(server.url, { retry = { max_age = 1.2 } })
    events:track(1, 300)
    local stats = events:wait(is_held)
    assert.equal("unauthorized", stats.last_error.code)
    stays_held(events, 1.5)
    local drawn = server:requests()
    assert.is_true(drawn <= 16)
    events:track(301, 400)
    events.client:set_authorization(NEW)
    local since = process.now()
    stats = events:finish(3)
    assert.is_true(process.now() - since < 2)
    assert.equal(400, stats.delivered)
    assert.equal(drawn, stats.replies["4xx"])
    local arrivals = server:arrivals()
    assert.equal(400 + drawn, #arrivals)
    for id, count in pairs(batch.count(arrivals)) do
      assert.is_true(count == events.results[id].attempts)
    end
  end)

  it("tries all again as soon as one of them is delivered, however long the first wait would be", function()
    local server = rude.start("script", REFUSE)
    local events = batch.start(server.url, { max_in_flight = 4, retry = { initial = 600, max = 600 } })
    events:track(1, 4)
    events:wait(function(stats)
      return is_held(stats) and stats.attempts >= 3
    end)
    events.client:set_authorization(NEW)
    assert.equal(4, events:finish(3).delivered)
  end)

  it("probes at once at every set_authorization, each time with another event", function()
    local server = rude.start("script", REFUSE)
    local events = batch.start(server.url, { max_in_flight = 4 })
    events:track(1, 10)
    local before = events:wait(is_held).attempts
    for i = 1, 6 do
      events.client:set_authorization("Basic d3Jvbmc" .. i)
      events:wait(function(stats)
        return stats.attempts == before + i and is_held(stats)
      end, 2, "probe " .. i)
    end
    local seen = {}
    for i, arrival in ipairs(server:arrivals()) do
      assert.is_falsy(i > before and seen[arrival.id], "probed again with " .. arrival.id)
      seen[arrival.id] = true
    end
    events.client:set_authorization(NEW)
    assert.equal(10, events:finish(3).delivered)
  end)

  it("probes at once while another probe is under way, whatever that is answered then", function()
    for _, late in ipairs { "401", "200" } do
      local server = rude.start("script", { script = [[
        if request.authorization == "Basic bmV3" then return end
        if request.authorization == "Basic bGF0ZQ" then
          return { status = tonumber(request.mode), delay = 3 }
        end
        return { status = 401 }
      ]] })
      server:set(late)
      local events = batch.start(server.url, { max_in_flight = 4 })
      events:track(1, 10)
      local before = events:wait(is_held).attempts
      events.client:set_authorization "Basic bGF0ZQ"
      server:events("request", before + 1)
      events.client:set_authorization(NEW)
      local since = process.now()
      events:wait(function(stats)
        return stats.delivered >= 9
      end)
      assert.is_true(process.now() - since < 2)
      assert.equal(10, events:finish(5).delivered)
      local arrivals = server:arrivals()
      assert.equal(late == "401" and 2 or 1, batch.count(arrivals)[arrivals[before + 1].id])
    end
  end)

  it("does not hold for what was refused to credentials that were replaced meanwhile", function()
    local server = rude.start("script", REFUSE)
    server:set "0.3"
    local events = batch.start(server.url)
    events:track(1, 40)
    server:events("request", 16)
    events.client:set_authorization(NEW) -- 16 are in flight with the old ones
    local stats = events:finish(3)
    assert.equal(40, stats.delivered)
    assert.equal(16, stats.retries)
  end)

  it("rejects nothing when answers from before the refusals are late, one after the other", function()
    local server = rude.start("script", { script = [[
      if request.turn <= 16 then return { delay = 0.04 * request.turn } end
      if request.authorization ~= "Basic bmV3" then return { status = 401 } end
    ]] })
    local events = batch.start(server.url, { retry = { initial = 0.001, max = 0.001 } })
    events:track(1, 200)
    local stats = events:wait(function(stats)
      return stats.delivered == 16 and is_held(stats)
    end)
    assert.equal(0, stats.rejected)
    events.client:set_authorization(NEW)
    assert.equal(200, events:finish(3).delivered)
  end)

  it("rejects nothing when the refusals begin in the middle of the traffic", function()
    local server = rude.start("script", { script = [[
      local late = (tonumber(request.id:sub(2)) % 5) * 0.01
      if request.turn > 300 and request.authorization ~= "Basic bmV3" then
        return { status = 403, body = "{}", delay = 0.04 - late }
      end
      return { delay = late }
    ]] })
    local events = batch.start(server.url)
    events:track(1, 600)
    events:wait(is_held)
    for i = 1, 5 do
      local attempts = events:check().attempts
      events.client:set_authorization("Basic d3Jvbmc" .. i)
      events:wait(function(stats)
        return stats.attempts > attempts and is_held(stats)
      end)
    end
    assert.equal(300, events:check().delivered)
    events.client:set_authorization(NEW)
    assert.equal(600, events:finish(3).delivered)
  end)
end)

describe("track", function()
  helper.guard()

  it("rejects the one event of a thousand that always draws 403, and does not stall the others", function()
    local server = rude.start("script", { script = [[if request.id == "e0100" then return { status = 403 } end]] })
    local events = batch.start(server.url, { retry = { initial = 0.05, max = 0.05 } })
    events:track(1, 999)
    local stats = events:finish(5)
    assert.equal(998, stats.delivered)
    assert.same({ unauthorized = 1 }, stats.rejected_by)
    events:ended("rejected", "unauthorized", { "e0100" })
    assert.equal(403, events.results.e0100.http_status)
    events:arrived(server:arrivals(), { e0100 = events.results.e0100.attempts })
  end)

  it("lets nothing that comes wait for one event that nobody was delivered after", function()
    local server = rude.start("script", { script = [[if request.id == "e0001" then return { status = 403 } end]] })
    local events = batch.start(server.url, { retry = { initial = 0.05, max = 0.05 } })
    events:track(1)
    events:wait(is_held)
    local last = 1
    repeat
      last = last + 1
      events:track(last)
      local stats = events:wait(function(stats)
        return stats.delivered == last - 1
      end, 2)
    until stats.rejected == 1 or last == 60
    events:finish(2)
    events:ended("rejected", "unauthorized", { "e0001" })
  end)

  it("in order, too, lets nothing that comes wait for one that draws 403 while others are delivered", function()
    local server = rude.start("script", { script = [[if request.id == "e0001" then return { status = 403 } end]] })
    local events = batch.start(server.url, { max_in_flight = 1, retry = { initial = 0.2, max = 30 } })
    events:track(1, 8)
    events:wait(function(stats)
      if is_held(stats) then
        events.client:set_authorization(NEW) -- probes
      end
      return stats.delivered == 7
    end)
    for number = 9, 11 do -- e0001 waits for up to 12 seconds
      local asleep_at = process.now() + 0.03
      events:wait(function()
        return process.now() > asleep_at
      end)
      events:track(number)
      events:wait(function(stats)
        return stats.delivered == number - 1
      end, 2)
    end
    events.client:close(0)
  end)

  for name, reply in pairs {
    ["404"] = [[{ status = 404, body = "not here" }]],
    ["308"] = [[{ status = 308, headers = { Location = "http://127.0.0.1:1/" }, body = "" }]],
    ["a page of HTML with 200"] = [[{ headers = { ["Content-Type"] = "text/html" }, body = "<html>Sign in</html>" }]],
    ["a page of HTML with 400"] = [[{ status = 400, body = "<html>plain HTTP to a TLS port</html>" }]],
    ["what is not HTTP"] = [["garbage"]],
  } do
    it("is held by " .. name .. ", and delivers everything afterwards", function()
      local server = rude.start("script", { script = ([[if request.mode == "" then return %s end]]):format(reply) })
      local events = batch.start(server.url, { retry = { max_age = 0.8 } })
      events:track(1, 100)
      local stats = events:wait(is_held)
      assert.is_true(stats.last_error.code == "endpoint" or stats.last_error.code == "bad_reply")
      stays_held(events, 0.9)
      assert.is_true(server:requests() <= 16)
      server:set "well"
      events.client:set_authorization(NEW) -- probes
      assert.equal(100, events:finish(3).delivered)
      events:arrived(server:arrivals(), (function()
        local attempts = {}
        for id, result in pairs(events.results) do
          attempts[id] = result.attempts
        end
        return attempts
      end)())
    end)
  end
end)

batch.describe_once("a held queue", function()
  helper.guard()

  it("burns no event for what is not the platform's, where nothing is to be sent twice", function()
    for _, reply in ipairs { "'garbage'", "'endless_headers'", "'huge_reply'", "{ body = '<html>Sign in</html>' }" } do
      local server = rude.start("script", { script = ("if request.mode == '' then return %s end"):format(reply) })
      local events = batch.start(server.url, { retry = { ambiguous = false } })
      events:track(1, 40)
      local stats = events:wait(is_held)
      assert.same({ reply, "bad_reply" }, { reply, stats.last_error.code })
      server:set "well"
      events.client:set_authorization(NEW) -- probes
      stats = events:finish(5)
      assert.same({ reply, 40, 0 }, { reply, stats.delivered, stats.unknown })
    end
  end)

  it("probes after 5 and 10 seconds, each time with another event, and goes on when one is delivered", function()
    local held = {}
    for i, reply in ipairs { "{ status = 401 }", "{ status = 302 }", "{ body = '<html>' }" } do
      local server = rude.start("script", { script = ("if request.turn <= 5 then return %s end"):format(reply) })
      local events = batch.start(server.url, { max_in_flight = 4, retry = { max_age = 3 } })
      events:track(1, 50)
      held[i] = { server = server, events = events }
    end
    for _, one in ipairs(held) do
      assert.equal(50, one.events:finish(20).delivered)
      local arrivals = one.server:arrivals()
      assert.equal(55, #arrivals)
      for i = 5, 6 do
        local pause = arrivals[i].at - arrivals[i - 1].at
        local wanted = i == 5 and 5 or 10
        assert.is_true(pause >= wanted - 0.05 and pause < wanted + 1, ("probe %d after %.3f s"):format(i - 4, pause))
        assert.equal(batch.id(i), arrivals[i].id)
      end
    end
  end)
end)
