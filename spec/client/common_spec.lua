-- client:set_common replaces the common attributes from the next event on.
local cjson = require "cjson"
local helper = require "support.helper"
local tracking = require "support.tracking"

local DEFINITIONS = "spec/vectors/definitions.json"

describe("client:set_common", function()
  helper.guard()
  local sandbox = helper.shared_sandbox()
  local new = tracking.maker(sandbox)

  local function encoded(client, event)
    event.eventDateTime = "2024-04-11 12:00:00"
    return cjson.decode((assert(client:encode(event))))
  end

  it("replaces what every later event gets, and what is queued keeps what it had", function()
    local client = new { common = { shop = "a" } }
    client:track { event_name = "first" }
    assert.is_true(client:set_common { customer_id = "c-1" })
    client:track { event_name = "second" }
    assert(client:post { event_name = "third" })
    assert.is_true(client:set_common(nil))
    client:track { event_name = "fourth" }
    assert.is_true(client:flush(5))
    local found = {}
    for _, entry in ipairs(sandbox:events()) do
      found[entry.event.event_name] = { shop = entry.event.shop, customer_id = entry.event.customer_id }
    end
    local logged_in = { customer_id = "c-1" }
    assert.same({ first = { shop = "a" }, second = logged_in, third = logged_in, fourth = {} }, found)
  end)

  it("takes none for nil and for an empty table, in every mode", function()
    for _, mode in ipairs { "record", "off" } do
      local client = new { mode = mode, common = { shop = "a" } }
      client:set_common {}
      assert.is_nil(encoded(client, { event_name = "e" }).shop)
      client:set_common { shop = "b" }
      assert.equal("b", encoded(client, { event_name = "e" }).shop)
      client:set_common()
      assert.is_nil(encoded(client, { event_name = "e" }).shop)
    end
  end)

  it("is what before_send sees, and what recorded events have", function()
    local client = new { mode = "record", before_send = function(event)
      event.seen = event.customer_id or "none"
      return event
    end }
    client:track { event_name = "e" }
    client:set_common { customer_id = "c-1", event_name = "usual" }
    client:track {}
    local recorded = client:recorded()
    assert.same({ "none", "c-1" }, { recorded[1].seen, recorded[2].seen })
    assert.equal("usual", recorded[2].event_name)
  end)

  it("may be called by before_send, for the next event", function()
    local client
    client = new { mode = "record", before_send = function(event)
      client:set_common { round = (event.round or 0) + 1 }
      return event
    end }
    for _ = 1, 3 do
      client:track { event_name = "e" }
    end
    local rounds = {}
    for i, event in ipairs(client:recorded()) do
      rounds[i] = event.round or 0
    end
    assert.same({ 0, 1, 2 }, rounds)
  end)

  it("keeps a copy, and gives only what the definition of an event has", function()
    local client = new { definitions = DEFINITIONS, unknown_attributes = "error" }
    local common = { hotel_name = "Ritz", not_there = 1 }
    client:set_common(common)
    common.hotel_name = "changed"
    local event = require("support.documents").new_event()
    event.hotel_name = nil
    local sent = encoded(client, event)
    assert.same({ "Ritz", nil }, { sent.hotel_name, sent.not_there })
  end)

  it("is checked as `common` is in new, and a mistake leaves those before", function()
    local client = new { mode = "record", common = { shop = "a" } }
    for _, wrong in ipairs { "text", 7, true, { age = 0 / 0 }, { [1] = "x" }, { text = "\255" } } do
      local ok, message = pcall(client.set_common, client, wrong)
      assert.is_false(ok)
      assert.truthy(message:find("^[^\n]*set_common: common: "), message)
      assert.equal("a", encoded(client, { event_name = "e" }).shop)
      local _, at_new = pcall(new, { mode = "record", common = wrong })
      assert.equal(at_new:match " (common: .*)", message:match "set_common: (.*)")
    end
  end)

  it("says so where the client is closed, and where there is none", function()
    local client = new { mode = "record" }
    client:close()
    assert.equal("closed", select(3, client:set_common { shop = "a" }))
    assert.is_false((pcall(client.set_common, {}, { shop = "a" })))
  end)

  it("is called from a coroutine as from anywhere", function()
    local client = new { mode = "record" }
    assert(coroutine.wrap(function()
      return client:set_common { shop = "co" }
    end)())
    assert.equal("co", encoded(client, { event_name = "e" }).shop)
  end)
end)
