-- Sources of definitions: the platform's downloads, the short form, and what is wrong with them.
local cjson = require "cjson"
local helper = require "support.helper"
local postevent = require "postevent"

local FILE = "spec/vectors/definitions.json"

local function error_of(source)
  local ok, message = pcall(function()
    return (postevent.definitions(source))
  end)
  assert.is_false(ok, "the source was accepted")
  return message
end

local function meta(name, fields, changes)
  local result = { eventName = name, status = "PUBLISHED", fields = fields }
  for key, value in pairs(changes or {}) do
    result[key] = value
  end
  return result
end

local CUSTOMER = { name = "c", type = "CUSTOMER", attributes = {} }

describe("postevent.definitions", function()
  helper.guard()

  local function accepts(source, event, options)
    options = options or {}
    options.mode, options.definitions = "record", source
    local client = postevent.new(options)
    local body, message = client:encode(event)
    client:close()
    return body ~= nil, message
  end

  it("reads each of the platform's forms, as a file, a string or a table", function()
    local text = helper.read_file(FILE)
    local document = cjson.decode(text)
    local one = document.data[1]
    local event = {
      event_name = "be_reserved", age = 1, customer_id = "9988776655", hotel_name = "x", room_nights = "1",
    }
    for _, source in ipairs {
      FILE, text, document, one, one.clickEventsMeta, cjson.encode(one), { one }, { one.clickEventsMeta },
      { data = { { standardClickEventsMeta = one.clickEventsMeta } }, warnings = {} },
      { standardClickEventsMeta = one.clickEventsMeta }, postevent.definitions(FILE),
      "  \n" .. cjson.encode(one.clickEventsMeta),
    } do
      assert.same({ true }, { accepts(source, event) })
      assert.is_false((accepts(source, { event_name = "be_reserved" })))
    end
  end)

  it("may be used by any number of clients", function()
    local definitions = postevent.definitions(FILE)
    assert.equal("postevent.definitions (3 events)", tostring(definitions))
    for _ = 1, 3 do
      assert.is_false((accepts(definitions, { event_name = "be_reserved" })))
    end
    collectgarbage()
    collectgarbage()
    assert.is_false((accepts(definitions, { event_name = "be_reserved" })))
  end)

  it("outlives the table that it came from", function()
    local client = postevent.new { mode = "record", definitions = postevent.definitions(FILE) }
    collectgarbage()
    collectgarbage()
    assert.equal("invalid_event", select(3, client:encode { event_name = "be_reserved" }))
    client:close()
    assert.equal("closed", select(3, client:encode { event_name = "be_reserved" }))
  end)

  it("raises when there is no such file, or it cannot be read", function()
    for _, source in ipairs { "/not/there.json", "events.jsn", "spec", "" } do
      local message = error_of(source)
      assert.truthy(message:find(source, 1, true))
      assert.truthy(message:find "definitions_spec%.lua:%d+: postevent%.definitions: ")
      local ok, raised = pcall(postevent.new, { mode = "record", definitions = source })
      assert.is_false(ok)
      assert.truthy(raised:find("definitions: ", 1, true))
    end
    for _, source in ipairs { 5, true, print } do
      assert.is_string(error_of(source))
    end
    assert.is_string(error_of(nil))
  end)

  it("tells line and column of malformed JSON", function()
    local path = helper.new_file('{\n  "data": [\n    {"x" 1}\n  ]\n}\n', ".json")
    local message = error_of(path)
    assert.truthy(message:find(path, 1, true))
    assert.truthy(message:find("line 3, column %d+"), message)
    assert.truthy(error_of("[1, 2"):find("line 1, column %d+"))
  end)

  it("refuses what is no definition", function()
    for _, source in ipairs {
      "[]", "{}", "[1]", '{"data":[1],"warnings":[]}', {}, { e = 5 }, { e = { c = 5 } }, { e = { c = "cust omer" } },
      { e = { c = {} } }, { [1] = "x" }, { data = { {} }, errors = {} },
      '{"data":[],"warnings":[],"errors":[{"code":1}]}', '{"message":"Unauthorized"}',
      meta(5, {}), meta("e", { {} }), meta("e", { { name = "x" } }), meta("e", { { name = "x", type = 5 } }),
      meta("e", { { name = "x", type = "STRING", attributes = { isRequired = { value = "yes" } } } }),
      { e = { c = "customer", x = { type = "string", requird = true } } },
    } do
      assert.is_string(error_of(source))
    end
  end)

  -- What may stand anywhere in a table by mistake.
  local WRONG = { 0, 5, 0 / 0, 1 / 0, true, false, "", "x", {}, { 5 }, { "x" }, { {} }, { x = 1 }, { value = 5 },
    { values = 5 }, { values = "a" }, { values = { {} } }, { values = { 0 / 0 } }, { value = {} }, cjson.null, print,
    coroutine.create(function() end) }

  -- Whatever is wrong with `make(value)`, it is taken, or the message begins with `where`.
  local function assert_named(where, make)
    for i, value in ipairs(WRONG) do
      local ok, message = pcall(postevent.definitions, make(value))
      if not ok then
        message = message:match "postevent%.definitions: (.*)$"
        assert.truthy(message:sub(1, #where) == where, ("%s, value %d: %s"):format(where, i, message))
        assert.is_nil(message:find "attempt to" or message:find "bad argument" or message:find "%.lua:", message)
      end
    end
  end

  it("names the event and the attribute, whatever is wrong in the short form", function()
    for _, field in ipairs { "type", "required", "values", "regex", "identifier", "sensitive", "unique", 1, 2 } do
      assert_named("event e, attribute c", function(value)
        return { e = { c = { type = field ~= 1 and field ~= 2 and "customer" or nil, [field] = value } } }
      end)
    end
    assert_named("event e, attribute c", function(value) return { e = { c = value } } end)
    assert_named("event e", function(value) return { e = value } end)
    assert.truthy(error_of { e = { c = "customer", [5] = "string" } }
      :find("event e: the name of an attribute must be text", 1, true))
    for field, words in pairs { identifier = "identifier: expected text", regex = "regex: expected text",
      values = "the possible values must be a list" } do
      assert.truthy(error_of { e = { c = { type = "customer", [field] = 5 } } }:find(words, 1, true))
    end
  end)

  it("takes an empty text for what is absent", function()
    for _, field in ipairs { "identifierType", "regex", "possibleValues" } do
      for _, value in ipairs { "", { value = "" }, { values = "" } } do
        assert.truthy(postevent.definitions(meta("e", { CUSTOMER, { name = "x", type = "STRING",
          attributes = { [field] = value } } })))
      end
    end
  end)

  it("names the event and the attribute, whatever is wrong in the platform's form", function()
    for _, field in ipairs { "identifierType", "isRequired", "isPsiData", "isUniqueKeyField", "regex",
      "possibleValues" } do
      assert_named("event e, attribute x", function(value)
        return meta("e", { CUSTOMER, { name = "x", type = "STRING", attributes = { [field] = value } } })
      end)
    end
    for _, field in ipairs { "type", "attributes" } do
      assert_named("event e, attribute x", function(value)
        return meta("e", { CUSTOMER, { name = "x", type = field ~= "type" and "STRING" or nil, [field] = value } })
      end)
    end
    assert_named("event e: a field has no name", function(value)
      return meta("e", { CUSTOMER, { name = value, type = "STRING" } })
    end)
    assert_named("event e: a field has no name", function(value) return meta("e", { CUSTOMER, value }) end)
    for _, field in ipairs { "label", "status", "fields", "standardEvent" } do
      assert_named("event e", function(value) return meta("e", { CUSTOMER }, { [field] = value }) end)
    end
    local message = error_of('{"eventName":"e","fields":[{"name":"x","type":"ENUM","attributes":'
      .. '{"possibleValues":{"values":5}}}]}')
    assert.truthy(message:find("event e, attribute x: the possible values must be a list", 1, true), message)
  end)

  it("names the event that has more attributes than the core takes", function()
    local fields = { CUSTOMER }
    for i = 1, 256 do
      fields[i + 1] = { name = "a" .. i, type = "STRING" }
    end
    assert.truthy(error_of(meta("much", fields)):find("event much: it has more than 256 attributes", 1, true))
  end)

  it("reads flags as text or as booleans, and takes a missing isRequired for true", function()
    for _, flag in ipairs { "true", "TRUE", true, { value = "true" }, { value = true }, {}, { valueType = "B" } } do
      local source = meta("e", { CUSTOMER, { name = "x", type = "string", attributes = { isRequired = flag } } })
      assert.is_false((accepts(source, { event_name = "e", c = "1" })))
      assert.is_true((accepts(source, { event_name = "e", c = "1", x = "y" })))
    end
    for _, flag in ipairs { "false", "False", false, { value = "false" }, { value = false } } do
      local source = meta("e", { CUSTOMER, { name = "x", type = "string", attributes = { isRequired = flag } } })
      assert.is_true((accepts(source, { event_name = "e", c = "1" })))
    end
  end)

  it("reads the short form", function()
    local source = {
      be_reserved = {
        customer_id = "customer:mobile", age = "double", room_nights = { "enum", "1", "2" }, note = "string?",
        card = { type = "string", required = false, sensitive = true, unique = true, regex = "[0-9]{4}" },
      },
      other = { who = "Customer:EMAIL", when = "date?", n = "INTEGER", yes = "boolean", sku = "productSku?" },
    }
    local event = { event_name = "be_reserved", customer_id = "9988776655", age = 1.5, room_nights = "2" }
    assert.same({ true }, { accepts(source, event) })
    event.card = "12345"
    assert.is_false((accepts(source, event)))
    event.card, event.room_nights = "1234", "3"
    assert.is_false((accepts(source, event)))
    assert.same({ true }, { accepts(source, { event_name = "other", who = "a@b", n = 1, yes = false }) })
    local _, message = accepts(source, { event_name = "other", who = "a", n = 1.5, yes = 1 })
    assert.truthy(message:find("who: ", 1, true) and message:find("n: ", 1, true) and message:find("yes: ", 1, true))
    local events = postevent.definitions(source).events
    assert.equal("card", events[1].attributes[2].name)
    assert.is_true(events[1].attributes[2].unique)
    assert.is_true(events[1].attributes[2].sensitive)
  end)

  local function many(count)
    local attributes = { c = "customer" }
    for i = 2, count do
      attributes["a" .. i] = "string?"
    end
    return attributes
  end

  local function platform_of(attributes)
    local fields = {}
    for name, kind in pairs(attributes) do
      fields[#fields + 1] = { name = name, type = kind:gsub("%?", ""), attributes = { isRequired = "false" } }
    end
    return meta("e", fields)
  end

  it("holds the short form to the platform's limits, and only warns of the platform's own download", function()
    for expected, attributes in pairs {
      ["21 attributes"] = many(21),
      ["more than 50 characters"] = { c = "customer", [("x"):rep(51)] = "string" },
      ["no customer attribute"] = { x = "string" },
      ["an enum without values"] = { c = "customer", x = "enum" },
      ["unknown type COLOUR"] = { c = "customer", x = "colour" },
    } do
      local message = error_of { e = attributes }
      assert.truthy(message:find(expected, 1, true), message)
      assert.truthy(message:find("event e", 1, true))
      local lines = {}
      local client = postevent.new {
        mode = "record", definitions = platform_of(attributes),
        log = function(level, line)
          lines[#lines + 1] = level .. ": " .. line
        end,
      }
      client:close()
      assert.truthy(lines[1]:find(expected, 1, true), lines[1])
      assert.truthy(lines[1]:find "^warn: event e")
    end
    assert.is_table(postevent.definitions { e = many(20) })
    local twice = postevent.definitions(meta("e", { CUSTOMER, CUSTOMER }))
    assert.truthy(twice.warnings[1]:find("attribute c: it is there twice", 1, true))
    twice = postevent.definitions { meta("e", { CUSTOMER }), meta("e", { CUSTOMER }) }
    assert.truthy(twice.warnings[1]:find("event e: it is there twice", 1, true))
  end)

  it("takes the first of what is there twice, and asks for no second", function()
    local source = meta("e", {
      CUSTOMER, CUSTOMER, { name = "age", type = "DOUBLE", attributes = { isPsiData = true } },
      { name = "age", type = "STRING", attributes = { regex = "(" } },
      { name = "note", type = "STRING", attributes = { isRequired = false } }, { name = "note", type = "STRING" },
    })
    assert.same({ true }, { accepts(source, { event_name = "e", c = "1", age = 20 }) })
    assert.same({ false, "age: missing; c: missing" }, { accepts(source, { event_name = "e" }) })
    local read = postevent.definitions { source, meta("e", { CUSTOMER }) }
    assert.equal(1, #read.events)
    assert.equal(3, #read.events[1].attributes)
    assert.equal("DOUBLE", read.events[1].attributes[2].type)
    assert.equal(4, #read.warnings)
    assert.same({ "e", false }, { read.events[1].name, (accepts(read, { event_name = "e", c = "1" })) })
  end)

  it("skips a regex that PCRE2 reads otherwise, with a warning that names the attribute", function()
    for _, pattern in ipairs { "[a-z&&[^b]]", "(", "\\p{IsGreek}", "[a[bc]]" } do
      local source = { e = { c = "customer", x = { type = "string", regex = pattern } } }
      local read = postevent.definitions(source)
      assert.equal(1, #read.warnings)
      assert.truthy(read.warnings[1]:find("event e, attribute x: its regex is not checked", 1, true))
      assert.is_true((accepts(source, { event_name = "e", c = "1", x = "anything" })))
    end
  end)

  it("is gentle with what only the platform knows", function()
    local source = meta("e", {
      CUSTOMER, { name = "n", type = "LONG" }, { name = "k", type = "ENUM" },
      { name = "v", type = "ENUM", attributes = { possibleValues = { values = { 1, 1.5 } } } },
    })
    assert.same({ true }, { accepts(source, { event_name = "e", c = "1", n = 5, k = "any", v = "1.5" }) })
    assert.equal(2, #postevent.definitions(source).warnings)
  end)

  it("counts characters, not bytes", function()
    assert.is_table(postevent.definitions { e = { c = "customer", [("é"):rep(50)] = "string" } })
    assert.is_string(error_of { e = { c = "customer", [("é"):rep(51)] = "string" } })
  end)

  it("reads the short form without lua-cjson", function()
    local status, _, errors = helper.run_lua { code = [[
      local postevent = require "postevent"
      local client = postevent.new { mode = "record", definitions = { e = { c = "customer" } } }
      assert(client:encode { event_name = "e", c = "1" })
      assert(not client:encode { event_name = "e" })
      client:close()
      assert(package.loaded.cjson == nil and package.loaded["cjson.safe"] == nil)
    ]] }
    assert.equal(0, status, errors)
  end)

  it("logs ten warnings and counts the rest", function()
    local metas, lines = {}, {}
    for i = 1, 25 do
      metas[i] = meta("e" .. i, {})
    end
    postevent.new({
      mode = "record", definitions = metas,
      log = function(_, line)
        lines[#lines + 1] = line
      end,
    }):close()
    assert.equal(11, #lines)
    assert.equal("and 15 more warnings about the definitions", lines[11])
  end)

  it("matches a regex against the whole value, and never stalls", function()
    local function matches(pattern, value)
      return (accepts({ e = { c = "customer", x = { type = "string", regex = pattern } } },
        { event_name = "e", c = "1", x = value }))
    end
    if not postevent.features.pcre2 then
      return pending "built without PCRE2"
    end
    assert.is_true(matches("[0-9]{4}", "1234"))
    assert.is_false(matches("[0-9]{4}", "12345"))
    assert.is_false(matches("[0-9]{4}", "1234\n"))
    assert.is_false(matches("a|ab", "abc"))
    assert.is_true(matches("a|ab", "ab"))
    assert.is_true(matches("^h.tel$", "hôtel"))
    local start = helper.process.now()
    assert.is_true(matches("(a+)+b", ("a"):rep(5000)))
    assert.is_true(helper.process.now() - start < 2)
  end)
end)
