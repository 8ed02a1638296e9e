-- results and stats: what became of events, each told once, and the counters.
local documents = require "support.documents"
local helper = require "support.helper"
local rude = require "support.rude"
local tracking = require "support.tracking"

describe("client:results", function()
  helper.guard()
  local sandbox = helper.shared_sandbox()

  local new = tracking.maker(sandbox)

  local function track(client, count)
    for _ = 1, count do
      assert(client:track { event_name = "e" })
    end
    assert.is_true(client:flush(5))
  end

  local function tickets(client, max)
    local found = {}
    for result in client:results(max) do
      found[#found + 1] = result.ticket
    end
    return found
  end

  it("tells all about an event that was delivered", function()
    local client = new()
    local ticket = client:track(documents.new_event())
    local result = tracking.results(client, 1)[1]
    assert.equal(ticket, result.ticket)
    assert.equal("RAND121", result.event_id)
    assert.equal("be_reserved", result.event_name)
    assert.equal("delivered", result.outcome)
    assert.is_nil(result.code)
    assert.is_nil(result.message)
    assert.equal(200, result.http_status)
    assert.equal(1, result.attempts)
    assert.is_true(result.latency > 0 and result.latency < 5)
    assert.equal(1100, result.reply.status.code)
    assert.equal("Event is pushed to transformation state", result.reply.status.message)
    assert.equal(36, #result.reply.requestId)
  end)

  it("tells why an event was rejected", function()
    local server = rude.start("answer", {
      reply = { status = 400, body = '{"status":{"code":7308,"message":"Invalid customer ID passed."}}' },
    })
    local client = new { url = server.url }
    assert(client:track(documents.new_event()))
    local result = tracking.results(client, 1)[1]
    assert.equal("rejected", result.outcome)
    assert.equal("rejected", result.code)
    assert.equal("the platform refused this event (HTTP 400, 7308: Invalid customer ID passed.)", result.message)
    assert.equal(400, result.http_status)
    assert.equal(7308, result.reply.status.code)
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ rejected = 1 }, stats.rejected_by)
    assert.same("rejected", stats.last_error.code)
    assert.is_true(math.abs(stats.last_error.at - os.time()) < 60)
    assert.is_nil(stats.last_error.message:find("Invalid customer", 1, true)) -- it may quote the event
  end)

  it("tells that an event grew too old", function()
    local client = new { url = ("http://127.0.0.1:%d/"):format(helper.free_port()), retry = { max_age = 0.1 } }
    assert(client:track(documents.new_event()))
    local result = tracking.results(client, 1)[1]
    assert.equal("expired", result.outcome)
    assert.is_true(result.latency >= 0.1, result.latency)
    assert.is_nil(result.http_status)
    assert.is_nil(result.reply)
    assert.truthy(result.message:find("retry.max_age", 1, true))
    assert.equal(1, tracking.assert_balanced(client:stats()).expired)
  end)

  it("tells that an event may have arrived, where it is not to be sent again", function()
    local server = rude.start("close", { times = 1 })
    local client = new { url = server.url, retry = { ambiguous = false } }
    assert(client:track(documents.new_event()))
    local result = tracking.results(client, 1)[1]
    assert.equal("unknown", result.outcome)
    assert.equal("interrupted", result.code)
    assert.equal(1, result.attempts)
    assert.is_string(result.message)
    assert.same({ interrupted = 1 }, tracking.assert_balanced(client:stats()).unknown_by)
    assert.equal(1, server:requests())
  end)

  it("counts the attempts of an event that was sent again, by itself, with the same id and time", function()
    local server = rude.start("close", { times = 2 })
    local client = new { url = server.url, id_attribute = "id", retry = { initial = 0.01 } }
    assert(client:track { event_name = "e" })
    local result = tracking.results(client, 1)[1]
    assert.equal("delivered", result.outcome)
    assert.equal(3, result.attempts)
    local requests = server:events("request", 3)
    assert.equal(requests[1].body, requests[2].body)
    assert.equal(requests[1].body, requests[3].body)
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 3, 2, 3 * #requests[1].body }, { stats.attempts, stats.retries, stats.bytes })
  end)

  it("tells each outcome once", function()
    local client = new()
    track(client, 50)
    local seen = {}
    for _, ticket in ipairs(tickets(client)) do
      assert.is_nil(seen[ticket])
      seen[ticket] = true
    end
    assert.equal(50, #seen)
    assert.same({}, tickets(client))
    track(client, 1)
    assert.same({ 51 }, tickets(client))
  end)

  it("tells as many as it is asked for", function()
    local client = new { max_in_flight = 1 }
    track(client, 10)
    assert.equal(10, client:stats().results_unread)
    assert.same({ 1, 2, 3 }, tickets(client, 3))
    assert.same({}, tickets(client, 0))
    assert.same({ 4 }, tickets(client, 1.9))
    assert.same({ 5, 6, 7, 8, 9, 10 }, tickets(client, 1 / 0))
    assert.equal(0, client:stats().results_unread)
  end)

  it("keeps the rest for the next loop when one breaks off", function()
    local client = new { max_in_flight = 1 }
    track(client, 4)
    for result in client:results() do
      if result.ticket == 2 then
        break
      end
    end
    assert.same({ 3, 4 }, tickets(client))
    track(client, 1)
    for _ in client:results() do
      assert.same({}, tickets(client)) -- a loop inside a loop shares what there is
    end
  end)

  it("raises on an argument that makes no sense", function()
    local client = new()
    for _, max in ipairs { -1, "x", {}, 0 / 0 } do
      assert.is_false((pcall(client.results, client, max)))
    end
    assert.is_false((pcall(client.results)))
    assert.is_false((pcall((client:results()))))
  end)

  it("can be left out: with results = 0 nothing is kept and nothing lost", function()
    local client = new { results = 0 }
    track(client, 5)
    assert.same({}, tickets(client))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 5, 0, 0 }, { stats.delivered, stats.results_lost, stats.results_unread })
  end)

  it("lets the oldest go when nobody reads, counts them, and delivers all the same", function()
    local client = new { results = 3, max_in_flight = 1 }
    track(client, 10)
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 10, 7, 3 }, { stats.delivered, stats.results_lost, stats.results_unread })
    assert.same({ 8, 9, 10 }, tickets(client))
  end)

  it("has the event's own id and name, whatever is in them", function()
    local client = new { id_attribute = "id" }
    local ids = { 'a"b\\c', "Zoë – 日本 😀", "\t\n\1\127", "/", "a\0b", ("x"):rep(5000) }
    for i, id in ipairs(ids) do
      assert(client:track { event_name = 'n"\\é' .. i, id = id })
    end
    assert(client:track { event_name = "number", id = 7 })
    local by_name = {}
    for _, result in ipairs(tracking.results(client, #ids + 1)) do
      by_name[result.event_name] = result
    end
    for i, id in ipairs(ids) do
      assert.equal(id, by_name['n"\\é' .. i].event_id)
    end
    assert.equal("7", by_name.number.event_id)
    assert.is_nil((function()
      local plain = new()
      plain:track { event_name = "e" }
      return tracking.results(plain, 1)[1].event_id
    end)())
  end)

  it("makes no garbage when there is nothing to read", function()
    local client = new { log = print }
    track(client, 1)
    assert.same({ 1 }, tickets(client))
    local function frames(count)
      for _ = 1, count do
        for _ in client:results() do
          error "there was something"
        end
      end
    end
    frames(1000)
    collectgarbage()
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    frames(10000)
    local after = collectgarbage "count"
    collectgarbage "restart"
    assert.is_true(after - before < 4, ("%.1f KiB"):format(after - before)) -- a traced loop of LuaJIT's is all
  end)
end)

describe("client:stats", function()
  helper.guard()

  it("begins with nothing", function()
    local client = tracking.new { url = "http://127.0.0.1:1/" }
    local stats = tracking.assert_balanced(client:stats())
    assert.equal("idle", stats.state)
    assert.is_nil(stats.last_error)
    for name, value in pairs(stats) do
      assert.is_true(type(value) == "table" or value == 0 or name == "state", name)
    end
    assert.same({ ["1xx"] = 0, ["2xx"] = 0, ["3xx"] = 0, ["4xx"] = 0, ["5xx"] = 0 }, stats.replies)
    assert.same({ count = 0, sum = 0, p50 = 0, p90 = 0, p99 = 0, max = 0 }, stats.latency)
  end)

  it("tells queued, in flight and waiting apart", function()
    local server = rude.start "never_answer"
    local client = tracking.new { url = server.url, max_in_flight = 2 }
    for _ = 1, 5 do
      assert(client:track { event_name = "e" })
    end
    local stats = tracking.wait_for(client, { in_flight = 2, queued = 3, waiting = 0, pending = 5 })
    assert.equal("sending", stats.state)
    server:events("request", 2)
    assert.equal(2, server:requests())
    client = tracking.new { url = ("http://127.0.0.1:%d/"):format(helper.free_port()), retry = { initial = 30 } }
    assert(client:track { event_name = "e" })
    stats = tracking.wait_for(client, { waiting = 1, queued = 0, in_flight = 0 })
    assert.equal("unreachable", stats.last_error.code)
  end)

  it("counts replies by their class, and how long events took", function()
    local server = rude.start("sequence", {
      replies = { { status = 500, body = "{}" }, { status = 200 }, { status = 422, body = "{}" }, { status = 201 } },
    })
    local client = tracking.new { url = server.url, max_in_flight = 1, retry = { initial = 0.01 } }
    for _ = 1, 3 do
      assert(client:track { event_name = "e" })
    end
    assert.is_true(client:flush(5))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ ["1xx"] = 0, ["2xx"] = 2, ["3xx"] = 0, ["4xx"] = 1, ["5xx"] = 1 }, stats.replies)
    local latency = stats.latency
    assert.equal(2, latency.count)
    assert.is_true(latency.p50 > 0 and latency.p50 <= latency.p90 and latency.p90 <= latency.p99)
    assert.is_true(latency.p99 <= latency.max and latency.max <= latency.sum and latency.sum < 10)
  end)
end)
