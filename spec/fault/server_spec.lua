-- Servers that misbehave: every one gets the code of the design, in time, and the program goes on.
local certificates = require "support.certificates"
local documents = require "support.documents"
local growth = require "support.growth"
local helper = require "support.helper"
local posting = require "support.posting"
local process = helper.process
local rude = require "support.rude"

describe("a post to a server that", function()
  helper.guard()

  -- Within the time allowed, plus 10 %, and what a busy machine may take; valgrind and the sanitizers take their own.
  local function in_time(outcome, timeout)
    local limit = timeout * 1.1 + 0.5 + ((os.getenv "TEST_WRAPPER" or "") ~= "" and 2 or 0)
    assert.is_true(outcome.elapsed <= limit, ("took %.3f s of %.3f"):format(outcome.elapsed, timeout))
  end

  for _, case in ipairs {
    { "never_answer", "timeout", "maybe" },
    { "trickle", "timeout", "maybe", interval = 0.2 },
  } do
    it("takes too long is given up in time: " .. case[1], function()
      local server = rude.start(case[1], { interval = case.interval })
      local outcome = posting.fails_with(case[2], server.url, { timeout = 0.5, attempts = 3 })
      assert.equal(case[3], outcome.detail.sent)
      assert.equal(1, outcome.detail.attempts)
      assert.is_true(outcome.elapsed >= 0.45)
      in_time(outcome, 0.5)
      assert.equal(1, server:requests())
    end)
  end

  it("D4: never finishes the TLS handshake ends in a timeout, unsent", function()
    local server = rude.start "silent_handshake"
    local url = server.url:gsub("^http:", "https:")
    local outcome = posting.fails_with("timeout", url, {
      timeout = 0.5, attempts = 3, tls = { ca_file = certificates.get().ca_file }, -- a bare system has no authorities
    })
    assert.is_false(outcome.detail.sent)
    in_time(outcome, 0.5)
  end)

  it("answers no SYN is unreachable, within connect_timeout", function()
    local hole = rude.black_hole()
    local outcome = posting.fails_with("unreachable", hole.url, { timeout = 5, connect_timeout = 0.3 })
    assert.is_false(outcome.detail.sent)
    in_time(outcome, 0.3)
    outcome = posting.fails_with("unreachable", hole.url, { timeout = 0.4 })
    in_time(outcome, 0.4)
  end)

  for _, case in ipairs {
    { "huge_reply", "bad_reply", true },
    { "huge_reply", "bad_reply", true, framing = "chunked" },
    { "huge_reply", "bad_reply", true, framing = "close" },
    { "endless_reply", "bad_reply", true },
    { "endless_headers", "bad_reply", "maybe" },
    { "short_reply", "interrupted", "maybe" },
    { "garbage", "bad_reply", "maybe" },
    { "gzip_lie", "bad_reply", true },
    { "reset_in_reply", "interrupted", "maybe" },
    { "close_in_reply", "interrupted", "maybe" },
    { "reset", "interrupted", "maybe" },
    { "close", "interrupted", "maybe" },
  } do
    it(("answers badly gets %s: %s %s"):format(case[2], case[1], case.framing or ""), function()
      local server = rude.start(case[1], { framing = case.framing })
      local outcome = posting.fails_with(case[2], server.url)
      assert.equal(case[3], outcome.detail.sent)
      assert.is_true(outcome.elapsed < 2)
      assert.equal(1, server:requests())
    end)
  end

  it("hangs up before it reads gets unreachable or interrupted, and never a second request", function()
    for _, behaviour in ipairs { "close_at_once", "reset_at_once" } do
      local server = rude.start(behaviour)
      local outcome = posting.post(server.url, { attempts = 1, timeout = 5 })
      assert.is_true(outcome.code == "interrupted" or outcome.code == "unreachable", outcome.code)
      assert.equal(outcome.code == "interrupted" and "maybe", outcome.detail.sent)
      assert.equal(0, server:requests())
      server:stop()
    end
  end)

  it("nests its reply deeply, or sends a bomb of arrays, gets bad_reply", function()
    local server = rude.start("answer", { reply = { body = ("["):rep(60000) } })
    posting.fails_with("bad_reply", server.url)
    server:stop()
    server = rude.start("answer", { reply = { body = '{"a":' .. ("["):rep(30000) .. ("]"):rep(30000) .. "}" } })
    posting.fails_with("bad_reply", server.url)
  end)

  it("is none at all is unreachable", function()
    posting.fails_with("unreachable", ("http://127.0.0.1:%d/"):format(helper.free_port()))
    posting.fails_with("unreachable", "https://no-such-host.invalid/x", { timeout = 3 })
  end)

  for _, case in ipairs { { "plain", "close_while_body" }, { "plain", "reset_while_body" },
    { "TLS", "close_while_body", tls = true }, { "TLS", "reset_while_body", tls = true } } do
    it(("hangs up under the body gets interrupted, and no SIGPIPE: %s, %s"):format(case[1], case[2]), function()
      local server = rude.start(case[2], { tls = case.tls })
      local event = documents.new_event()
      event.note = ("x"):rep(8 * 1024 * 1024)
      process.count_signal "SIGPIPE"
      posting.fails_with("interrupted", server.url, {
        max_event_bytes = 10 * 1024 * 1024, tls = case.tls and { ca_file = certificates.get().ca_file } or nil,
      }, event)
      assert.equal(0, process.signal_count "SIGPIPE")
      assert.is_false(process.signal_blocked "SIGPIPE")
      assert.is_false(process.signal_pending "SIGPIPE")
    end)
  end

  it("answers before it reads the body is heard all the same", function()
    local server = rude.start("answer_before_body", { reply = { status = 413, body = "{}" } })
    local event = documents.new_event()
    event.note = ("x"):rep(20000)
    posting.fails_with("rejected", server.url, {}, event)
  end)

  it("says more than it was asked is not taken at its word: no event gets the reply of another", function()
    for _, extra in ipairs {
      "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n" .. '{"status":{"code":   1100}}',
    } do
      for _, tls in ipairs { false, true } do
        local server = rude.start("answer_twice", { extra = extra, tls = tls or nil })
        local client = posting.client(server.url, { tls = tls and { ca_file = certificates.get().ca_file } or nil })
        for i = 1, 4 do
          local reply, message = client:post(documents.new_event())
          assert.is_table(reply, message)
          assert.equal(documents.request_id, reply.requestId)
          server:events("extra", i)
        end
        assert.equal(4, server:requests())
        client:close()
        server:stop()
      end
    end
  end)

  it("is a proxy that asks for credentials without end is given up in time", function()
    local server = rude.start("endless_reply", {
      head = 'HTTP/1.1 407 No\r\nProxy-Authenticate: Digest realm="x", nonce="y"\r\n\r\n',
    })
    local outcome = posting.post("https://127.0.0.1:1/", {
      proxy = ("http://u:hunter2@127.0.0.1:%d"):format(server.port), timeout = 0.5, attempts = 1,
    })
    assert.is_nil(outcome.reply)
    assert.is_false(outcome.detail.sent)
    in_time(outcome, 0.5)
  end)

  -- A tracked event is on its way through a proxy whose answer to CONNECT has no end.
  local function start_endless()
    local server = rude.start("endless_reply", {
      head = 'HTTP/1.1 407 No\r\nProxy-Authenticate: Digest realm="x", nonce="y"\r\n'
        .. "Content-Length: 1000000000000\r\n\r\n",
    })
    local client = posting.client("https://127.0.0.1:1/", {
      proxy = ("http://u:hunter2@127.0.0.1:%d"):format(server.port), timeout = 20,
    })
    assert(client:track(documents.new_event()))
    server:events("request", 1)
    return client
  end

  local function seconds_of(action, ...)
    local start = process.now()
    action(...)
    return process.now() - start
  end

  it("is such a proxy keeps no fork waiting for long", function()
    local client = start_endless()
    for _ = 1, 3 do
      local took = seconds_of(helper.run, { "true" })
      assert.is_true(took < 5, took)
    end
    client:close(0)
  end)

  it("is such a proxy keeps no close waiting, and the thread is no more", function()
    local client = start_endless()
    local took = seconds_of(client.close, client, 0.3)
    assert.is_true(took < 5, took)
    assert.equal(1, client:stats().pending)
  end)

  it("breaks thousands of times costs no memory and no descriptor", function()
    local server = rude.start "reset"
    local lua, rss, fds = growth(server.url, 500, 3000)
    assert.is_true(lua < 16 * 1024, ("%d bytes of Lua's more"):format(lua))
    assert.is_true(rss < 1024 * 1024, ("%d bytes more"):format(rss))
    assert.equal(0, fds)
  end)
end)
