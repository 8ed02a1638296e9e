-- The support of the specs itself: the rude server's HTTP/2, seen frame by frame.
local helper = require "support.helper"
local rude = require "support.rude"
local wire = require "support.wire"

local DOCUMENTED = helper.documents.reply

-- Frames until one of that kind.
local function read_kind(conn, kind)
  local found
  repeat
    found = wire.read_frame(conn)
  until not found or found.kind == kind
  return found
end

local PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" .. wire.frame(4, 0, 0, "")

-- A POST on a stream: headers (that the server does not unpack), then a body.
local function request_on(stream)
  return wire.frame(1, 4, stream, "\131\135\132") .. wire.frame(0, 1, stream, '{"a":1}')
end

describe("the rude server, over HTTP/2,", function()
  helper.guard()

  for _, tls in ipairs { false, true } do
    local function open(behaviour)
      local server = rude.start(behaviour, { tls = tls or nil, http2 = true })
      local conn = tls and wire.connect_tls(server.port, { alpn = { "h2" } }) or wire.connect(server.port)
      assert.equal(tls and "h2" or nil, tls and conn:getalpn() or nil)
      conn:send(PREFACE .. request_on(1))
      return server, conn
    end

    describe(tls and "with TLS," or "in the clear,", function()
      it("answers, and resets the second request", function()
        local server, conn = open "reset_second_request"
        assert.equal("\136", read_kind(conn, 1).payload:sub(1, 1)) -- :status 200
        assert.equal(DOCUMENTED, read_kind(conn, 0).payload)
        conn:send(request_on(3))
        server:events("closed", 1)
        assert.is_true(wire.was_reset(conn))
        assert.same({ '{"a":1}', "2", 2 }, {
          server:events("request")[2].body, server:events("request")[2].protocol, server:requests(),
        })
      end)

      it("refuses a stream, or leaves without having touched it", function()
        local _, conn = open "refuse_stream"
        assert.equal("\0\0\0\7", read_kind(conn, 3).payload)
        _, conn = open "go_away"
        assert.equal(("\0"):rep(8), read_kind(conn, 7).payload)
      end)

      it("leaves in the middle of its reply", function()
        local _, conn = open "reset_in_reply"
        local data = read_kind(conn, 0)
        assert.same({ 0, true }, { data.flags, #data.payload < #DOCUMENTED })
        assert.is_nil(wire.read_frame(conn))
      end)

      it("never answers", function()
        local server, conn = open "never_answer"
        server:events("request", 1)
        conn:settimeout(0.05)
        assert.is_nil(read_kind(conn, 1))
      end)
    end)
  end
end)
