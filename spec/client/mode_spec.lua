-- client:set_mode: consent is given or withdrawn, and what is pending is kept, sent or thrown away.
local children = require "support.children"
local helper = require "support.helper"
local rude = require "support.rude"
local tracking = require "support.tracking"

describe("client:set_mode", function()
  helper.guard()
  local sandbox = helper.shared_sandbox()
  local new = tracking.maker(sandbox)
  local balanced = tracking.assert_balanced

  -- A client with `count` events that wait for a second try: nobody listens there.
  local function pending_client(count)
    local client = new { url = "http://127.0.0.1:1/x", retry = { initial = 3600, max = 3600 } }
    for i = 1, count do
      assert.equal(i, client:track { event_name = "e" .. i })
    end
    tracking.wait_for(client, { waiting = count })
    return client
  end

  it("begins with consent: off, then live", function()
    local client = new { url = sandbox.url, mode = "off" }
    assert.equal(0, client:track { event_name = "before" })
    assert.is_true(client:set_mode "live")
    assert.equal(1, client:track { event_name = "after" })
    assert(client:post { event_name = "posted" })
    assert.is_true(client:flush(5))
    local stats = balanced(client:stats())
    assert.same({ 2, 1, 1 }, { stats.calls, stats.filtered, stats.delivered })
    assert.equal(2, #sandbox:events())
    assert.truthy(tostring(client):find("(live, ", 1, true))
  end)

  it("keeps what is pending unless told otherwise, and sends it when it is live again", function()
    local client = new { url = sandbox.url, rate_limit = { per_second = 0.001, burst = 1 } }
    client:track { event_name = "first" }
    client:track { event_name = "second" }
    tracking.wait_for(client, { delivered = 1, pending = 1 })
    assert.is_true(client:set_mode "off")
    assert.equal(0, client:track { event_name = "third" })
    local seconds, done, _, code, detail = tracking.timed(client.flush, client, 60)
    assert.same({ nil, "timeout", 1 }, { done, code, detail.remaining })
    assert.is_true(seconds < 10) -- nothing can end: there is nothing to wait for
    local stats = balanced(client:stats())
    assert.same({ "idle", 1, 1 }, { stats.state, stats.pending, stats.filtered })
    _, _, code, detail = client:close(60)
    assert.same({ "timeout", 1 }, { code, detail.remaining })
    assert.equal(1, balanced(client:stats()).pending)
  end)

  it("goes on where it was", function()
    local client = pending_client(3)
    assert.is_true(client:set_mode("off", "keep"))
    assert.is_true(client:set_mode("off", "keep"))
    balanced(client:stats())
    assert.is_true(client:set_mode "live")
    assert.equal(4, client:track { event_name = "e4" })
    assert.equal(4, tracking.wait_for(client, { waiting = 4 }).pending)
  end)

  it("throws away what is pending, one result for each ticket", function()
    local client = pending_client(3)
    assert.is_true(client:set_mode("off", "drop"))
    local results = tracking.results(client, 3)
    for i, result in ipairs(results) do
      assert.same({ i, "dropped", "withdrawn" }, { result.ticket, result.outcome, result.code })
      assert.is_string(result.message)
    end
    local stats = balanced(client:stats())
    assert.same({ 3, 0, { withdrawn = 3 } }, { stats.dropped, stats.pending, stats.dropped_by })
    assert.is_true(client:close(5))
  end)

  it("lets what is in flight end as it ends, and tries it no more", function()
    for behaviour, wanted in pairs { answer_late = { delivered = 1 }, never_answer = { dropped = 1 } } do
      local server = rude.start(behaviour, { delay = 0.3 })
      local client = new { url = server.url, timeout = 0.6, max_in_flight = 1, retry = { initial = 3600, max = 3600 } }
      client:track { event_name = "in flight" }
      client:track { event_name = "behind it" }
      tracking.wait_for(client, { in_flight = 1 })
      client:set_mode("off", "drop")
      assert.is_true(client:flush(10))
      local stats = balanced(client:stats())
      assert.same({ wanted.delivered or 0, 1 + (wanted.dropped or 0) }, { stats.delivered, stats.dropped })
      assert.equal(0, stats.pending)
      local results = tracking.results(client, 2)
      assert.same({ "withdrawn", wanted.dropped and "withdrawn" or nil }, { results[1].code, results[2].code })
    end
  end)

  it("throws away what was kept, too", function()
    local client = pending_client(2)
    client:set_mode "record"
    assert.equal(3, client:track { event_name = "recorded" })
    client:set_mode("off", "drop")
    local stats = balanced(client:stats())
    assert.same({ 1, 2, 0 }, { stats.delivered, stats.dropped, stats.pending })
    assert.equal("recorded", client:recorded()[1].event_name)
  end)

  it("still delivers what is pending, where told so", function()
    local client = new { url = sandbox.url, max_in_flight = 1 }
    for i = 1, 50 do
      client:track { event_name = "e" .. i }
    end
    client:set_mode("off", "send")
    assert.equal(0, client:track { event_name = "late" })
    assert.is_true(client:flush(10))
    assert.equal(50, balanced(client:stats()).delivered)
    assert.equal(50, #sandbox:events())
  end)

  it("wakes a sender that sends in order", function()
    local client = new { url = sandbox.url, max_in_flight = 1, rate_limit = { per_second = 20, burst = 1 } }
    for i = 1, 5 do
      client:track { event_name = "e" .. i }
    end
    client:set_mode "off"
    assert.is_nil((client:flush(5)))
    assert.is_true(client:stats().pending >= 3)
    client:set_mode "live"
    assert.is_true(client:flush(10))
    assert.equal(5, balanced(client:stats()).delivered)
  end)

  it("keeps and goes on with recorded events, and copies those to come", function()
    local client = new { url = sandbox.url, common = { shop = "a" } }
    assert.is_false((pcall(client.recorded, client)))
    client:set_mode "record"
    local event = { event_name = "e" }
    client:track(event)
    assert(client:post(event))
    event.event_name = "changed"
    client:set_mode "live"
    client:track { event_name = "sent" }
    assert.is_true(client:flush(5))
    local recorded = client:recorded()
    assert.same({ 2, "e", "a" }, { #recorded, recorded[1].event_name, recorded[1].shop })
    assert.equal(1, #sandbox:events())
  end)

  it("is called by before_send: the event at hand is filtered", function()
    local client
    client = new { url = sandbox.url, before_send = function(event)
      client:set_mode("off", "drop")
      return event
    end }
    local _, message, code = client:track { event_name = "e" }
    assert.same({ "filtered", "before_send returned nil, or the mode changed meanwhile" }, { code, message })
    client:set_mode "live"
    assert.equal("filtered", select(3, client:post { event_name = "e" }))
    assert.equal(1, balanced(client:stats()).filtered)
    assert.equal(0, #sandbox:events())
  end)

  it("is the child's of a fork, too", function()
    local status, _, errors = children.run_lua({ code = [[
      local forking = require "support.forking"
      local client = require("postevent").new { url = arg[1] }
      client:set_mode "off"
      forking.join(forking.fork(function()
        assert(client:track { event_name = "child" } == 0)
        assert(client:set_mode "live")
        assert(client:track { event_name = "child" } == 1)
        assert(client:flush(5))
      end))
      assert(client:track { event_name = "parent" } == 0)
    ]] }, { sandbox.url })
    assert.equal(0, status, errors)
    assert.equal(1, #sandbox:events())
  end)

  it("raises on a mistake, with the argument named, and nothing has changed", function()
    local client = new { mode = "record" }
    local function message_of(...)
      local ok, message = pcall(client.set_mode, client, ...)
      assert.is_false(ok)
      return message
    end
    assert.truthy(message_of("on"):find('set_mode: mode: expected "live", "record", "off", got ', 1, true))
    assert.truthy(message_of():find("set_mode: mode: ", 1, true))
    assert.truthy(message_of("off", "throw"):find('set_mode: pending: expected "keep", "send", "drop"', 1, true))
    assert.truthy(message_of("off", false):find("set_mode: pending: ", 1, true))
    assert.truthy(message_of("live"):find("needs a client that was made with a url", 1, true))
    assert.truthy(tostring(client):find("(record, ", 1, true))
    assert.equal(1, client:track { event_name = "e" })
    client:close()
    assert.equal("closed", select(3, client:set_mode "off"))
    assert.truthy(tostring(client):find("(record, ", 1, true))
    assert.is_false((pcall(client.set_mode, {}, "off")))
  end)
end)
