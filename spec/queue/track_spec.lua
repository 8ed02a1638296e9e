-- track hands an event over: what it returns, what it refuses, and that every call is counted once.
local documents = require "support.documents"
local helper = require "support.helper"
local rude = require "support.rude"
local tracking = require "support.tracking"

local DEFINITIONS = "spec/vectors/definitions.json"

describe("client:track", function()
  helper.guard()
  local sandbox = helper.shared_sandbox()

  local new = tracking.maker(sandbox)

  it("returns a ticket at once, and the event arrives as post sends it", function()
    local client = new { authorization = documents.authorization }
    local ticket, message, code, detail = client:track(documents.new_event())
    assert.equal(1, ticket)
    assert.same({}, { message, code, detail })
    assert.is_true(client:flush(5))
    assert.same(documents.event, sandbox:events()[1].event)
  end)

  it("gives every event of a client a ticket of its own, one after the other", function()
    local client, other = new(), new()
    for i = 1, 100 do
      assert.equal(i, client:track { event_name = "e" })
    end
    assert.equal(1, other:track { event_name = "e" })
    assert.is_nil((client:track { event_name = "" }))
    assert.equal(101, client:track { event_name = "e" })
    assert.is_true(client:flush(5) and other:flush(5))
    assert.equal(102, #sandbox:events())
  end)

  it("sends the table as it was at the call, and does not change it", function()
    local client = new { id_attribute = "id", common = { shop = "st-7" } }
    local event = { event_name = "e", list = { 1 } }
    assert(client:track(event))
    assert.same({ event_name = "e", list = { 1 } }, event)
    event.event_name, event.list[1] = "changed", "changed"
    assert.is_true(client:flush(5))
    local arrived = sandbox:events()[1].event
    assert.equal("e", arrived.event_name)
    assert.same({ 1 }, arrived.list)
    assert.equal("st-7", arrived.shop)
    assert.equal(36, #arrived.id)
    assert.truthy(arrived.eventDateTime:find "^%d+%-%d+%-%d+ %d+:%d+:%d+$")
  end)

  it("refuses what cannot be sent, as post does, and counts it", function()
    local client = new { max_event_bytes = 200 }
    local ticket, message, code, detail = client:track { event_name = "e", age = 0 / 0 }
    assert.is_nil(ticket)
    assert.equal("age: expected a finite number", message)
    assert.equal("invalid_event", code)
    assert.is_false(detail.sent)
    assert.same({ { attribute = "age", rule = "not_finite", message = message } }, detail.problems)
    assert.equal("too_large", select(3, client:track { event_name = "e", text = ("x"):rep(200) }))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ invalid_event = 1, too_large = 1 }, stats.refused)
    assert.equal(0, stats.accepted)
    assert.equal(2, stats.calls)
  end)

  it("checks events against their definitions", function()
    local client = new { definitions = DEFINITIONS }
    local event = documents.new_event()
    assert(client:track(event))
    event.hotel_name = nil
    local _, message, code = client:track(event)
    assert.equal("hotel_name: missing", message)
    assert.equal("invalid_event", code)
    client:close()
    assert.same({ invalid_event = 1 }, client:stats().refused)
  end)

  it("counts what before_send keeps back as filtered", function()
    local client = new { before_send = function(event)
      return event.event_name ~= "secret" and event or nil
    end }
    local ticket, _, code, detail = client:track { event_name = "secret" }
    assert.is_nil(ticket)
    assert.equal("filtered", code)
    assert.is_false(detail.sent)
    assert.equal(1, client:track { event_name = "open" })
    assert.is_true(client:flush(5))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 2, 1, 1 }, { stats.calls, stats.filtered, stats.delivered })
    assert.same({}, stats.refused)
  end)

  it("passes an error of before_send on, and goes on", function()
    local client = new { before_send = function(event)
      return event.event_name ~= "bad" and event or error("oh no", 0)
    end }
    assert.same({ false, "oh no" }, { pcall(client.track, client, { event_name = "bad" }) })
    assert.equal(0, client:stats().calls)
    assert(client:track { event_name = "good" })
    assert.is_true(client:flush(5))
  end)

  it("raises on what is no event", function()
    local client = new()
    for _, value in ipairs { "x", 5, true, print } do
      local ok, message = pcall(client.track, client, value)
      assert.is_false(ok)
      assert.truthy(message:find("track: event: expected a table of attributes, got ", 1, true), message)
    end
    assert.is_false((pcall(client.track, client)))
    assert.is_false((pcall(client.track, {}, { event_name = "e" })))
    assert.is_false((pcall(client.track)))
    assert.equal(0, client:stats().calls)
  end)

  it("refuses an event when the queue is full, and takes the next when there is room", function()
    local server = rude.start("answer_late", { delay = 0.2 })
    local client = new { url = server.url, queue = { max_events = 2 } }
    assert(client:track { event_name = "e" } and client:track { event_name = "e" })
    local ticket, message, code, detail = client:track { event_name = "e" }
    assert.is_nil(ticket)
    assert.equal("the queue is full", message)
    assert.equal("queue_full", code)
    assert.is_false(detail.sent)
    assert.same({ queue_full = 1 }, tracking.assert_balanced(client:stats()).refused)
    assert.is_true(client:flush(5))
    assert.equal(3, client:track { event_name = "e" })
    assert.is_true(client:flush(5))
    assert.equal(3, server:requests())
  end)

  it("bounds the queue by its bytes too", function()
    local server = rude.start "never_answer"
    local client = new { url = server.url, max_event_bytes = 1024, queue = { max_bytes = 2200 }, stamp = false }
    local event = { event_name = "e", text = ("x"):rep(900) }
    assert(client:track(event))
    local bytes = client:stats().pending_bytes
    assert.is_true(bytes > 900 and bytes < 1100, bytes)
    assert(client:track(event))
    assert.equal("queue_full", select(3, client:track(event)))
    assert.equal(2 * bytes, client:stats().pending_bytes)
    assert(client:track { event_name = "e" })
  end)

  it("drops the oldest that is not in flight when it is told to", function()
    local server = rude.start "never_answer"
    local client = new { url = server.url, max_in_flight = 1, queue = { max_events = 3, overflow = "drop_oldest" } }
    assert(client:track { event_name = "in_flight", external_event_id = "1" })
    tracking.wait_for(client, { in_flight = 1 })
    for i = 2, 5 do
      assert.equal(i, client:track { event_name = "later", external_event_id = tostring(i) })
    end
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 3, 2, 0 }, { stats.pending, stats.dropped, stats.calls - stats.accepted })
    assert.same({ queue_full = 2 }, stats.dropped_by)
    local dropped = tracking.results(client, 2)
    for i, result in ipairs(dropped) do
      assert.equal(i + 1, result.ticket)
      assert.equal(tostring(i + 1), result.event_id)
      assert.equal("dropped", result.outcome)
      assert.equal("queue_full", result.code)
      assert.equal(0, result.attempts)
      assert.truthy(result.message:find("dropped", 1, true))
    end
  end)

  it("refuses rather than drop what is in flight", function()
    local server = rude.start "never_answer"
    local client = new { url = server.url, queue = { max_events = 1, overflow = "drop_oldest" } }
    assert(client:track { event_name = "in_flight" })
    tracking.wait_for(client, { in_flight = 1 })
    assert.equal("queue_full", select(3, client:track { event_name = "later" }))
    assert.equal(0, client:stats().dropped)
  end)

  it("waits for room when it is told to, and no longer than that", function()
    local server = rude.start("answer_late", { delay = 0.2 })
    local client = new { url = server.url, queue = { max_events = 1, overflow = "wait", wait = 5 } }
    assert(client:track { event_name = "e" })
    local elapsed, ticket = tracking.timed(client.track, client, { event_name = "e" })
    assert.equal(2, ticket)
    assert.is_true(elapsed > 0.1 and elapsed < 4, elapsed)

    local silent = rude.start "never_answer"
    client = new { url = silent.url, queue = { max_events = 1, overflow = "wait", wait = 0.2 } }
    assert(client:track { event_name = "e" })
    local code, _
    elapsed, ticket, _, code = tracking.timed(client.track, client, { event_name = "e" })
    assert.is_nil(ticket)
    assert.equal("queue_full", code)
    assert.is_true(elapsed >= 0.2 and elapsed < 4, elapsed)
  end)

  it("keeps events for recorded() in mode record: delivered at once, without a thread", function()
    local threads = helper.process.thread_count()
    local client = new { mode = "record", id_attribute = "id" }
    assert.equal(1, client:track { event_name = "e", id = "a" })
    assert.equal(2, client:track { event_name = "e", id = "b" })
    assert.equal("invalid_event", select(3, client:track {}))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 3, 2, 2, 0 }, { stats.calls, stats.accepted, stats.delivered, stats.attempts })
    local recorded = client:recorded()
    assert.same({ "a", "b" }, { recorded[1].id, recorded[2].id })
    assert.is_string(recorded[1].eventDateTime)
    for i, result in ipairs(tracking.results(client, 2)) do
      assert.same({ i, "delivered", 0, 1100 }, { result.ticket, result.outcome, result.attempts,
        result.reply.status.code })
    end
    assert.is_true(client:start() and client:flush(0) and client:close())
    assert.equal(threads, helper.process.thread_count())
    assert.equal("closed", select(3, client:track { event_name = "e" }))
  end)

  it("does nothing in mode off but count", function()
    local client = new { mode = "off" }
    assert.equal(0, client:track { event_name = "e" })
    assert.equal(0, client:track { "not", even = print, valid = 0 / 0 })
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 2, 2, 0 }, { stats.calls, stats.filtered, stats.accepted })
    assert.is_nil(client:results()(client))
    assert.is_true(client:flush(0) and client:close())
    assert.same({ 0, 0 }, { #sandbox:events(), client:stats().pending })
    assert.equal("closed", select(3, client:track { event_name = "e" }))
  end)

  it("can be called from before_send and from log", function()
    local client
    client = new {
      validation = "warn", definitions = { outer = { who = "customer" }, inner = { who = "customer" } },
      before_send = function(event)
        if event.event_name == "outer" then
          assert(client:track { event_name = "inner", who = "before_send" })
        end
        return event
      end,
      log = function()
        assert(client:track { event_name = "inner", who = "log" })
      end,
    }
    assert(client:track { event_name = "outer" })
    assert.is_true(client:flush(5))
    local seen = {}
    for _, record in ipairs(sandbox:events()) do
      seen[record.event.event_name .. " " .. tostring(record.event.who)] = true
    end
    assert.same({ ["outer nil"] = true, ["inner before_send"] = true, ["inner log"] = true }, seen)
    assert.equal(3, tracking.assert_balanced(client:stats()).delivered)
  end)

  it("counts what was tracked and not what was posted", function()
    local client = new()
    assert(client:track { event_name = "e" } and client:post { event_name = "e" } and client:flush(5))
    assert(not client:post {})
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 1, 1, 1 }, { stats.calls, stats.delivered, stats.attempts })
    assert.equal(2, #sandbox:events())
  end)
end)
