-- How it ends: flush, close, a client that is collected, a program that is over.
local helper = require "support.helper"
local rude = require "support.rude"
local tracking = require "support.tracking"

local function track(client, count)
  for _ = 1, count do
    assert(client:track { event_name = "e" })
  end
end

local function tickets(client)
  local found = {}
  for result in client:results() do
    found[#found + 1] = result.ticket
  end
  return found
end

describe("flush", function()
  helper.guard()

  it("returns at once when there is nothing to wait for", function()
    local client = tracking.new { url = "http://127.0.0.1:1/" }
    assert.is_true(client:flush())
    assert.is_true(client:flush(0))
  end)

  it("waits until everything has its outcome", function()
    local server = rude.start("answer_late", { delay = 0.2 })
    local client = tracking.new { url = server.url }
    track(client, 5)
    local elapsed, done = tracking.timed(client.flush, client)
    assert.is_true(done)
    assert.is_true(elapsed >= 0.15 and elapsed < 4, elapsed)
    assert.equal(5, tracking.assert_balanced(client:stats()).delivered)
  end)

  it("waits no longer than it is told to, and the events stay", function()
    local server = rude.start "never_answer"
    local client = tracking.new { url = server.url }
    track(client, 3)
    local elapsed, done, message, code, detail = tracking.timed(client.flush, client, 0.2)
    assert.is_nil(done)
    assert.equal("time ran out; events without an outcome: 3", message)
    assert.equal("timeout", code)
    assert.equal(3, detail.remaining)
    assert.is_true(elapsed >= 0.2 and elapsed < 2, elapsed)
    assert.equal(3, tracking.assert_balanced(client:stats()).pending)
    elapsed, done = tracking.timed(client.flush, client, 0)
    assert.is_nil(done)
    assert.is_true(elapsed < 0.9, elapsed)
  end)

  it("raises on what is no time, and so does close", function()
    local client = tracking.new { url = "http://127.0.0.1:1/" }
    for _, seconds in ipairs { -1, "x", {}, 0 / 0, 1 / 0, 1e9 } do
      for _, method in ipairs { "flush", "close" } do
        local ok, message = pcall(client[method], client, seconds)
        assert.is_false(ok)
        assert.truthy(message:find("number", 1, true), message)
      end
    end
    assert.is_true(client:start()) -- and closed nothing
  end)
end)

describe("close", function()
  helper.guard()

  it("delivers what there is, then takes nothing more", function()
    local sandbox = helper.start_sandbox()
    local client = tracking.new { url = sandbox.url }
    track(client, 100)
    assert.is_true(client:close())
    assert.equal(100, #sandbox:events())
    local ticket, message, code, detail = client:track { event_name = "e" }
    assert.is_nil(ticket)
    assert.equal("the client is closed", message)
    assert.equal("closed", code)
    assert.is_false(detail.sent)
    assert.equal("closed", select(3, client:set_authorization "Basic eA=="))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ "closed", 100, 0, 101 }, { stats.state, stats.delivered, stats.pending, stats.calls })
    assert.same({ closed = 1 }, stats.refused)
    assert.equal(100, #tickets(client))
    assert.is_true(client:flush() and client:close() and client:close(0))
  end)

  it("gives up after its time, cancels what is in flight and says how much is left", function()
    local server = rude.start "never_answer"
    local client = tracking.new { url = server.url, max_in_flight = 2 }
    track(client, 5)
    server:events("request", 2)
    local elapsed, done, message, code, detail = tracking.timed(client.close, client, 0.2)
    assert.is_nil(done)
    assert.equal("time ran out; events without an outcome: 5", message)
    assert.equal("timeout", code)
    assert.equal(5, detail.remaining)
    assert.is_true(elapsed >= 0.2 and elapsed < 2, elapsed)
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ "closed", 5, 0, 2 }, { stats.state, stats.pending, stats.in_flight, stats.maybe_sent })
    assert.equal(message, (select(2, client:close())))
    assert.same({}, tickets(client))
  end)

  it("can be called by before_send, by log, and by a loop over results", function()
    local sandbox = helper.start_sandbox()
    local client
    client = tracking.new { url = sandbox.url, before_send = function(event)
      client:close()
      return event
    end }
    assert.equal("closed", select(3, client:track { event_name = "e" }))
    assert.same({ closed = 1 }, tracking.assert_balanced(client:stats()).refused)

    local definitions = { e = { who = "customer" } }
    client = tracking.new { url = sandbox.url, definitions = definitions, validation = "warn", log = function()
      client:close()
    end }
    assert.equal("closed", select(3, client:track { event_name = "e" }))
    assert.equal(0, tracking.assert_balanced(client:stats()).accepted)

    client = tracking.new { url = sandbox.url }
    track(client, 3)
    assert.is_true(client:flush(5))
    local count = 0
    for _ in client:results() do
      assert.is_true(client:close())
      count = count + 1
    end
    assert.equal(3, count)
  end)

  if _VERSION == "Lua 5.4" then
    it("happens at the end of a scope, error or not", function()
      local sandbox = helper.start_sandbox()
      local scope = load [[
        local options, fail = ...
        local client <close> = require("postevent").new(options)
        assert(client:track { event_name = "e" })
        assert(not fail, "oh no")
      ]]
      scope({ url = sandbox.url })
      assert.equal(1, #sandbox:events())
      assert.is_false((pcall(scope, { url = sandbox.url }, true)))
      assert.equal(2, #sandbox:events())
    end)
  end
end)

describe("without close", function()
  helper.guard()
  local sandbox = helper.shared_sandbox()

  it("a client that is collected has a second to deliver, and the program does not wait", function()
    local server = rude.start "never_answer"
    local threads = helper.process.thread_count()
    local client = require("postevent").new { url = server.url, log = false } -- its events are lost, and shall be
    track(client, 5)
    client = nil -- luacheck: ignore
    local elapsed = tracking.timed(function()
      collectgarbage()
      collectgarbage()
    end)
    assert.is_true(elapsed < 0.9, elapsed)
    server:events("request", 5)
    helper.wait_until(function()
      return helper.process.thread_count() == threads
    end)
  end)

  local PROGRAM = [[
    local client = require("postevent").new { url = arg[1] }
    for i = 1, 20 do
      assert(client:track { event_name = "e" })
    end
  ]]
  local ends = {
    ["the program ends"] = "",
    ["it calls os.exit"] = "os.exit(0)",
    ["it ends with an error"] = "KEEP = client error 'oh no'",
  }
  for name, code in pairs(ends) do
    it("events still go out when " .. name, function()
      local elapsed = tracking.timed(helper.run_lua, { code = PROGRAM .. code }, { sandbox.url })
      assert.equal(20, #sandbox:events())
      assert.is_true(elapsed < 4, elapsed)
    end)

    it("a silent platform does not hold the program up for more than a second when " .. name, function()
      local server = rude.start "never_answer"
      local elapsed, status = tracking.timed(helper.run_lua, { code = PROGRAM .. code }, { server.url })
      assert.equal(name:find "error" and 1 or 0, status)
      assert.is_true(elapsed < 3, elapsed)
    end)
  end
end)
