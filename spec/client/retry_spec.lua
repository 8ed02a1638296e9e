-- When post tries again, and when it must not: the event may have arrived.
local documents = require "support.documents"
local helper = require "support.helper"
local posting = require "support.posting"
local rude = require "support.rude"

local ANSWERED = { body = documents.reply }

describe("post tries again", function()
  helper.guard()

  for _, status in ipairs { 429, 503, 425 } do
    it("after " .. status .. ", when the platform asks to come back", function()
      local server = rude.start("sequence", { replies = { { status = status, body = "{}" }, ANSWERED } })
      local outcome = posting.post(server.url)
      assert.is_table(outcome.reply, outcome.message)
      assert.equal(2, outcome.reply.attempts)
      assert.equal(2, server:requests())
      assert.equal("warn: a post took 2 attempts and ended delivered", outcome.log[1])
    end)
  end

  it("not before Retry-After, in seconds or as a date", function()
    local server = rude.start("sequence", {
      replies = { { status = 429, headers = { ["Retry-After"] = "1" }, body = "{}" }, ANSWERED },
    })
    local outcome = posting.post(server.url)
    assert.equal(2, outcome.reply.attempts)
    assert.is_true(outcome.elapsed >= 1, "it came back after " .. outcome.elapsed)
    server:stop()

    local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 2)
    server = rude.start("sequence", {
      replies = { { status = 503, headers = { ["Retry-After"] = date }, body = "{}" }, ANSWERED },
    })
    outcome = posting.post(server.url)
    assert.equal(2, outcome.reply.attempts)
    assert.is_true(outcome.elapsed >= 0.9, "it came back after " .. outcome.elapsed)
  end)

  it("as often as it may and no more", function()
    local server = rude.start("answer", { reply = { status = 503, body = "{}" } })
    for _, attempts in ipairs { 1, 2, 3 } do
      local before = server:requests()
      local outcome = posting.post(server.url, { attempts = attempts })
      assert.equal("unavailable", outcome.code)
      assert.equal(attempts, outcome.detail.attempts)
      assert.equal(attempts, server:requests() - before)
    end
  end)

  it("when nobody listens, until somebody does", function()
    local port = helper.free_port()
    local outcome = posting.fails_with("unreachable", ("http://127.0.0.1:%d/"):format(port), { attempts = 3 })
    assert.equal(3, outcome.detail.attempts)
    assert.is_false(outcome.detail.sent)
  end)

  it("but gives up at once when Retry-After is longer than the time left", function()
    local server = rude.start("answer", {
      reply = { status = 429, headers = { ["Retry-After"] = "60" }, body = "{}" },
    })
    local outcome = posting.post(server.url, { timeout = 5 })
    assert.equal("rate_limited", outcome.code)
    assert.equal(60, outcome.detail.retry_after)
    assert.equal(1, outcome.detail.attempts)
    assert.is_true(outcome.elapsed < 4)
    assert.equal(1, server:requests())
  end)

  for _, status in ipairs { 400, 401, 403, 404, 408, 409, 500, 501, 502, 504, 511 } do
    it("never after " .. status, function()
      local server = rude.start("answer", { reply = { status = status, body = "{}" } })
      local outcome = posting.post(server.url)
      assert.equal(1, outcome.detail.attempts)
      assert.equal("RAND121", outcome.detail.event_id)
      assert.equal(1, server:requests())
    end)
  end

  it("and tells of the last attempt whether it was sent: those before it were not taken", function()
    local server = rude.start("sequence", {
      replies = { { status = 503, body = "{}" }, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{" },
    })
    local outcome = posting.post(server.url, { timeout = 2 })
    assert.equal("timeout", outcome.code)
    assert.equal("maybe", outcome.detail.sent)
    assert.equal(2, outcome.detail.attempts)
    server:stop()

    server = rude.start("sequence", { replies = { { status = 503, body = "{}", close = true } } })
    outcome = posting.post(server.url, { attempts = 2 })
    assert.equal("unavailable", outcome.code)
    assert.is_true(outcome.detail.sent)
  end)

  it("with the same id and the same time", function()
    local server = rude.start("sequence", { replies = { { status = 503, body = "{}" }, ANSWERED } })
    local outcome = posting.post(server.url, { id_attribute = "my_id" }, { event_name = "e", external_event_id = "x" })
    assert.is_table(outcome.reply, outcome.message)
    local requests = server:events("request", 2)
    assert.equal(requests[1].body, requests[2].body)
    assert.truthy(requests[1].body:find('"my_id":"' .. outcome.reply.event_id, 1, true))
    assert.truthy(requests[1].body:find('"eventDateTime":"', 1, true))
  end)
end)
