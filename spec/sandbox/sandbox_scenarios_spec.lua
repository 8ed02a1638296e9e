-- The platform's bad days, and what track makes of each: what arrived, by id, and the counters. What is claimed here
-- docs/reference/scenarios.md tells.
if not require("support.where").is("lua5.4", "luajit") then
  return
end

local batch = require "support.batch"
local cjson = require "cjson"
local command = require "support.command"
local files = require "support.files"
local helper = require "support.helper"
local postevent = require "postevent"
local scenarios = require "postevent.sandbox.scenarios"

local QUICK = { initial = 0.02, max = 0.1 }

-- The ids of what the sandbox has taken, in order: { { id = ... }, ... }, as batch has them.
local function arrivals(sandbox)
  local list = {}
  for i, one in ipairs(sandbox:events()) do
    list[i] = { id = one.event.external_event_id }
  end
  return list
end

-- Which faults were met at all.
local function met(sandbox)
  local found = {}
  for i, one in ipairs(sandbox:faults().faults) do
    found[i] = one.met > 0
  end
  return found
end

local function is_held(stats)
  return stats.state == "held" and stats.in_flight == 0
end

-- Each event has arrived, none without an outcome; those that came again are returned, by id.
local function all_arrived(sandbox, events)
  local counts, again = batch.count(arrivals(sandbox)), {}
  for number = 1, events.tracked do
    local id = batch.id(number)
    assert.is_true((counts[id] or 0) >= 1, id .. " did not arrive")
    if counts[id] > 1 then again[id] = counts[id] end
  end
  return again
end

