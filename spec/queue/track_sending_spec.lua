-- How tracked events are sent: how many at once, in which order, how fast; with which credentials; what the log is
-- told.
local documents = require "support.documents"
local helper = require "support.helper"
local rude = require "support.rude"
local tracking = require "support.tracking"

local BUSY = { status = 503, body = "{}" }

-- The numbers of the events in the order in which the server got them.
local function arrivals(server, count)
  local numbers = {}
  for i, request in ipairs(server:events("request", count)) do
    numbers[i] = tonumber(request.body:match '"number":(%d+)')
  end
  return numbers
end

local function track(client, count)
  for i = 1, count do
    assert(client:track { event_name = "e", number = i })
  end
end

describe("tracked events", function()
  helper.guard()

  it("are sent max_in_flight at a time", function()
    local server = rude.start "never_answer"
    local client = tracking.new { url = server.url, max_in_flight = 3 }
    track(client, 10)
    tracking.wait_for(client, { in_flight = 3, queued = 7 })
    server:events("request", 3)
    assert.equal(3, server:requests())
    assert.equal(3, server:connections())
  end)

  it("keep their order with max_in_flight = 1, through retries too", function()
    local server = rude.start("sequence", { replies = { BUSY, {}, {}, BUSY, BUSY, {} } })
    local client = tracking.new { url = server.url, max_in_flight = 1, retry = { initial = 0.01 } }
    track(client, 6)
    assert.is_true(client:flush(5))
    assert.same({ 1, 1, 2, 3, 3, 3, 4, 5, 6 }, arrivals(server, 9))
    assert.equal(1, server:connections())
    for i, result in ipairs(tracking.results(client, 6)) do
      assert.equal(i, result.ticket)
    end
  end)

  it("go past one that fails, where the order does not matter", function()
    local server = rude.start("reset", { times = 1 })
    local client = tracking.new { url = server.url, max_in_flight = 2, retry = { initial = 30 } }
    track(client, 20)
    tracking.wait_for(client, { delivered = 19, waiting = 1 })
  end)

  -- How long it takes to deliver so many events under that limit.
  local function time_for(count, limit)
    local sandbox = helper.start_sandbox()
    local client = tracking.new { url = sandbox.url, rate_limit = limit }
    return (tracking.timed(function()
      track(client, count)
      assert.is_true(client:flush(10))
    end))
  end

  it("are sent no faster than the rate limit says", function()
    local elapsed = time_for(11, { per_second = 50, burst = 1 })
    assert.is_true(elapsed >= 10 / 50 - 0.01 and elapsed < 5, elapsed)
  end)

  it("go out at once after a silence, up to the burst", function()
    local elapsed = time_for(5, { per_second = 1, burst = 5 })
    assert.is_true(elapsed < 3, elapsed)
  end)

  it("burst up to what there may be in a second, unless that is said", function()
    local elapsed = time_for(40, { per_second = 30 })
    assert.is_true(elapsed >= (40 - 30) / 30 - 0.01 and elapsed < 5, elapsed)
  end)

  it("have a time-out for each attempt", function()
    local server = rude.start("never_answer", { times = 1 })
    local client = tracking.new { url = server.url, timeout = 0.3, retry = { initial = 0.01 } }
    local elapsed = tracking.timed(function()
      track(client, 1)
      assert.is_true(client:flush(5))
    end)
    assert.is_true(elapsed >= 0.3 and elapsed < 4, elapsed)
    local result = tracking.results(client, 1)[1]
    assert.same({ "delivered", 2 }, { result.outcome, result.attempts })
  end)

  it("are sent by one thread, which the first event starts, or start()", function()
    local sandbox = helper.start_sandbox()
    local threads, fds = helper.process.thread_count(), helper.process.fd_count()
    local client = tracking.new { url = sandbox.url }
    assert(client:post { event_name = "e" })
    assert.equal(threads, helper.process.thread_count())
    assert.is_true(client:start())
    assert.equal(threads + 1, helper.process.thread_count())
    assert.is_true(client:start())
    track(client, 10)
    assert.equal(threads + 1, helper.process.thread_count())
    assert.is_true(client:flush(5) and client:close())
    helper.wait_until(function()
      return helper.process.thread_count() == threads and helper.process.fd_count() == fds
    end)
    local started, _, code = client:start()
    assert.is_nil(started)
    assert.equal("closed", code)
  end)
end)

