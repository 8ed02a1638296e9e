-- Events against definitions: spec/vectors/events.jsonl, and what the options change.
local cjson = require "cjson"
local documents = require "support.documents"
local helper = require "support.helper"
local postevent = require "postevent"
local vectors = require "support.vectors"

local URL = "http://127.0.0.1:1/"
local DEFINITIONS = "spec/vectors/definitions.json"

local function names_of(problems)
  local names = {}
  for i, problem in ipairs(problems or {}) do
    names[i] = problem.attribute .. ": " .. problem.rule
  end
  table.sort(names)
  return names
end

describe("an event with a definition", function()
  helper.guard()
  local definitions = postevent.definitions(DEFINITIONS)

  local function new(options)
    options = options or {}
    options.url = options.url or URL
    options.definitions = options.definitions or definitions
    local client = postevent.new(options)
    helper.defer(function()
      client:close()
    end)
    return client
  end

  local function message_of(event, options)
    local body, message, code = new(options):encode(event)
    assert.is_nil(body)
    assert.equal("invalid_event", code)
    return message
  end

  local function with(changes)
    local event = documents.new_event()
    for name, value in pairs(changes) do
      event[name] = value
    end
    return event
  end

  for _, vector in ipairs(vectors "events.jsonl") do
    it("agrees with the vector: " .. vector.name, function()
      local body, _, code, detail = new():encode(vector.event)
      if vector.ok then
        assert.is_string(body)
      else
        assert.is_nil(body)
        assert.equal("invalid_event", code)
        assert.is_false(detail.sent)
        assert.same(names_of(vector.problems), names_of(detail.problems))
      end
    end)
  end

  it("is refused by post at once, and nothing is sent", function()
    local sandbox = helper.start_sandbox()
    local client = new { url = sandbox.url }
    local reply, message, code, detail = client:post(with { age = "20", hotelname = "X" })
    assert.is_nil(reply)
    assert.equal("invalid_event", code)
    assert.same({ "age: type", "hotelname: unknown" }, names_of(detail.problems))
    assert.truthy(message:find("age: expected a number, got text", 1, true))
    assert.truthy(message:find("hotelname: unknown attribute, did you mean hotel_name?", 1, true))
    assert.equal(0, #sandbox:events())
    assert(client:post(documents.new_event()))
    assert.equal(1, #sandbox:events())
  end)

  it("is told what was expected and what came", function()
    assert.equal('room_nights: "99" is not one of 1, 2, ... 15', message_of(with { room_nights = "99" }))
    assert.equal("event_name: unknown event, did you mean be_reserved?", message_of(with { event_name = "be_reservd" }))
    assert.equal("event_name: unknown event", message_of(with { event_name = "something_else" }))
    assert.equal("quite_different: unknown attribute", message_of(with { quite_different = 1 }))
    local _, _, _, detail = new():encode { event_name = "be_reserved" }
    assert.same({ "age: missing", "customer_id: missing", "hotel_name: missing", "room_nights: missing" },
      names_of(detail.problems))
  end)

  it("never shows a value that is marked isPsiData", function()
    local short = {
      e = {
        c = "customer", card = { type = "string", sensitive = true, regex = "[0-9]{4}" },
        pin = { type = "enum", sensitive = true, values = { "1" } }, born = { type = "date", sensitive = true },
        mail = { type = "customer:email", sensitive = true },
      },
    }
    local message = message_of({ event_name = "e", c = "x", card = "s3cret", pin = "s3cret", born = "s3cret",
      mail = "s3cret" }, { definitions = short })
    assert.is_nil(message:find("s3cret", 1, true), message)
    for _, name in ipairs { "card: ", "pin: ", "born: ", "mail: " } do
      assert.truthy(message:find(name, 1, true))
    end
  end)

  it("shows little of a long value, and no control characters", function()
    local message = message_of(with { room_nights = ("\27é"):rep(1000) })
    assert.is_true(#message < 200)
    assert.is_nil(message:find "%c")
  end)

  describe("with validation = \"warn\"", function()
    it("is sent all the same, and logged", function()
      local lines = {}
      local client = new {
        validation = "warn",
        log = function(level, message)
          lines[#lines + 1] = level .. ": " .. message
        end,
      }
      assert.truthy(client:encode(with { age = "20" }):find('"age":"20"', 1, true))
      assert.same({ "warn: an invalid event was sent all the same: age: expected a number, got text" }, lines)
      assert.is_string(client:encode(documents.event))
      assert.is_string(client:encode(with { event_name = "unheard_of" }))
      assert.equal(1, #lines) -- at most one line a second
    end)

    it("is refused where JSON cannot carry it, or its name is missing", function()
      local client = new { validation = "warn" }
      for attribute, value in pairs { age = 0 / 0, hotel_name = "\255", room_nights = print } do
        local body, message, code = client:encode(with { [attribute] = value })
        assert.is_nil(body)
        assert.equal("invalid_event", code)
        assert.truthy(message:find(attribute .. ": ", 1, true))
      end
      assert.equal("invalid_event", select(3, client:encode { age = 1 }))
    end)
  end)

  it("is not checked with validation = \"off\", but completed", function()
    local client = new { validation = "off" }
    local body = client:encode { event_name = "be_reserved", age = "x", nonsense = true, eventDateTime = 0 }
    local event = cjson.decode(body)
    assert.equal("1970-01-01 00:00:00", event.eventDateTime)
    assert.equal(36, #event.external_event_id)
    assert.is_true(event.nonsense)
    assert.is_nil((client:encode { event_name = "be_reserved", age = 0 / 0 }))
  end)

  it("may have unknown attributes, or be unknown, where the file lags behind", function()
    assert.is_string(new { unknown_attributes = "allow" }:encode(with { brand_new = 1 }))
    assert.is_nil((new { unknown_attributes = "allow" }:encode(with { brand_new = 1, age = "x" })))
    assert.is_string(new { unknown_events = "allow" }:encode { event_name = "brand_new", x = 1 })
    assert.is_nil((new { unknown_events = "allow" }:encode(with { brand_new = 1 })))
  end)

  it("gets an id where its definition has one as text, and only there", function()
    local client = new()
    local event = with {}
    event.external_event_id = nil
    assert.equal(36, #cjson.decode(client:encode(event)).external_event_id)
    event.external_event_id = cjson.null
    assert.equal(36, #cjson.decode(client:encode(event)).external_event_id)
    local cart = { event_name = "cart_updated", email = "asha@example.com", sku = "S", quantity = 2 }
    assert.is_nil(cjson.decode(client:encode(cart)).external_event_id)
    assert.equal(36, #cjson.decode(new { id_attribute = "brand" }:encode(cart)).brand)
    assert.is_nil(cjson.decode(new { id_attribute = "elsewhere" }:encode(cart)).elsewhere)
  end)

  it("gets it in place of an empty text, too; where one is required, that is refused, or told", function()
    for _, kind in ipairs { "string", "string?" } do
      for validation, is_told in pairs { strict = true, warn = true, off = false } do
        local lines = {}
        local client = postevent.new {
          mode = "record", definitions = { e = { c = "customer", id = kind } }, id_attribute = "id",
          validation = validation, log = function(_, line) lines[#lines + 1] = line end,
        }
        local reply, message = client:post { event_name = "e", c = "1", id = "" }
        if kind == "string" and validation == "strict" then
          assert.equal("id: missing", message)
        else
          assert.equal(36, #reply.event_id)
          assert.equal(reply.event_id, client:recorded()[1].id)
        end
        local told = table.concat(lines, "\n"):find("id: missing", 1, true) ~= nil
        assert.equal(kind == "string" and is_told, told, validation)
        client:close()
      end
    end
  end)

  it("gets the common attributes that its definition has, and the standard ones", function()
    local client = new { common = { currency = "INR", storeUnitID = "st-7" } }
    local cart = cjson.decode(client:encode { event_name = "cart_updated", email = "a@b", sku = "S", quantity = 2 })
    assert.equal("INR", cart.currency)
    assert.equal("st-7", cart.storeUnitID)
    local reserved = cjson.decode(client:encode(documents.event))
    assert.is_nil(reserved.currency)
    assert.equal("st-7", reserved.storeUnitID)
  end)

  it("gets them before before_send sees it, and in mode record, by the same rule", function()
    local seen
    local options = {
      mode = "record", common = { currency = "INR", storeUnitID = "st-7" },
      before_send = function(event)
        seen = event
        return event
      end,
    }
    local client = new(options)
    assert.is_string((client:encode(documents.event)))
    assert.is_nil(seen.currency)
    assert.equal("st-7", seen.storeUnitID)
    assert(client:encode { event_name = "cart_updated", email = "a@b", sku = "S", quantity = 2 })
    assert.equal("INR", seen.currency)
  end)

  it("may have the standard attributes in its definition", function()
    local definition = { e = { c = "customer", eventDateTime = "string", storeUnitID = "string?" } }
    local client = new { definitions = definition }
    assert.truthy(client:encode({ event_name = "e", c = "1" }):find('"eventDateTime":"', 1, true))
    assert.truthy(client:encode({ event_name = "e", c = "1", eventDateTime = 0 }):find("1970-01-01", 1, true))
  end)

  it("is told once of a value that JSON cannot carry, and in the order of the names", function()
    assert.equal("age: expected a finite number; hotel_name: not UTF-8",
      message_of(with { hotel_name = "\255", age = 0 / 0 }))
    assert.equal("customer_id: missing; hotel_name: missing; hotelname: unknown attribute, did you mean hotel_name?; "
      .. "room_nights: expected text, got a number", message_of { event_name = "be_reserved", age = 1, room_nights = 2,
        hotelname = "x" })
  end)

  it("is told of a common attribute that breaks its definition", function()
    assert.equal("currency: expected text, got a number",
      message_of({ event_name = "cart_updated", email = "a@b", sku = "S", quantity = 2 },
        { common = { currency = 1 } }))
  end)

  it("has its numbers written as dates where dates belong", function()
    local client = new()
    local event = cjson.decode(client:encode {
      event_name = "membership_renewed", member = "E", renewed_on = 1713000000.9, eventDateTime = 0,
    })
    assert.equal("2024-04-13 09:20:00", event.renewed_on)
    assert.equal("1970-01-01 00:00:00", event.eventDateTime)
    assert.truthy(message_of({ event_name = "membership_renewed", member = "E", renewed_on = 1713000000000 })
      :find("milliseconds", 1, true))
  end)

  it("is recorded as it would be sent", function()
    local client = new { mode = "record", url = URL }
    assert(client:post { event_name = "membership_renewed", member = "E", renewed_on = 1713000000 })
    assert.equal("2024-04-13 09:20:00", client:recorded()[1].renewed_on)
    assert.equal("invalid_event", select(3, client:post { event_name = "membership_renewed" }))
    assert.equal(1, #client:recorded())
  end)

  it("is accepted when its definition is not published, and logged once", function()
    local lines = {}
    local client = new {
      definitions = { data = { { clickEventsMeta = { eventName = "draft", status = "UNPUBLISHED", fields = {
        { name = "c", type = "CUSTOMER" } } } } } },
      log = function(_, message)
        lines[#lines + 1] = message
      end,
    }
    for _ = 1, 3 do
      assert.is_string(client:encode { event_name = "draft", c = "x" })
    end
    assert.same({ "the event draft is not published on the platform" }, lines)
  end)

  it("makes no table when it is valid", function()
    local client = new()
    for _ = 1, 10 do
      client:encode(documents.event)
    end
    collectgarbage()
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    for _ = 1, 1000 do
      client:encode(documents.event)
    end
    local bytes = (collectgarbage "count" - before) * 1024 / 1000
    collectgarbage "restart"
    assert.is_true(bytes < 250, ("%d bytes an event"):format(bytes)) -- the string that encode returns is 172
  end)
end)