describe("track, on a bad day", function()
  helper.guard()
  local sandbox = helper.shared_sandbox { seed = 1 }

  it("of outage: all arrives, once each, when it is over", function()
    sandbox:play { name = "outage", seconds = 0.5 }
    local events = batch.start(sandbox.url, { retry = QUICK })
    events:track(1, 100)
    local stats = events:finish()
    assert.equal(100, stats.delivered)
    assert.is_true(stats.attempts > 100)
    assert.same({}, all_arrived(sandbox, events))
  end)

  it("of slow: all arrives, once each, and nobody waits for it", function()
    sandbox:play { name = "slow" }
    local events = batch.start(sandbox.url)
    events:track(1, 30)
    local stats = events:finish()
    assert.same({ 30, 30 }, { stats.delivered, stats.attempts })
    assert.same({}, all_arrived(sandbox, events))
    for _, result in pairs(events.results) do
      assert.is_true(result.latency >= 1.9)
    end
  end)

  it("of rate-limit: all arrives, once each, no faster than it may", function()
    sandbox:play { name = "rate-limit", above = 20 }
    local events = batch.start(sandbox.url)
    events:track(1, 50)
    local stats = events:finish()
    assert.equal(50, stats.delivered)
    assert.is_true(stats.replies["4xx"] > 0)
    assert.same({}, all_arrived(sandbox, events))
  end)

  it("of rotated-password: all waits, and arrives once each with the new one", function()
    sandbox:play { name = "rotated-password" }
    local events = batch.start(sandbox.url, { authorization = "Basic b2xk" })
    events:track(1, 50)
    events:wait(is_held)
    assert.same({}, arrivals(sandbox))
    events.client:set_authorization "Basic bmV3"
    assert.equal(50, events:finish().delivered)
    assert.same({}, all_arrived(sandbox, events))
  end)

  it("of lost-replies: all arrives, some of it twice, with one id", function()
    sandbox:play { name = "lost-replies" }
    local events = batch.start(sandbox.url, { retry = QUICK })
    events:track(1, 100)
    local stats = events:finish()
    assert.equal(100, stats.delivered)
    assert.same({ true, true }, met(sandbox))
    local again, more = all_arrived(sandbox, events), 0
    for id, count in pairs(again) do
      assert.equal(events.results[id].attempts, count)
      more = more + count - 1
    end
    assert.is_true(more > 0)
    assert.equal(stats.attempts, 100 + more)
  end)

  it("of lost-replies, told not to send again: nothing arrives twice, and what is not known is said", function()
    sandbox:play { name = "lost-replies" }
    local events = batch.start(sandbox.url, { retry = { ambiguous = false } })
    events:track(1, 100)
    local stats = events:finish()
    assert.is_true(stats.unknown > 0)
    assert.equal(100, stats.delivered + stats.unknown)
    assert.same({}, all_arrived(sandbox, events))
  end)

  it("of captive-portal: all waits, and arrives once each behind it", function()
    sandbox:play { name = "captive-portal" }
    local events = batch.start(sandbox.url)
    events:track(1, 50)
    local stats = events:wait(is_held)
    assert.equal("bad_reply", stats.last_error.code)
    assert.same({ 0, 0 }, { stats.delivered, #arrivals(sandbox) })
    sandbox:heal() -- somebody signs in
    events.client:set_authorization "Basic bmV3" -- probes at once
    assert.equal(50, events:finish().delivered)
    assert.same({}, all_arrived(sandbox, events))
  end)

  it("of flaky: all arrives", function()
    sandbox:play { name = "flaky" }
    local events = batch.start(sandbox.url, { retry = QUICK })
    events:track(1, 100)
    assert.equal(100, events:finish(30).delivered)
    assert.same({ true, true, true, true, true, true }, met(sandbox))
    all_arrived(sandbox, events)
  end)

  for name, spool in pairs { ["in memory"] = false, ["with a spool"] = true } do
    it("of poison: of sixty events one is given up at once, and all others arrive, once each, " .. name, function()
      sandbox:play { name = "poison" }
      local events = batch.start(sandbox.url, spool and { spool = { path = files.new_path "spool" } })
      events:track(1, 60)
      local stats = events:finish(5)
      assert.same({ { unauthorized = 1 }, 59 }, { stats.rejected_by, stats.delivered })
      assert.is_true(stats.attempts <= 59 + 9)
      local counts = batch.count(arrivals(sandbox))
      for id, result in pairs(events.results) do
        assert.equal(result.outcome == "delivered" and 1 or 0, counts[id] or 0)
      end
    end)
  end

  for name, fault in pairs {
    ["half of all requests"] = { status = 401, share = 0.5 }, ["every third request"] = { status = 403, every = 3 },
  } do
    it("on which " .. name .. " are refused: all arrives, once each, and none is given up", function()
      sandbox:fault(fault)
      local events = batch.start(sandbox.url, { max_in_flight = 8, retry = QUICK })
      events:track(1, 200)
      local stats = events:wait(function(stats)
        if is_held(stats) then events.client:set_authorization "Basic bmV3" end -- probes: 5 seconds are long in a test
        return stats.pending == 0
      end, 20)
      assert.same({ 200, 0 }, { stats.delivered, stats.rejected })
      assert.is_true(stats.replies["4xx"] > 50)
      assert.same({}, all_arrived(sandbox, events))
    end)
  end

  it("of poison, in order: one event is rejected in the end, and all others arrive, once each", function()
    sandbox:play { name = "poison" }
    local events = batch.start(sandbox.url, { max_in_flight = 1, retry = QUICK })
    events:track(1, 20)
    local last = 20
    repeat
      events:wait(function(stats)
        if is_held(stats) then events.client:set_authorization "Basic bmV3" end -- probes: 5 seconds are long in a test
        return stats.delivered == last - 1
      end)
      last = last + 1
      events:track(last)
    until events:check().rejected == 1 or last == 40
    local stats = events:finish()
    assert.same({ unauthorized = 1 }, stats.rejected_by)
    assert.equal(last - 1, stats.delivered)
    local counts = batch.count(arrivals(sandbox))
    for number = 1, last do
      local id = batch.id(number)
      assert.equal(events.results[id].outcome == "rejected" and 0 or 1, counts[id] or 0)
    end
  end)
end)

describe("track, whatever goes wrong", function()
  helper.guard()
  local sandbox = helper.shared_sandbox { seed = 1, unique = true }
  local POOL = { "status=500", "status=502,taken=true", "code=7301", "delay=0.05", "drop=before", "drop=after",
    "trickle=2000", "status=504,taken=true", "status=408" }

  it("has each event processed once", function()
    local fault = require "postevent.sandbox.fault"
    for round = 1, #POOL do
      sandbox:reset()
      sandbox:heal()
      for i = 0, 2 do
        local what = POOL[(round * (i + 1) + i) % #POOL + 1]
        sandbox:fault(assert(fault.parse(("%s,share=0.1,times=4"):format(what))))
      end
      local events = batch.start(sandbox.url, { retry = QUICK })
      events:track(1, 60)
      assert.equal(60, events:finish().delivered)
      local counts = cjson.decode(helper.http_request({ url = sandbox.base .. "/sandbox/counts" }).body)
      assert.equal(60, counts.processed)
      assert.equal(counts.taken - 60, counts.duplicates)
    end
  end)
end)

describe("post, on a bad day", function()
  helper.guard()
  local sandbox = helper.shared_sandbox { seed = 1 }

  for name, expected in pairs {
    outage = "unavailable", ["rotated-password"] = "unauthorized", ["captive-portal"] = "bad_reply",
    poison = "unauthorized", ["rate-limit"] = "rate_limited",
  } do
    it("of " .. name .. ": says what happened", function()
      sandbox:play { name = name }
      local client = postevent.new { url = sandbox.url, attempts = 1, definitions = "spec/vectors/definitions.json" }
      helper.defer(function() client:close(0) end)
      local reply, _, code
      repeat
        reply, _, code = client:post(helper.documents.event)
      until not reply and code ~= "interrupted" -- which is a fifth of an outage; and ten in a second are good
      assert.equal(expected, code)
    end)
  end

  it("of lost-replies: says that the event may have arrived, and does not post it again", function()
    sandbox:play { name = "lost-replies" }
    local client = postevent.new { url = sandbox.url }
    helper.defer(function() client:close(0) end)
    local lost = 0
    for i = 1, 30 do
      local reply, _, code, detail = client:post { event_name = "e", external_event_id = batch.id(i) }
      if not reply then
        assert.same({ "interrupted", "maybe" }, { code, detail.sent })
        lost = lost + 1
      end
    end
    assert.is_true(lost > 0)
    assert.equal(30, #sandbox:events())
  end)
end)

describe("a scenario", function()
  helper.guard()
  local sandbox = helper.shared_sandbox()

  local function play(body)
    local reply = helper.http_request { url = sandbox.base .. "/sandbox/scenario", body = body }
    return reply.status, cjson.decode(reply.body)
  end

  it("takes the place of all faults, with what is said of it", function()
    sandbox:fault { stall = true }
    assert.equal(400, (play '{"name":"outage","event":"e"}'), "drop=before knows no event")
    local status, list = play '{"name":"outage","seconds":5,"webhook":"w"}'
    assert.equal(200, status)
    assert.same({ "drop=before,webhook=w,share=0.2,seconds=5", "status=503,webhook=w,seconds=5" },
      { list.faults[1].fault, list.faults[2].fault })
    assert.equal(2, #sandbox:faults().faults)
  end)

  it("that is wrong is told so, and changes nothing", function()
    sandbox:fault { stall = true }
    for body, expected in pairs {
      ['{"name":"outrage"}'] = "did you mean outage?", ["{}"] = "name: expected outage, slow, ",
      ['{"name":"slow","status":500}'] = "status: a scenario has its own",
      ['{"name":"slow","shar":0.5}'] = "shar: a scenario has its own",
      ['{"name":"slow","share":2}'] = "share: expected",
      ["[]"] = "expected a JSON object",
    } do
      local status, answer = play(body)
      assert.equal(400, status)
      assert.truthy(answer.message:find(expected, 1, true), answer.message)
    end
    assert.equal("stall", sandbox:faults().faults[1].fault)
    for text, expected in pairs {
      ["outrage"] = "--scenario: name: expected", ["slow,share=2"] = "--scenario: share: expected",
      ["slow,x"] = "--scenario: x: no key of a fault",
    } do
      local status, _, errors = command.run { "sandbox", "--scenario", text }
      assert.equal(2, status)
      assert.truthy(errors:find(expected, 1, true), errors)
    end
  end)

  it("is listed", function()
    local reply = helper.http_request { url = sandbox.base .. "/sandbox/scenario" }
    assert.same({ scenarios = scenarios.list() }, cjson.decode(reply.body))
    local _, help = command.run { "help", "sandbox" }
    for _, scenario in ipairs(scenarios.list()) do
      assert.truthy(help:find(scenario.name, 1, true), scenario.name)
    end
  end)

  it("may be on from the beginning", function()
    local other = helper.start_sandbox { scenario = "slow,share=0.5", faults = { "html,event=x" } }
    local list = other:faults().faults
    assert.same({ "html,event=x", "trickle=50,share=0.5", "delay=2,share=0.5" },
      { list[1].fault, list[2].fault, list[3].fault })
  end)

  it("has its row in the reference", function()
    local page = helper.read_file "docs/reference/scenarios.md"
    local count = 0
    for _ in page:gmatch "\n## `" do
      count = count + 1
    end
    assert.equal(#scenarios.list(), count)
    for _, scenario in ipairs(scenarios.list()) do
      local text = page:match("\n## `" .. scenario.name:gsub("%-", "%%-") .. "`\n(.-)\n\n")
      assert.truthy(text, scenario.name)
      for _, one in ipairs(scenario.faults) do
        assert.truthy(text:find("`" .. one .. "`", 1, true), scenario.name .. ": " .. one)
      end
    end
  end)
end)
