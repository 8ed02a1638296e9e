-- close, flush and the collector while nothing goes on: over in their time, and what had no outcome is counted.
if not require("support.where").is("lua5.4", "luajit") then
  return
end

local batch = require "support.batch"
local certificates = require "support.certificates"
local helper = require "support.helper"
local name_server = require "support.name_server"
local process = helper.process
local rude = require "support.rude"
local tracking = require "support.tracking"

-- Seconds that a busy machine may take for what takes none. What these tests look for lasts a second or more.
local MOMENT = 0.8

describe("close", function()
  helper.guard()

  -- Servers that keep a transfer: in what, whether the request is sent by then, and the url of one.
  local SILENT = {
    { "an answer that does not come", true, function()
      return rude.start("never_answer").url
    end },
    { "an answer that drips", true, function()
      return rude.start("trickle").url
    end },
    { "an answer over TLS that does not come", true, function()
      return rude.start("never_answer", { tls = true }).url
    end },
    { "a handshake", false, function()
      return (rude.start("silent_handshake").url:gsub("^http:", "https:"))
    end },
    { "a connection", false, function()
      return rude.black_hole().url
    end },
  }

  -- A client with three transfers of `url` in flight and two events behind them.
  local function stuck(url)
    local client = tracking.new { url = url, max_in_flight = 3, tls = { ca_file = certificates.get().ca_file } }
    for i = 1, 5 do
      assert(client:track { event_name = "e", external_event_id = batch.id(i) })
    end
    tracking.wait_for(client, { in_flight = 3 })
    return client
  end

  for _, case in ipairs(SILENT) do
    local what, sent, start = case[1], case[2], case[3]
    it("within 1 ms is over at once, and counts what it cancels as pending: " .. what, function()
      local client = stuck(start())
      process.sleep(0.05) -- lets the requests get as far as they will
      local took, ok, message, code, detail = tracking.timed(client.close, client, 0.001)
      assert.is_true(took < MOMENT, ("took %.3f s"):format(took))
      assert.is_nil(ok)
      assert.equal("timeout", code, message)
      assert.equal(5, detail.remaining)
      local stats = tracking.assert_balanced(client:stats())
      assert.equal(5, stats.pending)
      assert.equal(0, stats.in_flight)
      assert.equal(sent and 3 or 0, stats.maybe_sent)
      assert.equal("closed", stats.state)
    end)

    it("waits as long as it is told to, and so does flush: " .. what, function()
      local client = stuck(start())
      for _, method in ipairs { "flush", "close" } do
        local took, ok, _, code, detail = tracking.timed(client[method], client, 0.25)
        assert.is_true(took >= 0.25 and took < 0.25 + MOMENT, ("%s took %.3f s"):format(method, took))
        assert.is_nil(ok)
        assert.equal("timeout", code)
        assert.equal(5, detail.remaining)
      end
    end)
  end

  it("within 1 ms knows to the event what came: the rest did not unless maybe_sent says so", function()
    for round = 1, 10 do
      local sandbox = helper.start_sandbox()
      local client = tracking.new { url = sandbox.url, id_attribute = "id", results = 5000 }
      for i = 1, 3000 do
        assert(client:track { event_name = "e", id = batch.id(i) })
      end
      process.sleep(0.002 * round)
      local took = tracking.timed(client.close, client, 0.001)
      assert.is_true(took < MOMENT, ("took %.3f s"):format(took))
      local stats = tracking.assert_balanced(client:stats())
      assert.equal(3000, stats.accepted)

      local delivered, extra = {}, 0
      for result in client:results() do
        assert.equal("delivered", result.outcome)
        delivered[result.event_id] = true
      end
      local came = {}
      for _, record in ipairs(sandbox:events()) do
        local id = record.event.id
        assert.is_nil(came[id])
        came[id] = true
        extra = extra + (delivered[id] and 0 or 1)
      end
      for id in pairs(delivered) do
        assert.is_true(came[id], id .. " is told to be delivered and is not there")
      end
      assert.is_true(extra <= stats.maybe_sent, ("%d came, %d may have"):format(extra, stats.maybe_sent))
      assert.is_true(stats.maybe_sent <= 16)
      sandbox:stop()
    end
  end)

  it("can be called twice, and later calls are refused and counted", function()
    local client = stuck(rude.start("never_answer").url)
    assert.is_nil((client:close(0)))
    local took, _, _, _, left = tracking.timed(client.close, client, 5)
    assert.is_true(left.remaining > 0) -- as it was
    assert.is_true(took < MOMENT)
    for _ = 1, 3 do
      local ticket, message, code, detail = client:track { event_name = "e" }
      assert.is_nil(ticket)
      assert.equal("closed", code, message)
      assert.is_false(detail.sent)
    end
    local _, _, code, detail = client:flush(0)
    assert.equal("timeout", code)
    assert.equal(5, detail.remaining)
    assert.equal("closed", (select(3, client:start())))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ closed = 3 }, stats.refused)
    assert.equal(5, stats.pending)
  end)

  it("does not wait for a hold, a rate limit or a retry longer than it is told to", function()
    local cases = {
      { rude.start("answer", { reply = { status = 401 } }).url, {} },
      { rude.start("answer", { reply = { status = 503, headers = { ["Retry-After"] = "60" } } }).url, {} },
      { ("http://127.0.0.1:%d/"):format(helper.free_port()), {} },
      { rude.start("answer").url, { rate_limit = { per_second = 0.01, burst = 1 } } },
    }
    for _, case in ipairs(cases) do
      case[2].url = case[1]
      local client = tracking.new(case[2])
      for i = 1, 10 do
        assert(client:track { event_name = "e", external_event_id = batch.id(i) })
      end
      client:flush(0.05)
      local took, ok, _, _, detail = tracking.timed(client.close, client, 0.1)
      assert.is_nil(ok)
      assert.is_true(took < 0.1 + MOMENT, ("took %.3f s"):format(took))
      assert.equal(tracking.assert_balanced(client:stats()).pending, detail.remaining)
    end
  end)

  it("does not wait for a name server that never answers, and neither do the collector and the end", function()
    local there, reason = name_server.available()
    if not there then
      return pending(reason)
    end
    for _, ending in ipairs { "close", "collect", "leave" } do
      local start = process.now()
      local status, output, errors = name_server.run("silent", { code = ([[
        local ENDING = %q
        local process = require "support.process"
        local client = require("postevent").new { url = "https://platform.example/x" }
        for i = 1, 5 do
          assert(client:track { event_name = "e", id = i })
        end
        while client:stats().in_flight < 5 do
          process.sleep(0.001)
        end
        local start = process.now()
        if ENDING == "close" then
          assert(client:close(0.001) == nil and client:stats().pending == 5 and client:stats().maybe_sent == 0)
        elseif ENDING == "collect" then
          client = nil
          collectgarbage()
          collectgarbage()
        else
          os.exit(0)
        end
        print(process.now() - start)
      ]]):format(ending) })
      assert.equal(0, status, errors)
      assert.equal("", errors)
      assert.is_true(ending == "leave" or tonumber(output) < MOMENT, output)
      assert.is_true(process.now() - start < 1.5 + MOMENT)
    end
  end)
