-- What post makes of a reply: spec/vectors/replies.jsonl, served by a real nginx.
local documents = require "support.documents"
local helper = require "support.helper"
local nginx = require "support.nginx"
local postevent = require "postevent"
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
