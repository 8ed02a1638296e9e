-- Was it sent? libcurl posts again behind the caller's back when a kept-alive connection breaks: one request must
-- arrive, and the caller must learn that it may have.
local documents = require "support.documents"
local helper = require "support.helper"
local certificates = require "support.certificates"
local posting = require "support.posting"
local proxy = require "support.proxy"
local rude = require "support.rude"

describe("a server that reads the second request of a connection and resets", function()
  helper.guard()

  local function second_request(server, options)
    local client = posting.client(server.url, options)
    helper.defer(function()
      client:close()
    end)
    local reply, message = client:post(documents.new_event())
    assert.is_table(reply, message)
    local code, detail
    reply, message, code, detail = client:post(documents.new_event())
    assert.is_nil(reply)
    assert.equal("interrupted", code, message)
    assert.equal("maybe", detail.sent)
    assert.equal(1, detail.attempts)
    assert.equal("RAND121", detail.event_id)
    assert.is_string(message)
    posting.assert_no_secret(message, detail)
    assert.equal(2, #server:events("request", 2))
    reply = client:post(documents.new_event()) -- a new connection: the client is none the worse
    assert.is_table(reply)
    assert.equal(3, server:requests())
  end

  it("gets one request", function()
    second_request(rude.start "reset_second_request")
  end)

  it("gets one request over TLS", function()
    second_request(rude.start("reset_second_request", { tls = true }), {
      tls = { ca_file = certificates.get().ca_file },
    })
  end)

  it("gets one request through a proxy's tunnel", function()
    local server = rude.start("reset_second_request", { tls = true })
    server.url = server.url:gsub("localhost", "127.0.0.1") -- the proxy looks names up itself; /etc/hosts may be missing
    second_request(server, {
      proxy = proxy.start().url, tls = { ca_file = certificates.get().ca_file },
    })
  end)

  it("gets one request when it closes instead", function()
    second_request(rude.start("close", { answer = 1 }))
  end)
end)

describe("the first request of a connection", function()
  helper.guard()

  for _, case in ipairs { { "plain" }, { "TLS", tls = true } } do
    it("is sent once when the server reads it and breaks off: " .. case[1], function()
      for _, behaviour in ipairs { "reset", "close", "reset_in_reply" } do
        local server = rude.start(behaviour, { tls = case.tls })
        local outcome = posting.fails_with("interrupted", server.url, {
          attempts = 3, tls = case.tls and { ca_file = certificates.get().ca_file } or nil,
        })
        assert.equal("maybe", outcome.detail.sent)
        assert.equal(1, outcome.detail.attempts)
        assert.equal(1, server:requests())
        server:stop()
      end
    end)
  end
end)