describe("a hold", function()
  helper.guard()

  local function new(options)
    local sandbox = helper.start_sandbox { authorization = documents.authorization }
    local lines = {}
    options.url = sandbox.url
    options.log = function(level, message)
      lines[#lines + 1] = level .. ": " .. message
    end
    return tracking.new(options), lines, sandbox
  end

  it("keeps events until the credentials are right, and then delivers them all", function()
    local client, lines, sandbox = new { user = "somebody", password = "hunter2" }
    track(client, 20)
    local stats = tracking.wait_for(client, { state = "held", in_flight = 0, pending = 20 })
    assert.equal("unauthorized", stats.last_error.code)
    assert.equal("the credentials were not accepted (HTTP 401)", stats.last_error.message)
    assert.same({ "warn: delivery is held, 20 pending: the credentials were not accepted (HTTP 401)" }, lines)
    assert.is_true(client:set_authorization(documents.authorization))
    local elapsed = tracking.timed(function()
      assert.is_true(client:flush(5))
    end)
    assert.is_true(elapsed < 3, elapsed)
    tracking.wait_for(client, { state = "idle", delivered = 20 })
    helper.wait_until(function()
      client:stats()
      return lines[2] -- a second after the first
    end)
    assert.equal("info: delivery goes on, 0 pending", lines[2])
    assert.equal(20, #sandbox:events())
    assert.is_nil(table.concat(lines, "\n"):find("hunter2", 1, true))
  end)

  it("has no say in the age of events", function()
    local client = new { retry = { max_age = 1 } } -- until it is held it grows older: a busy machine takes its time
    track(client, 2)
    tracking.wait_for(client, { state = "held", in_flight = 0, pending = 2 })
    assert.same({ 2 }, { select(4, client:flush(1.2)).remaining })
    assert.is_true(client:set_authorization(documents.authorization))
    assert.is_true(client:flush(5))
    assert.equal(2, tracking.assert_balanced(client:stats()).delivered)
  end)
end)

describe("the log", function()
  helper.guard()

  it("is told of events that came to no good, on the thread that calls", function()
    local server = rude.start("answer", { reply = { status = 422, body = "{}" } })
    local lines, threads = {}, {}
    local client = tracking.new { url = server.url, log = function(level, message)
      lines[#lines + 1] = level .. ": " .. message
      threads[#threads + 1] = coroutine.running() or "main"
    end }
    track(client, 3)
    tracking.wait_for(client, { rejected = 3 })
    local total = 0
    helper.wait_until(function() -- the lines are a second apart
      for _ in client:results() do end -- luacheck: ignore
      total = 0
      for _, line in ipairs(lines) do
        total = total + tonumber(line:match "^warn: not delivered since the last line of the kind: (%d+);")
      end
      return total == 3
    end)
    assert.truthy(lines[#lines]:find("in all 3 rejected, 0 expired, 0 dropped, 0 unknown", 1, true), lines[#lines])
    assert.truthy(lines[#lines]:find("the platform refused this event (HTTP 422)", 1, true), lines[#lines])
  end)

  it("is told of events that there is no room for, in a line a second", function()
    local lines = {}
    local function log(level, message)
      lines[#lines + 1] = level .. ": " .. message
    end
    local client = tracking.new { url = "http://127.0.0.1:1/", queue = { max_events = 1 }, log = log }
    local refused, begin = 0, helper.process.now()
    repeat
      local _, _, code = client:track { event_name = "e" }
      refused = refused + (code == "queue_full" and 1 or 0)
    until helper.process.now() - begin > 1.2
    local told, count = 0, 0
    for _, line in ipairs(lines) do
      local more = line:match "^warn: an event was refused: the queue is full(.*)$"
      if more then
        count = count + 1
        told = told + 1 + (tonumber(more:match "^ %(and (%d+) more of the kind%)$") or 0)
      end
    end
    assert.equal(2, count, table.concat(lines, "\n"))
    assert.is_true(refused > 100)
    assert.is_true(told <= refused)
    assert.equal(refused, client:stats().refused.queue_full)
    client:close(0)
  end)

  it("may raise without harm", function()
    local server = rude.start("answer", { reply = { status = 422, body = "{}" } })
    local count = 0
    local client = tracking.new { url = server.url, log = function()
      count = count + 1
      error "no room in the log"
    end }
    track(client, 3)
    tracking.wait_for(client, { rejected = 3 })
    assert.is_true(count > 0)
  end)
end)