end)

describe("the collector", function()
  helper.guard()

  it("never waits for a client, whatever that does, and all threads are gone in a second", function()
    local silent = rude.start "never_answer"
    local hole = rude.black_hole()
    local threads = process.thread_count()
    local slowest = 0
    for i = 1, 40 do
      do
        local client = require("postevent").new { url = i % 2 == 0 and silent.url or hole.url, log = false }
        for id = 1, 20 do
          assert(client:track { event_name = "e", id = id })
        end
        process.sleep(0.002)
      end
      local start = process.now()
      collectgarbage()
      collectgarbage()
      slowest = math.max(slowest, process.now() - start)
    end
    assert.is_true(slowest < 0.9, ("__gc took %.3f s"):format(slowest))
    helper.wait_until(function()
      return process.thread_count() == threads
    end, 1.3, "the end of the threads")
  end)

  it("leaves a client a second to deliver what it has, what waits for a retry too", function()
    local server = rude.start("answer", { reply = { status = 500, body = "{}" }, times = 3 })
    do
      local client = require("postevent").new { url = server.url, retry = { initial = 0.1, max = 0.2 } }
      for i = 1, 3 do
        assert(client:track { event_name = "e", external_event_id = batch.id(i) })
      end
      server:events("request", 3) -- chance may send one again at once: they need not all wait at a time
    end
    local start = process.now()
    collectgarbage()
    collectgarbage()
    server:events("request", 6)
    assert.is_true(process.now() - start < 1)
  end)
end)
