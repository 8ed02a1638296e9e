-- What post makes of a reply: spec/vectors/replies.jsonl, served by a real nginx.
local documents = require "support.documents"
local helper = require "support.helper"
local nginx = require "support.nginx"
local postevent = require "postevent"
local rude = require "support.rude"
local vectors = require "support.vectors"

local replies = vectors "replies.jsonl"

describe("the reply", function()
  helper.guard()
  local server

  setup(function()
    server = nginx.start { replies = replies }
  end)

  for i, vector in ipairs(replies) do
    it("means what the vector says: " .. vector.name, function()
      local client = postevent.new { url = server.url .. "/" .. i, attempts = 1 }
      local reply, message, code, detail = client:post(documents.new_event())
      client:close()
      if vector.outcome == "delivered" then
        assert.is_table(reply, message)
        assert.is_number(reply.status.code)
        assert.equal(vector.status, reply.http_status)
        return
      end
      assert.is_nil(reply)
      assert.equal(vector.code, code)
      assert.equal(vector.status, detail.http_status)
      assert.is_true(detail.sent)
      assert.truthy(message:find(("HTTP %d"):format(vector.status), 1, true))
      if vector.retry_after and vector.retry_after > 0 then
        assert.equal(vector.retry_after, detail.retry_after)
      else
        assert.is_nil(detail.retry_after)
      end
    end)
  end

  it("A6: says of each failure whether the event may have arrived, as the table of codes does", function()
    local body = '{"status":{"code":%d,"message":"m"},"requestId":"a"}'
    local ANSWERS = {
      { 200, body:format(7301), false }, { 200, body:format(7308), false }, { 200, "<html>", "maybe" },
      { 400, "{}", false }, { 401, "{}", false }, { 403, "{}", false }, { 404, "{}", false }, { 408, "{}", "maybe" },
      { 422, "{}", false }, { 425, "{}", false }, { 429, "{}", false }, { 500, "{}", "maybe" },
      { 500, body:format(1000), "maybe" }, { 502, "no", "maybe" }, { 503, "{}", false }, { 503, "no", false },
      { 504, "", "maybe" },
    }
    local list = {}
    for i, answer in ipairs(ANSWERS) do
      list[i] = { status = answer[1], headers = {}, body = answer[2] }
    end
    local answering = nginx.start { replies = list }
    for i, answer in ipairs(ANSWERS) do
      local client = postevent.new { url = answering.url .. "/" .. i, attempts = 1 }
      local _, message, _, detail = client:post(documents.new_event())
      client:close()
      assert.equal(answer[3], detail.arrived, message)
      assert.is_true(detail.sent)
    end
  end)

  it("A6: is none, and the detail says whether the event may have arrived all the same", function()
    local function arrived(url, event)
      local client = postevent.new { url = url, attempts = 1, timeout = 0.3 }
      local detail = select(4, client:post(event or documents.new_event()))
      client:close()
      return detail.arrived
    end
    assert.is_false(arrived(("http://127.0.0.1:%d"):format(helper.free_port())))
    assert.is_false(arrived(server.url, {}))
    assert.equal("maybe", arrived(rude.start("reset").url))
    assert.equal("maybe", arrived(rude.start("never_answer").url))
    assert.is_false(arrived((rude.start("silent_handshake").url:gsub("http:", "https:"))))
  end)

  it("is told to the caller of a refusal", function()
    for i, vector in ipairs(replies) do
      if vector.name == "a refusal inside a 200" then
        local client = postevent.new { url = server.url .. "/" .. i }
        local _, message, _, detail = client:post(documents.new_event())
        client:close()
        assert.equal(7308, detail.reply.status.code)
        assert.equal("Invalid customer ID passed.", detail.reply.status.message)
        assert.equal("a", detail.reply.requestId)
        assert.equal("RAND121", detail.event_id)
        assert.truthy(message:find("7308: Invalid customer ID passed.", 1, true), message)
        return
      end
    end
    error "the vector is gone"
  end)

  it("delivers with the codes that the user accepts", function()
    for i, vector in ipairs(replies) do
      if vector.name == "a refusal inside a 200" then
        local client = postevent.new { url = server.url .. "/" .. i, accept_codes = { 1100, 7308 } }
        assert.equal(7308, assert(client:post(documents.new_event())).status.code)
        client:close()
      end
    end
  end)
end)
