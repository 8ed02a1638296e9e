-- When post tries again, and when it must not: the event may have arrived.
local documents = require "support.documents"
local helper = require "support.helper"
local posting = require "support.posting"
local process = helper.process
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
    assert.is_true(outcome.elapsed < 1)
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

  it("with the same id and the same time", function()
    local sandbox = helper.start_sandbox()
    local client = posting.client(sandbox.url, { id_attribute = "external_event_id" })
    local first = process.now()
    assert(client:post { event_name = "e" })
    client:close()
    assert.is_true(process.now() - first < 5)
    local event = sandbox:events()[1].event
    assert.is_string(event.external_event_id)
    assert.is_string(event.eventDateTime)
  end)
end)
