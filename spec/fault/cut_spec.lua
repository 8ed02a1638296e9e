-- A reply that is cut anywhere is a connection that broke, and no portal's page: nobody waits for a person, and what it
-- says of the event is not known.
if not require("support.where").is("lua5.4", "luajit") then
  return
end
local batch = require "support.batch"
local documents = require "support.documents"
local helper = require "support.helper"
local posting = require "support.posting"
local rude = require "support.rude"

local OK, REPLY = "HTTP/1.1 200 OK\r\n", documents.reply
local LENGTH = ("Content-Length: %d\r\n\r\n"):format(#REPLY)
local CHUNKED = "Transfer-Encoding: chunked\r\n\r\n" .. ("%x\r\n"):format(#REPLY)

local CUT = {
  ["behind the status"] = OK, ["in the headers"] = OK .. "Content-Type: application/json\r\nContent-Le",
  ["before the body"] = OK .. LENGTH, ["in the body"] = OK .. LENGTH .. REPLY:sub(1, 40),
  ["before its last byte"] = OK .. LENGTH .. REPLY:sub(1, -2),
  ["in a chunk"] = OK .. CHUNKED .. REPLY:sub(1, 40), ["behind a chunk"] = OK .. CHUNKED .. REPLY:sub(1, -2),
  ["in a body without a length"] = OK .. "\r\n" .. REPLY:sub(1, 40), ["before such a body"] = OK .. "\r\n",
  ["in a 400"] = "HTTP/1.1 400 Bad Request\r\n" .. LENGTH .. REPLY:sub(1, 40),
}

-- What is whole, or said by the status alone.
local WHOLE = {
  bad_reply = OK .. "\r\n<html>Sign in</html>", endpoint = "HTTP/1.1 302 Found\r\n" .. LENGTH .. "{",
  unauthorized = "HTTP/1.1 401 Unauthorized\r\n" .. LENGTH .. "{", rejected = "HTTP/1.1 422 No\r\n" .. LENGTH .. "{",
}

local function first(bytes)
  local answer = ("{ raw = %q, close = true }"):format(bytes)
  return rude.start("script", { script = ("if request.nth == 1 then return %s end"):format(answer) })
end

describe("a reply that is cut", function()
  helper.guard()

  for place, bytes in pairs(CUT) do
    it(place .. ", holds nobody, and the event is sent again", function()
      local server = first(bytes)
      local events = batch.start(server.url, { retry = { initial = 0.01, max = 0.02 }, max_in_flight = 1 })
      events:track(1, 3)
      local stats = events:finish(3) -- a hold has five seconds
      assert.equal(3, stats.delivered)
      assert.equal("interrupted", stats.last_error.code)
      events:arrived(server:arrivals(), { [batch.id(1)] = 2, [batch.id(2)] = 2, [batch.id(3)] = 2 })
    end)

    it(place .. ", is left open by post", function()
      local outcome = posting.fails_with("interrupted", first(bytes).url)
      assert.same({ 1, "maybe" }, { outcome.detail.attempts, outcome.detail.sent })
    end)
  end

  it("where the status says all, or the page is another's, is what that says", function()
    for code, bytes in pairs(WHOLE) do
      assert.is_true(posting.fails_with(code, first(bytes).url).detail.sent, code)
    end
  end)
end)

-- What says by its status that the event was not taken: reset, cut off, or silent, in its body.
local DECLINED = {}
for _, status in ipairs { 425, 429, 503 } do
  for _, way in ipairs { "reset_in_reply", "close_in_reply", "raw" } do
    local head = ("HTTP/1.1 %d No\r\nRetry-After: 1\r\n"):format(status)
    DECLINED[status .. ", " .. way] = {
      status = status, code = status == 429 and "rate_limited" or "unavailable",
      way = way, bytes = head .. LENGTH .. REPLY:sub(1, 40),
    }
  end
end

local function declining(one)
  return rude.start(one.way, {
    times = 1, reply = one.way == "raw" and one.bytes
      or { status = one.status, headers = { ["Retry-After"] = "1" } },
  })
end

describe("a reply whose status says that the event was not taken, and whose body does not come", function()
  helper.guard()

  it("is followed by another attempt, not before Retry-After", function()
    local asked = {}
    for name, one in pairs(DECLINED) do
      local server = declining(one)
      local events = batch.start(server.url, {
        timeout = 1, retry = { initial = 0.01, max = 0.02, ambiguous = false },
      })
      events:track(1)
      asked[name] = { server = server, events = events, code = one.code }
    end
    for name, one in pairs(asked) do
      local stats = one.events:finish(10)
      assert.same({ name, 1, one.code }, { name, stats.delivered, stats.last_error.code })
      local arrivals = one.server:arrivals()
      assert.equal(2, #arrivals, name)
      assert.is_true(arrivals[2].at - arrivals[1].at >= 0.99, name)
    end
  end)

  it("is told of by post, with its Retry-After", function()
    for name, one in pairs(DECLINED) do
      local detail = posting.fails_with(one.code, declining(one).url, { timeout = 1 }).detail
      assert.same({ name, one.status, 1, true, false },
        { name, detail.http_status, detail.retry_after, detail.sent, detail.arrived })
    end
  end)
end)

describe("retry.ambiguous = false", function()
  helper.guard()

  -- What becomes of an event that is answered so for a start.
  local function outcome_after(answer)
    local server = rude.start("script", { script = ("if request.nth == 1 then return %s end"):format(answer) })
    local events = batch.start(server.url, { retry = { initial = 0.01, max = 0.02, ambiguous = false } })
    events:track(1)
    events:finish()
    local result = events.results[batch.id(1)]
    assert.equal(result.attempts, #server:arrivals())
    return result.outcome, result.code
  end

  it("sends nothing again that whoever answered may have passed on", function()
    for _, status in ipairs { 408, 500, 502, 504, 599 } do
      assert.same({ "unknown", "unavailable" }, { outcome_after(("{ status = %d, body = '{}' }"):format(status)) })
    end
    for place, bytes in pairs(CUT) do
      local outcome, code = outcome_after(("{ raw = %q, close = true }"):format(bytes))
      assert.same({ place, "unknown", "interrupted" }, { place, outcome, code })
    end
  end)

  it("sends again what was not taken", function()
    for _, status in ipairs { 425, 429, 503 } do
      assert.equal("delivered", (outcome_after(("{ status = %d, body = '{}' }"):format(status))))
    end
    local unable = '{"status":{"code":7301,"message":"unable to add feed"},"requestId":"x"}'
    assert.equal("delivered", (outcome_after(("{ body = %q }"):format(unable))))
  end)
end)
