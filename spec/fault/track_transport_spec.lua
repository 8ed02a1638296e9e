-- Connections under `track`: kept alive, secured, tunnelled; and what becomes of events when those go
-- wrong.
if not require("support.where").is("lua5.4") then
  return
end

local batch = require "support.batch"
local certificates = require "support.certificates"
local documents = require "support.documents"
local helper = require "support.helper"
local proxy = require "support.proxy"
local rude = require "support.rude"

local QUICK = { initial = 0.02, max = 0.1 }

local KINDS = { { "plain" }, { "TLS", tls = true } }

-- Options for a server of that kind.
local function options_for(kind, options)
  local all = { retry = QUICK, tls = kind.tls and { ca_file = certificates.get().ca_file } or nil }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return all
end

local function assert_no_more_than_attempts(events, arrivals)
  for id, count in pairs(batch.count(arrivals)) do
    assert.is_true(count <= events.results[id].attempts, id .. " was sent behind our back")
  end
end

describe("a kept-alive connection", function()
  helper.guard()

  for _, kind in ipairs(KINDS) do
    it("that breaks under the second request gets no silent third: " .. kind[1], function()
      for _, ambiguous in ipairs { true, false } do
        local server = rude.start("reset_second_request", { tls = kind.tls })
        local events = batch.start(server.url, options_for(kind, {
          max_in_flight = 1, retry = { initial = 0.01, max = 0.01, ambiguous = ambiguous },
        }))
        events:track(1, 20)
        local stats = events:finish()
        local arrivals = server:arrivals()
        assert.equal(stats.attempts, #arrivals)
        if ambiguous then -- every connection takes one and breaks under the next
          assert.equal(20, stats.delivered)
          assert.equal(39, #arrivals)
        else
          assert.same({ 10, 10 }, { stats.delivered, stats.unknown })
          assert.same({ interrupted = 10 }, stats.unknown_by)
          events:arrived(arrivals)
        end
        server:stop()
      end
    end)
  end

  for _, kind in ipairs(KINDS) do
    it("with bytes on it that nobody asked for is not used again: " .. kind[1], function()
      for _, extra in ipairs {
        "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n" .. '{"status":{"code":   1100}}',
      } do
        local server = rude.start("answer_twice", { extra = extra, tls = kind.tls, late = 0.05 })
        local events = batch.start(server.url, options_for(kind, { max_in_flight = 4 }))
        for round = 1, 4 do
          events:track(round * 4 - 3, round * 4)
          events:wait(function(stats)
            return stats.pending == 0
          end)
          server:events("extra", round * 4)
        end
        local stats = events:finish()
        assert.same({ 16, 16, nil }, { stats.delivered, stats.attempts, stats.last_error })
        for id, result in pairs(events.results) do
          assert.equal(documents.request_id, result.reply.requestId, id .. " took the reply of another")
        end
        events:arrived(server:arrivals())
        server:stop()
      end
    end)
  end

  it("that is closed while idle costs no attempt", function()
    local server = rude.start "close_after_reply_idle"
    local events = batch.start(server.url, { retry = QUICK })
    for number = 1, 8 do
      events:track(number)
      server:events("closed", number)
    end
    assert.equal(8, events:finish().attempts)
    events:arrived(server:arrivals())
  end)
end)

batch.describe_once("TLS", function()
  helper.guard()

  for _, kind in ipairs { "expired", "self_signed", "wrong_host" } do
    it("with a certificate that is " .. kind .. " cools, sends nothing, and delivers when it is replaced", function()
      local server = rude.start("answer", { tls = kind })
      local port = server.port
      local events = batch.start(server.url, options_for(KINDS[2]))
      events:track(1, 100)
      local stats = events:wait(function(stats)
        return stats.state == "cooling" and stats.in_flight == 0
      end)
      assert.equal("tls", stats.last_error.code)
      assert.equal(100, stats.pending)
      assert.equal(0, server:requests())
      server:stop()
      server = rude.start("answer", { tls = true, port = port })
      assert.equal(100, events:finish().delivered)
      events:arrived(server:arrivals())
    end)
  end

  it("D4: whose handshake never ends is given up in time", function()
    local server = rude.start "silent_handshake"
    local port = server.port
    local events = batch.start((server.url:gsub("^http:", "https:"):gsub("127.0.0.1", "localhost")),
      options_for(KINDS[2], { timeout = 0.3 }))
    events:track(1, 50)
    local stats = events:wait(function(stats)
      return stats.state == "cooling" and stats.in_flight == 0
    end, 2)
    assert.equal("timeout", stats.last_error.code)
    server:stop()
    server = rude.start("answer", { tls = true, port = port })
    assert.equal(50, events:finish().delivered)
    events:arrived(server:arrivals())
  end)
end)

batch.describe_once("a proxy", function()
  helper.guard()

  for _, kind in ipairs(KINDS) do
    it("that dies in the middle loses nothing: " .. kind[1], function()
      local server = rude.start("answer", { tls = kind.tls })
      local through = proxy.start()
      local url = server.url:gsub("localhost", "127.0.0.1")
      local events = batch.start(url, options_for(kind, { proxy = through.url }))
      events:track(1, 200)
      events:wait(function(stats)
        return stats.delivered > 20
      end)
      through:stop()
      local stats = events:wait(function(stats)
        return stats.state == "cooling"
      end)
      assert.is_true(stats.pending > 0)
      through:restart()
      assert.equal(200, events:finish().delivered)
      assert_no_more_than_attempts(events, server:arrivals())
    end)
  end

  it("that asks for a password holds the queue", function()
    local server = rude.start("answer", { tls = true })
    local through = proxy.start { user = "u", password = "p" }
    local url = server.url:gsub("localhost", "127.0.0.1")
    local events = batch.start(url, options_for(KINDS[2], { proxy = through.url }))
    events:track(1, 50)
    local stats = events:wait(function(stats)
      return stats.state == "held" and stats.in_flight == 0
    end)
    assert.equal("unauthorized", stats.last_error.code)
    assert.equal(50, stats.pending)
    assert.equal(0, server:requests())
    assert.is_nil(events.client:close(0))
  end)
end)
