-- The support of the specs itself: the rude server does what it says, as luasocket and luasec see it.
local helper = require "support.helper"
local rude = require "support.rude"
local socket = require "socket"
local wire = require "support.wire"

local REQUEST = "POST /eucrm/webhooks/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\n{\"a\":1}"
local HEAD = "POST /eucrm/webhooks/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
local DOCUMENTED = helper.documents.reply

-- All that came until the server closed, and whether that was a reset.
local function read_to_end(server, sock, count)
  server:events("closed", count or 1)
  local is_reset = wire.was_reset(sock)
  local data, _, partial = sock:receive "*a"
  return data or partial, is_reset
end

local function start_and_send(behaviour, options, text)
  local server = rude.start(behaviour, options)
  local sock = wire.connect(server.port)
  sock:send(text or REQUEST)
  return server, sock
end

describe("the rude server, over TCP,", function()
  helper.guard()

  it("answers when it is told to, on several connections", function()
    local server, first = start_and_send "answer"
    local second = wire.connect(server.port)
    second:send(REQUEST)
    assert.equal(DOCUMENTED, wire.read_reply(second))
    assert.equal(DOCUMENTED, wire.read_reply(first))
    first:send(REQUEST)
    assert.equal(DOCUMENTED, wire.read_reply(first))
    assert.same({ 3, 2 }, { server:requests(), server:connections() })
    local request = server:events("request")[1]
    assert.same({ "POST", "/eucrm/webhooks/1", '{"a":1}', 1 },
      { request.method, request.path, request.body, request.connection })
  end)

  it("never answers", function()
    local server, sock = start_and_send "never_answer"
    server:events("request", 1)
    sock:settimeout(0.05)
    assert.same({ nil, "timeout", "" }, { sock:receive "*l" })
  end)

  it("says nothing where a handshake is expected", function()
    local server = rude.start("silent_handshake", { tls = true })
    local sock = wire.connect(server.port)
    sock:send(REQUEST)
    sock:settimeout(0.05)
    assert.same({ nil, "timeout", "" }, { sock:receive "*l" })
  end)

  for name, is_reset in pairs { close_at_once = false, reset_at_once = true } do
    it("does " .. name, function()
      local server = rude.start(name, { times = 1 })
      local connected, sock = pcall(wire.connect, server.port)
      if connected then
        assert.same({ "", is_reset }, { read_to_end(server, sock) })
      else
        assert.is_true(is_reset, sock) -- a reset may be quicker than the return of connect
      end
      sock = wire.connect(server.port)
      sock:send(REQUEST)
      assert.equal(DOCUMENTED, wire.read_reply(sock))
    end)
  end

  for name, is_reset in pairs { close = false, reset = true } do
    it("reads the request and does " .. name, function()
      local server, sock = start_and_send(name)
      assert.same({ "", is_reset }, { read_to_end(server, sock) })
      assert.equal(1, server:requests())
    end)
  end

  it("resets the second request of each connection", function()
    local server, sock = start_and_send "reset_second_request"
    assert.equal(DOCUMENTED, wire.read_reply(sock))
    sock:send(REQUEST)
    assert.same({ "", true }, { read_to_end(server, sock) })
    sock = wire.connect(server.port)
    sock:send(REQUEST)
    assert.equal(DOCUMENTED, wire.read_reply(sock))
    assert.same({ 3, 2 }, { server:requests(), server:connections() })
  end)

  it("leaves in the middle of its reply", function()
    for name, is_reset in pairs { close_in_reply = false, reset_in_reply = true } do
      local data, was_reset = read_to_end(start_and_send(name))
      assert.matches('^HTTP/1.1 200 .*\r\n\r\n{"status"', data)
      assert.is_nil(data:find(helper.documents.request_id, 1, true))
      assert.equal(is_reset, was_reset)
    end
  end)

  it("leaves while the body is on its way", function()
    for name, is_reset in pairs { close_while_body = true, reset_while_body = true } do -- unread bytes make it a reset
      local server, sock = start_and_send(name, nil, HEAD .. ("x"):rep(100000))
      server:events("closed", 1)
      local problem
      helper.wait_until(function()
        local sent
        sent, problem = sock:send(("x"):rep(100000))
        return not sent
      end)
      assert.equal(is_reset, problem == "closed", problem)
      assert.same({ 0, 1 }, { server:requests(), #server:events "head" })
    end
  end)

  it("answers before the body has come", function()
    local _, sock = start_and_send("answer_before_body", { reply = { status = 413, body = "" } }, HEAD)
    assert.matches("^HTTP/1.1 413 ", (sock:receive "*l"))
  end)

  it("trickles", function()
    local _, sock = start_and_send("trickle", { interval = 0.03 })
    local start = helper.process.now()
    assert.equal("HTTP", sock:receive(4))
    assert.is_true(helper.process.now() - start > 0.06)
  end)

  it("answers late", function()
    local _, sock = start_and_send("answer_late", { delay = 0.05 })
    local start = helper.process.now()
    assert.equal(DOCUMENTED, wire.read_reply(sock))
    assert.is_true(helper.process.now() - start > 0.04)
  end)

  it("promises more than it sends", function()
    local data, was_reset = read_to_end(start_and_send "short_reply")
    local length, body = data:match "Content%-Length: (%d+).-\r\n\r\n(.*)$"
    assert.is_true(tonumber(length) > #body)
    assert.equal(DOCUMENTED, body)
    assert.is_false(was_reset)
  end)

  it("sends huge replies in each framing", function()
    local _, sock = start_and_send("huge_reply", { size = 70000 })
    local body = wire.read_reply(sock)
    assert.equal(70000, #body)
    assert.matches('^{"status":{"code":1100,"message":"x+"},"requestId":"a"}$', body)
    for _, framing in ipairs { "chunked", "close" } do
      _, sock = start_and_send("huge_reply", { framing = framing })
      sock:settimeout(5)
      local data = sock:receive "*a"
      assert.is_true(#data > 128 * 1024)
      assert.equal(framing == "chunked", data:find("Transfer-Encoding: chunked", 1, true) ~= nil)
    end
  end)

  it("never comes to the end of headers or body", function()
    for _, name in ipairs { "endless_headers", "endless_reply" } do
      local _, sock = start_and_send(name)
      local data = assert(sock:receive(1000000))
      assert.equal(name == "endless_headers", data:find("\r\n\r\n", 1, true) == nil)
    end
  end)

  it("talks something else than HTTP", function()
    assert.is_nil(read_to_end(start_and_send "garbage"):find "^HTTP")
  end)

  it("lies about gzip", function()
    local _, sock = start_and_send "gzip_lie"
    local seen
    repeat
      local line = sock:receive "*l"
      seen = seen or line == "Content-Encoding: gzip"
    until line == ""
    assert.is_true(seen)
    assert.equal(DOCUMENTED, sock:receive(#DOCUMENTED))
  end)

  it("closes an idle connection quietly", function()
    local server, sock = start_and_send "close_after_reply_idle"
    assert.equal(DOCUMENTED, wire.read_reply(sock))
    assert.same({ "", false }, { read_to_end(server, sock) })
  end)

  it("sends a sequence of replies, the last for ever", function()
    local server, sock = start_and_send("sequence", {
      replies = { { status = 503, headers = { ["Retry-After"] = "0" }, body = "" }, "HTTP/1.1 200 OK\r\n\r\n" },
    })
    assert.matches("503", (sock:receive "*l"))
    assert.equal("", wire.read_reply(sock))
    for _ = 1, 2 do
      sock:send(REQUEST)
      assert.equal("HTTP/1.1 200 OK", sock:receive "*l")
      sock:receive "*l"
    end
    assert.equal(3, server:requests())
  end)

  it("sends any bytes", function()
    local bytes = "HTTP/1.1 200 OK\r\n\r\n\0\1\127\128\255\"\\"
    assert.equal(bytes, (read_to_end(start_and_send("raw", { reply = bytes, close = true }))))
  end)

  it("is polite for a number of requests, or after a number of faults", function()
    local server, sock = start_and_send("raw", { after = 1, times = 1, reply = "rude\r\n" })
    assert.equal(DOCUMENTED, wire.read_reply(sock))
    sock:send(REQUEST)
    assert.equal("rude", sock:receive "*l")
    sock:send(REQUEST)
    assert.equal(DOCUMENTED, wire.read_reply(sock))
    assert.equal(3, server:requests())
  end)

  it("has a port that answers no SYN", function()
    local sock = assert(socket.tcp())
    sock:settimeout(0.05)
    local ok, message = sock:connect("127.0.0.1", rude.black_hole().port)
    sock:close()
    assert.same({ nil, "timeout" }, { ok, message })
  end)
end)

describe("the rude server, over TLS,", function()
  helper.guard()

  it("resets the second request without a word of TLS", function()
    local server = rude.start("reset_second_request", { tls = true })
    local conn = wire.connect_tls(server.port)
    conn:send(REQUEST)
    assert.equal(DOCUMENTED, wire.read_reply(conn))
    conn:send(REQUEST)
    assert.same({ "", true }, { read_to_end(server, conn) })
    assert.equal(2, server:requests())
  end)

  it("leaves while the body is on its way", function()
    local server = rude.start("reset_while_body", { tls = true })
    local conn = wire.connect_tls(server.port)
    conn:send(HEAD)
    server:events("closed", 1)
    helper.wait_until(function()
      return not conn:send(("x"):rep(100000))
    end)
  end)

  it("outlives clients that leave without a word", function()
    local server = rude.start("answer", { tls = true, http2 = true })
    for i = 1, 6 do
      local conn = wire.connect_tls(server.port)
      helper.process.abandon(conn:getfd(), i % 2 == 0)
      server:events("closed", i)
    end
    local conn = wire.connect_tls(server.port)
    conn:send(REQUEST)
    assert.equal(DOCUMENTED, wire.read_reply(conn))
  end)
end)
