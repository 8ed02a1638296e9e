-- What is said of an event is what was sent of it, and what is sent is what was meant: ../shared/cases, part A, and the
-- neighbours of its cases.
local cjson = require "cjson"
local helper = require "support.helper"
local locale = require "support.locale"
local postevent = require "postevent"
local tracking = require "support.tracking"

-- The JSON of a client with these options, or nil, message, code, detail.
local function encode(event, options)
  local all = { url = "http://127.0.0.1:1/", stamp = false }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local client = postevent.new(all)
  local json, message, code, detail = client:encode(event)
  client:close()
  return json, message, code, detail
end

local function refused(rule, event, options)
  local json, message, code, detail = encode(event, options)
  assert.is_nil(json)
  assert.equal("invalid_event", code)
  assert.equal(rule, detail.problems[1].rule, message)
  return message
end

describe("A1: the id that is told", function()
  helper.guard()

  -- What post, track and their results tell of an event with that id, and what its JSON has.
  local function ids(id)
    local client = tracking.new { url = "http://127.0.0.1:1/", attempts = 1, timeout = 2, retry = { max_age = 0.001 } }
    local event = { event_name = "e", external_event_id = id }
    local _, _, _, detail = client:post(event)
    assert(client:track(event))
    local told = tracking.results(client, 1)[1].event_id
    return detail.event_id, told, client:encode(event):match '"external_event_id":([^,}]*)'
  end

  it("is the number as it stands in the JSON", function()
    for _, id in ipairs {
      1732618800123456, 12, 12.0, 0, -7, 0.1, 1e15, 2 ^ 53, 1e100, 123456789.125, cjson.decode "12", -0.0,
      math.maxinteger or 9007199254740991,
    } do
      local posted, tracked, sent = ids(id)
      assert.equal(sent, posted)
      assert.equal(sent, tracked)
    end
  end)

  it("tells two ids apart that differ in their last digit", function()
    assert.equal("1732618800123456", (ids(1732618800123456)))
    assert.equal("1732618800123457", (ids(1732618800123457)))
  end)

  it("is text as it is, however long", function()
    local client = postevent.new { mode = "record", max_event_bytes = 1000000, id_attribute = "id" }
    for _, id in ipairs { "RAND121", "a\"b\\c\n", "20.0", ("x"):rep(70000) } do
      assert.equal(id, client:post({ event_name = "e", id = id }).event_id)
      client:track { event_name = "e", id = id }
    end
    local told = {}
    for result in client:results() do
      told[#told + 1] = result.event_id
    end
    assert.same({ "RAND121", "a\"b\\c\n", "20.0", ("x"):rep(70000) }, told)
    client:close()
  end)
end)

describe("A1: what can be no id", function()
  helper.guard()

  local NONE = "external_event_id: expected text or a number: it is the event's id"

  it("is refused, whatever the definitions and the validation say", function()
    local DEFINED = { e = { external_event_id = "boolean?", who = "customer?" } }
    for _, options in ipairs { {}, { definitions = DEFINED, validation = "off" }, { definitions = DEFINED,
      validation = "warn" }, { before_send = function(event) return event end } } do
      for _, id in ipairs { true, false, {}, { 1 }, { a = 1 }, setmetatable({}, { __jsontype = "array" }) } do
        assert.equal(NONE, refused("type", { event_name = "e", external_event_id = id }, options))
        local named = { id_attribute = "id", definitions = options.definitions, unknown_attributes = "allow",
          validation = options.validation }
        assert.equal((NONE:gsub("^external_event_id", "id")), refused("type", { event_name = "e", id = id }, named))
        assert(encode({ event_name = "e", external_event_id = "1", other = id, id = cjson.null },
          { id_attribute = "id", before_send = options.before_send })) -- of another attribute nothing is said
      end
    end
  end)

  it("is refused by track, and among the common attributes", function()
    local client = postevent.new { mode = "record" }
    local ticket, message, code = client:track { event_name = "e", external_event_id = true }
    assert.same({ nil, NONE, "invalid_event" }, { ticket, message, code })
    local ok, why = pcall(client.set_common, client, { external_event_id = {} })
    assert.is_false(ok)
    assert.truthy(why:find(NONE, 1, true), why)
    client:close()
    ok, why = pcall(postevent.new, { mode = "record", common = { external_event_id = true } })
    assert.is_false(ok)
    assert.truthy(why:find(NONE, 1, true), why)
  end)
end)

describe("A2: a time that is none", function()
  helper.guard()

  it("is refused with and without definitions, whatever the validation", function()
    local DEFINED = { e = { at = "date?", who = "customer?" } }
    for _, options in ipairs {
      {}, { definitions = DEFINED }, { definitions = DEFINED, validation = "off" },
      { definitions = DEFINED, validation = "warn" }, { definitions = DEFINED, unknown_events = "allow" },
    } do
      for _, time in ipairs { 1712836800000, -1e15, 1e300, 0 / 0, 1 / 0 } do
        local message = refused("date", { event_name = "e", eventDateTime = time }, options)
        assert.truthy(message:find "^eventDateTime: ", message)
      end
      local json = encode({ event_name = "e", eventDateTime = 1712836800 }, options)
      assert.truthy(json:find("2024-04-11 12:00:00", 1, true))
    end
    for _, validation in ipairs { "off", "warn", "strict" } do
      refused("date", { event_name = "e", at = 1712836800000 }, { definitions = DEFINED, validation = validation })
    end
  end)

  it("is not quoted where it is sensitive", function()
    local definitions = { e = { at = { type = "date", required = false, sensitive = true }, who = "customer?" } }
    for _, validation in ipairs { "off", "warn", "strict" } do
      local message = refused("date", { event_name = "e", at = 1712836800000 },
        { definitions = definitions, validation = validation })
      assert.is_nil(message:find("1712836800000", 1, true), message)
      assert.truthy(message:find("the value is not a time", 1, true), message)
    end
  end)

  it("is refused in another type, and so are the others that every event may have", function()
    for _, event in ipairs {
      { eventDateTime = true }, { eventDateTime = { 1 } }, { eventDateTime = {} },
      { storeUnitID = 5 }, { storeUnitID = false }, { orgResolver = "x" }, { orgResolver = { 1, 2 } },
    } do
      event.event_name = "e"
      refused("type", event)
      refused("type", event, { definitions = { e = { a = "string?", who = "customer?" } }, validation = "off" })
    end
    refused("date", { event_name = "e", eventDateTime = "yesterday" })
    assert.truthy(encode {
      event_name = "e", storeUnitID = "5", orgResolver = { type = "x" }, eventDateTime = "2024-04-11",
    })
  end)
end)

describe("A2: an attribute that every event may have, and the definition, too", function()
  helper.guard()

  local function of(attributes)
    attributes.who = "customer?"
    return { e = attributes }
  end

  it("keeps the platform's own rule, whatever the definition and the validation say", function()
    for _, case in ipairs {
      { "date", { eventDateTime = "string?" }, "next week", "is not a date in one of the platform's formats" },
      { "date", { eventDateTime = "string" }, "", "is not a date in one of the platform's formats" },
      { "date", { eventDateTime = "string?" }, 1712836800000, "milliseconds" },
      { "type", { eventDateTime = "boolean?" }, true, "expected a date, as text or in seconds since 1970" },
      { "type", { storeUnitID = "double?" }, 5, "expected text, got a number" },
      { "type", { storeUnitID = "date?" }, 1712836800, "expected text, got a number" },
      { "type", { orgResolver = "string?" }, "x", "expected an object, got text" },
    } do
      local rule, attributes, words = case[1], case[2], case[4]
      local event = { event_name = "e", [next(attributes)] = case[3] }
      for _, validation in ipairs { "strict", "warn", "off" } do
        local message = refused(rule, event, { definitions = of(attributes), validation = validation })
        assert.truthy(message:find(words, 1, true), message)
        assert.is_nil(message:find(";", 1, true), message)
      end
    end
  end)

  it("is held to the definition, too, where that is checked", function()
    local attributes = { eventDateTime = { type = "string", required = false, regex = "2024.*" },
      storeUnitID = { "enum", "5", "6" } }
    local early = { event_name = "e", eventDateTime = "2023-04-11", storeUnitID = "7" }
    local message = refused("regex", early, { definitions = of(attributes) })
    assert.truthy(message:find('storeUnitID: "7" is not one of 5, 6', 1, true), message)
    assert.truthy(encode(early, { definitions = of(attributes), validation = "off" }))
    for _, time in ipairs { "2024-04-11", 1712836800 } do
      assert.truthy(encode({ event_name = "e", eventDateTime = time, storeUnitID = "5" },
        { definitions = of(attributes) }))
    end
    assert.equal("storeUnitID: missing", refused("missing", { event_name = "e" }, { definitions = of(attributes) }))
  end)

  it("is quoted by neither rule where the definition says that it is sensitive", function()
    local definitions = of { eventDateTime = { type = "string", required = false, sensitive = true } }
    local message = refused("date", { event_name = "e", eventDateTime = "next week" }, { definitions = definitions })
    assert.equal("eventDateTime: the value is not a date in one of the platform's formats", message)
  end)
end)

describe("A3: an empty array", function()
  helper.guard()

  local loaded = {}
  local function load_library(name, library)
    loaded[name] = true
    package.loaded[name] = library
  end
  after_each(function()
    for name in pairs(loaded) do
      package.loaded[name] = nil
    end
    loaded = {}
  end)

  local function json_of(value, options)
    local json = encode({ event_name = "e", a = value }, options)
    return json:match '"a":(%b[])' or json:match '"a":(%b{})'
  end

  it("is what says so: lua-cjson's metatables, dkjson's, Tarantool's", function()
    local library = { array_mt = {}, empty_array_mt = {} }
    load_library("openresty.cjson", library)
    for _, metatable in ipairs {
      library.array_mt, library.empty_array_mt, { __jsontype = "array" }, { __serialize = "seq" },
    } do
      local array = setmetatable({}, metatable)
      assert.equal("[]", json_of(array))
      assert.equal('{"x":[[],[]]}', json_of { x = { array, array } })
      assert.equal("[]", json_of(array, { before_send = function(event) return event end }))
    end
    assert.equal("{}", json_of {})
    assert.equal("{}", json_of(setmetatable({}, { __jsontype = "object" })))
    assert.equal("{}", json_of(setmetatable({}, { __index = { 1, 2 } })))
  end)

  it("is an array to a definition, too", function()
    local array = setmetatable({}, { __jsontype = "array" })
    refused("type", { event_name = "e", orgResolver = array })
  end)

  it("is lua-cjson's userdata, where that has one", function()
    if not cjson.empty_array then -- OpenResty's has
      load_library("openresty.cjson", { empty_array = io.stdout }) -- a userdata; light ones are not made in Lua
    end
    local marker = cjson.empty_array or io.stdout
    assert.equal("[]", json_of(marker))
    assert.equal('{"x":[]}', json_of { x = marker })
  end)

  it("is not what stands for null elsewhere: that is refused, by name", function()
    local null = setmetatable({}, { __tojson = function() return "null" end })
    load_library("dkjson", { null = null })
    assert.equal("a: dkjson.null cannot be sent; null is cjson.null", refused("type", { event_name = "e", a = null }))
    refused("type", { event_name = "e", a = { b = { null } } })
    local other = setmetatable({}, { _type = "LYAML null" })
    load_library("lyaml", { null = other })
    assert.equal("a: lyaml.null cannot be sent; null is cjson.null", refused("type", { event_name = "e", a = other }))
    local f = function() end
    load_library("rapidjson", { null = f })
    assert.equal("a: rapidjson.null cannot be sent; null is cjson.null", refused("type", { event_name = "e", a = f }))
    assert.equal("a: a function cannot be sent", refused("type", { event_name = "e", a = print }))
    local nameless = setmetatable({}, { __tojson = true })
    assert.equal("a: a value of another library cannot be sent; null is cjson.null",
      refused("type", { event_name = "e", a = nameless }))
  end)

  -- What the event gets through, on its way to the JSON.
  local WAYS = {
    ["before_send"] = { before_send = function(event) return event end },
    ["a before_send that returns a table of its own"] = {
      before_send = function(event) return { event_name = "e", a = event.a } end,
    },
    ["mode record"] = { mode = "record" },
  }

  -- The value of "a" in the JSON of an event that has nothing else.
  local function value_in(json)
    return (json:gsub(',?"event_name":"e",?', ""):match '"a":(.*)}$')
  end

  local function ends_with(options, value, expected)
    local client = postevent.new { mode = "record", stamp = false, before_send = options.before_send }
    local json, message = client:encode { a = value, event_name = "e" }
    assert.equal(expected, json and value_in(json) or message)
    if json then
      assert(client:post { event_name = "e", a = value })
      assert.equal(expected, value_in(client:encode(client:recorded()[1])))
    end
    client:close()
  end

  local function load_markers()
    local lyaml = { null = setmetatable({}, { _type = "LYAML null" }) }
    local dkjson = { null = setmetatable({}, { __tojson = function() return "null" end }) }
    local own = { null = {}, empty_array_mt = {}, array_mt = { __index = function() error "read" end } }
    load_library("lyaml", lyaml)
    load_library("dkjson", dkjson)
    load_library("own.json", own)
    return lyaml, dkjson, own
  end

  for way, options in pairs(WAYS) do
    it("A3: markers stay what they are on the way through " .. way, function()
      local lyaml, dkjson, own = load_markers()
      local nulls = { ["lyaml.null"] = lyaml.null, ["dkjson.null"] = dkjson.null, ["own.json.null"] = own.null }
      for name, null in pairs(nulls) do
        ends_with(options, null, "a: " .. name .. " cannot be sent; null is cjson.null")
        ends_with(options, { b = { null } }, "a: " .. name .. " cannot be sent; null is cjson.null")
      end
      ends_with(options, own.empty_array_mt, "[]")
      ends_with(options, setmetatable({}, own.array_mt), "[]")
      ends_with(options, { { x = setmetatable({}, { __serialize = "seq" }) } }, '[{"x":[]}]')
      ends_with(options, cjson.null, "null")
      ends_with(options, { cjson.null, {} }, "[null,{}]")
    end)
  end

  for way, options in pairs(WAYS) do
    it("A3: a table with something in it is what it says of itself, or refused, on the way through " .. way, function()
      local _, _, own = load_markers()
      local not_array = "a: a table with names that says it is an array cannot be sent"
      local not_object = "a: a table with items that says it is an object cannot be sent"
      for _, field in ipairs { "__jsontype", "__serialize" } do
        local array, object = { [field] = "array" }, { [field] = "object" }
        ends_with(options, setmetatable({ 1, 2 }, array), "[1,2]")
        ends_with(options, setmetatable({ x = 1 }, object), '{"x":1}')
        ends_with(options, setmetatable({}, object), "{}")
        ends_with(options, setmetatable({ x = 1 }, array), not_array)
        ends_with(options, setmetatable({ 1, 2 }, object), not_object)
        ends_with(options, { y = { setmetatable({ "x" }, object) } }, not_object)
      end
      ends_with(options, setmetatable({ 1 }, own.array_mt), "[1]")
      ends_with(options, setmetatable({ x = 1 }, own.array_mt), not_array)
      ends_with(options, setmetatable({ x = 1 }, own.empty_array_mt), '{"x":1}') -- that speaks of empty ones alone
      ends_with(options, setmetatable({ 1 }, own.empty_array_mt), "[1]")
      for _, metatable in ipairs { { __tojson = print }, { __jsontype = "custom" } } do
        ends_with(options, setmetatable({ x = 1 }, metatable),
          "a: a value of another library cannot be sent; null is cjson.null")
      end
      ends_with(options, setmetatable({ x = 1 }, { __index = own, __jsonorder = { "x" } }), '{"x":1}')
    end)
  end

  it("A3: markers stay what they are among the common attributes", function()
    local lyaml, _, own = load_markers()
    for _, make in ipairs { postevent.new, function(options)
      local client = postevent.new { mode = "record" }
      local ok, message = pcall(client.set_common, client, options.common)
      client:close()
      return ok or error(message, 0)
    end } do
      local ok, message = pcall(make, { mode = "record", common = { a = lyaml.null } })
      assert.is_false(ok)
      assert.truthy(message:find("a: lyaml.null cannot be sent", 1, true), message)
    end
    local ok, message = pcall(postevent.new,
      { mode = "record", common = { a = setmetatable({ x = 1 }, { __jsontype = "array" }) } })
    assert.is_false(ok)
    assert.truthy(message:find("a: a table with names that says it is an array", 1, true), message)
    local empty = setmetatable({}, own.empty_array_mt)
    local client = postevent.new { mode = "record", stamp = false, common = { a = empty } }
    assert.truthy(client:encode({ event_name = "e" }):find('"a":[]', 1, true))
    client:close()
  end)

  for way, options in pairs(WAYS) do
    it("A3: an array whose metatable is protected is one still, on the way through " .. way, function()
      local _, _, own = load_markers()
      own.array_mt.__metatable = "locked"
      for _, metatable in ipairs { { __jsontype = "array", __metatable = "locked" },
        { __serialize = "seq", __metatable = false }, own.array_mt } do
        ends_with(options, setmetatable({}, metatable), "[]")
        ends_with(options, { x = { setmetatable({ 1 }, metatable), setmetatable({}, metatable) } }, '{"x":[[1],[]]}')
        ends_with(options, setmetatable({ x = 1 }, metatable),
          "a: a table with names that says it is an array cannot be sent")
      end
    end)
  end

  it("A3: an array whose metatable is protected is one still among the common attributes", function()
    local locked = setmetatable({}, { __jsontype = "array", __metatable = "locked" })
    for _, before_send in ipairs { false, function(event) return event end } do
      local client = postevent.new {
        mode = "record", stamp = false, common = { a = locked }, before_send = before_send or nil,
      }
      assert.truthy(client:encode({ event_name = "e" }):find('"a":[]', 1, true))
      client:close()
    end
  end)

  it("A3: an array that before_send empties is one still", function()
    load_markers()
    local array = setmetatable({ "x" }, { __jsontype = "array" })
    local client = postevent.new { mode = "record", stamp = false, before_send = function(event)
      event.a[1] = nil
      return event
    end }
    assert.truthy(client:encode({ event_name = "e", a = array }):find('"a":[]', 1, true))
    assert.equal("x", array[1])
    client:close()
  end)

  it("A3: ten thousand empty tables cost no search each", function()
    local many = {}
    for i = 1, 8000 do
      many[i] = setmetatable({}, {})
    end
    local most = os.getenv "POSTEVENT_SLOW" and 4 or 0.2
    local took = helper.quickest(most, function()
      assert.truthy(encode({ event_name = "e", a = many }, { before_send = function(event) return event end }))
    end)
    assert.is_true(took < most, took)
  end)
end)

describe("A4: one bad byte", function()
  helper.guard()
  local REPLACE = { invalid_utf8 = "replace" }

  it("is a problem of its event, or U+FFFD for each piece that is no character, as told", function()
    refused("utf8", { event_name = "e", page = "/a\255" })
    for text, replaced in pairs {
      ["/a<ff>"] = "/a?",
      ["caf<e9>"] = "caf?",
      ["a<f1><80><80><e1><80><c2>b<80>c<80><bf>d"] = "a???b?c??d", -- Unicode 15, table 3-8
      ["<ed><a0><80>"] = "???",
      ["ok <e2><82><ac>"] = "ok \226\130\172",
    } do
      text = text:gsub("<(%x%x)>", function(digits)
        return string.char(tonumber(digits, 16))
      end)
      replaced = replaced:gsub("%?", "\239\191\189")
      local json = encode({ event_name = "e", page = text, list = { text, { [text] = text } } }, REPLACE)
      local event = cjson.decode(json)
      assert.equal(replaced, event.page)
      assert.equal(replaced, event.list[1])
      assert.equal(replaced, event.list[2][replaced])
    end
  end)

  it("is replaced in the name of an attribute, in common ones and in the id that is told", function()
    local bad, good = "x\255", "x\239\191\189"
    assert.equal('{"event_name":"e","' .. good .. '":1}', (encode({ event_name = "e", [bad] = 1 }, REPLACE)
      :gsub('^{("x[^,]*),("event_name":"e")}$', "{%2,%1}")))
    local client = postevent.new {
      mode = "record", invalid_utf8 = "replace", common = { store = bad }, id_attribute = "id",
    }
    assert.equal(good, client:post({ event_name = "e", id = bad }).event_id)
    assert.equal(good, client:recorded()[1].id)
    assert.equal(good, cjson.decode(client:encode { event_name = "e" }).store)
    client:close()
  end)

  it("A4: makes no two names of one object the same: what would be there twice is refused", function()
    local good, bad, worse = "x\239\191\189", "x\255", "x\254"
    local words = "there twice, since what is not UTF-8 is replaced"
    for _, names in ipairs { { bad, worse }, { bad, good }, { worse, good, bad } } do
      for _, inner in ipairs { false, true } do
        local event, attributes = { event_name = "e" }, {}
        for _, name in ipairs(names) do
          attributes[name] = name
        end
        for name, value in pairs(inner and { a = { b = { attributes } } } or attributes) do
          event[name] = value
        end
        local expected = inner and "a: a name inside is " .. words or "x???: " .. words
        for _, before_send in ipairs { false, function(given) return given end } do
          local message = refused("name", event, { invalid_utf8 = "replace", before_send = before_send or nil })
          assert.equal(expected, message:match "^[^;]*")
        end
      end
    end
  end)

  it("A4: makes no attribute the name of a common one, nor two of these", function()
    local good, bad = "x\239\191\189", "x\255"
    for _, before_send in ipairs { false, function(given) return given end } do
      for own, common in pairs { [good] = bad, [bad] = good } do
        refused("name", { event_name = "e", [own] = 1 },
          { invalid_utf8 = "replace", common = { [common] = 2 }, before_send = before_send or nil })
      end
      local json = encode({ event_name = "e", [bad] = 1 },
        { invalid_utf8 = "replace", common = { [bad] = 2 }, before_send = before_send or nil })
      assert.equal(1, cjson.decode(json)[good])
    end
    local client = postevent.new { mode = "record", invalid_utf8 = "replace" }
    for _, set in ipairs {
      function(common) client:set_common(common) end,
      function(common) postevent.new { mode = "record", invalid_utf8 = "replace", common = common } end,
    } do
      local ok, message = pcall(set, { [bad] = 1, [good] = 2 })
      assert.is_false(ok)
      assert.truthy(message:find("x???: there twice", 1, true), message)
    end
    client:close()
  end)

  it("A4: is what is kept of an event, too, under the name that was sent", function()
    local good = "\239\191\189"
    local event, sent = { event_name = "e" }, { event_name = "e" }
    for i = 1, 40 do
      event[i .. "\255"], sent[i .. good] = i .. "\254", i .. good
    end
    local client = postevent.new {
      mode = "record", stamp = false, invalid_utf8 = "replace", before_send = function(given) return given end,
    }
    assert(client:post(event))
    assert.same(sent, client:recorded()[1])
    assert.same(sent, cjson.decode(client:encode(event)))
    assert.equal("1\254", event["1\255"])
    client:close()
  end)

  it("A4: is looked for in the definition by the name that is sent", function()
    local definitions = { e = { who = "customer?", ["x\239\191\189"] = "integer?" } }
    assert.truthy(encode({ event_name = "e", ["x\255"] = 1 }, { definitions = definitions, invalid_utf8 = "replace" }))
    refused("type", { event_name = "e", ["x\255"] = "1" }, { definitions = definitions, invalid_utf8 = "replace" })
  end)

  it("is checked as it is sent, and refused in the event's name", function()
    local DEFINED = { e = { who = "customer?", kind = { type = "enum", values = { "a\239\191\189" } } } }
    assert.truthy(encode({ event_name = "e", kind = "a\255" }, { definitions = DEFINED, invalid_utf8 = "replace" }))
    refused("utf8", { event_name = "e\255" }, REPLACE)
  end)
end)

describe("A5: a decimal comma", function()
  helper.guard()

  it("changes no possible value of a definition", function()
    local done, reason = locale.with_decimal_comma(function()
      local definitions = { e = { who = "customer?", size = { "enum", 1.5, 2, 0.1, 1e15 } } }
      for _, size in ipairs { "1.5", "2", "0.1", "1000000000000000" } do
        assert.truthy(encode({ event_name = "e", size = size }, { definitions = definitions }))
      end
      local message = refused("enum", { event_name = "e", size = "1,5" }, { definitions = definitions })
      assert.truthy(message:find("1.5, 2, 0.1, 1000000000000000", 1, true), message)
      assert.equal("1.5: the name of an attribute must be text", refused("name", { event_name = "e", [1.5] = 1 }))
      return true
    end)
    if not done then
      pending(reason)
    end
  end)
end)

describe("E1: an event of nonsense", function()
  helper.guard()

  local DEFINED = { e = { who = "customer?" } }
  for i = 1, 19 do
    DEFINED.e["attribute_" .. i] = "string?"
  end

  -- Events whose attributes have names of 20 to 50 bytes, each as long as the others and alike up to its end.
  local LIKE = ("like_one_another_"):rep(4)
  local function like(size, i)
    return LIKE:sub(1, size - 6) .. ("%06d"):format(i * 54321 % 1000000)
  end
  local SIZES = { 20, 35, 50 }
  for _, size in ipairs(SIZES) do
    DEFINED["e" .. size] = { who = "customer?" }
    for i = 1, 19 do
      DEFINED["e" .. size][like(size, i)] = "string?"
    end
  end

  it("of 150,000 unknown attributes takes no more than three times what it takes without definitions", function()
    local event = { event_name = "e" }
    for i = 1, 150000 do
      event["attribut_" .. i] = i
    end
    local plain = postevent.new { mode = "record", max_event_bytes = 10000000, stamp = false }
    local checked = postevent.new { mode = "record", max_event_bytes = 10000000, stamp = false, definitions = DEFINED }
    local function encode_with(client)
      return function()
        client:encode(event)
      end
    end
    local without = helper.quickest(math.huge, encode_with(plain))
    local with = helper.quickest(3 * without, encode_with(checked))
    plain:close()
    checked:close()
    assert.is_true(with < 3 * without, ("%.1f ms, %.1f ms"):format(with * 1e3, without * 1e3))
  end)

  -- Under a sanitizer or valgrind it is another machine.
  local LIMIT = os.getenv "POSTEVENT_SLOW" and 0.5 or 0.005

  -- Calls `work` while so many more modules are loaded, as in a large program.
  local function with_modules(count, work)
    for i = 1, count do
      package.loaded["module " .. i] = { null = i }
    end
    work()
    for i = 1, count do
      package.loaded["module " .. i] = nil
    end
  end

  it("of 32 KiB is refused in 5 ms, whatever is wrong with it, and however many modules there are", function()
    local client = postevent.new { mode = "record", definitions = DEFINED }
    local function event_of(count, make)
      local event = { event_name = "e" }
      for i = 1, count do
        local name, value = make(i)
        event[name] = value
      end
      return event
    end
    local nested = {}
    for _ = 1, 40 do
      nested = { nested }
    end
    local cases = {
      many = event_of(1000, function(i) return "attribute_" .. i .. "x", i end),
      long = event_of(120, function(i) return ("attribute"):rep(25) .. i, i end),
      functions = event_of(1000, function(i) return "a" .. i, print end),
      deep = event_of(300, function(i) return "a" .. i, nested end),
      bad = event_of(500, function(i) return "a\255" .. i, "\255" end),
      nulls = event_of(500, function(i) return "a" .. i, setmetatable({}, { __tojson = true }) end),
    }
    for _, size in ipairs(SIZES) do
      for more = -3, 3, 3 do
        local case = ("%d bytes, of %d"):format(size + more, size)
        cases[case] = event_of(600, function(i) return like(size + more, i + 100), i end)
        cases[case].event_name = "e" .. size
      end
    end
    with_modules(1000, function()
      for name, event in pairs(cases) do
        local took = helper.quickest(LIMIT, function()
          assert.is_nil(client:encode(event))
        end)
        assert.is_true(took < LIMIT, ("%s took %.1f ms"):format(name, took * 1e3))
      end
    end)
    client:close()
  end)
end)
