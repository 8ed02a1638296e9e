-- Reading JSON: where mistakes are, and what may not be read because it would change.
local cjson = require "cjson"
local json = require "postevent.json"

local has_integers = math.type ~= nil

-- A number as its digits: Lua 5.3 writes 20 and 20.0 differently.
local function digits(value)
  return has_integers and tostring(value) or ("%.14g"):format(value)
end

describe("json.decode", function()
  it("reads what lua-cjson reads", function()
    assert.same({ a = { 1, "x", true, { b = 1.5 } } }, json.decode ' {"a": [1, "x", true, {"b": 1.5}]}\n')
    assert.equal(cjson.null, json.decode "null")
    assert.equal(json.null, json.decode '{"a":null}'.a)
    assert.equal("x", json.decode '"x"')
    assert.is_false((json.decode "false"))
    assert.same({}, json.decode "[]")
  end)

  it("gives back whole numbers as integers", function()
    for text, expected in pairs {
      ["20"] = "20", ["20.0"] = "20", ["-3"] = "-3", ["1e3"] = "1000", ["1.5"] = "1.5", ["0"] = "0",
    } do
      assert.equal(expected, digits(json.decode(text)))
      assert.equal(expected, digits(json.decode('{"a":[{"b":' .. text .. "}]}").a[1].b))
    end
    if has_integers then
      assert.equal("integer", math.type(json.decode "9007199254740992"))
      assert.equal("float", math.type(json.decode "0.5"))
    end
  end)

  it("says where a mistake is", function()
    for text, expected in pairs {
      [""] = "line 1, column 1: expected value but found the end",
      ['{"a":1,}'] = "line 1, column 8: expected object key string but found } "
        .. "(there is no comma behind the last member)",
      ['{"a":1\n "b":2}'] = "line 2, column 2: expected comma or object end but found text",
      ['{\n\n  "hôtel": tru}'] = "line 3, column 12: expected value but found invalid token",
      ["[1 2]"] = "line 1, column 4: expected comma or array end but found a number",
      ['"abc'] = "line 1, column 5: expected value but found unexpected end of string",
      ["[1]\0"] = "line 1, column 4: a NUL byte; is this UTF-8 text?",
      ["\255\254{\0}\0"] = "line 1, column 4: a NUL byte; is this UTF-8 text?",
    } do
      local value, message = json.decode(text)
      assert.is_nil(value)
      assert.equal(expected, message)
    end
  end)

  it("counts the lines of a file from the one that it is told", function()
    local _, message = json.decode("{", 17)
    assert.equal("line 17, column 2: expected object key string but found the end", message)
  end)

  it("refuses what nests too deeply", function()
    local value, message = json.decode(("["):rep(100000))
    assert.is_nil(value)
    assert.truthy(message:find "^line 1, column 65: found too many nested")
  end)

  it("skips a byte order mark", function()
    assert.same({ a = 1 }, json.decode '\239\187\191{"a":1}')
    local _, message = json.decode "\239\187\191{"
    assert.truthy(message:find "^line 1, column 2:")
  end)
end)

describe("a number of 2^53 or more", function()
  local readers = { "decode", "decode_attribute" }

  it("is refused where it would be rounded, with its line", function()
    for _, number in ipairs {
      "9007199254740993", "-9007199254740993", "1234567890123456789", "12345678901234567890", "36028797018963970",
      "18014398509481984.5", "9007199254740993e0", "1.2345678901234567891e25", "1e999", "-1e999",
    } do
      for _, reader in ipairs(readers) do
        local value, message = json[reader]('{"a": [1,\n {"b": ' .. number .. "}]}")
        assert.is_nil(value, number)
        assert.equal("line 2, column 8: a number of 2^53 or more that would be rounded; write it as text", message)
      end
    end
  end)

  it("is read where it keeps every digit", function()
    for text, expected in pairs {
      ["9007199254740992"] = 2 ^ 53, ["-9007199254740994"] = -(2 ^ 53) - 2, ["9223372036854775808"] = 2 ^ 63,
      ["1e300"] = 1e300, ["1.5E+30"] = 1.5e30, ["1180591620717411303424"] = 2 ^ 70, ["9007199254740991"] = 2 ^ 53 - 1,
      ["0.00001e30"] = 1e25, ["1e22"] = 1e22,
    } do
      for _, reader in ipairs(readers) do
        assert.equal(expected, (assert(json[reader](text))))
      end
    end
  end)

  it("is no number inside text", function()
    for _, text in ipairs {
      '"12345678901234567890"', '"\\"12345678901234567890"', '"\\\\ , 12345678901234567890 ,"', '["x\\\\","1e999"]',
    } do
      assert.same(cjson.decode(text), json.decode_attribute(text))
      local list = "[" .. text .. ",1e20]"
      assert.same(cjson.decode(list), json.decode(list))
    end
  end)
end)

describe("json.decode_event", function()
  it("reads an object", function()
    assert.same({ a = 20, b = { c = { 1, { d = "x" } } }, e = {} },
      json.decode_event '{"a": 20, "b": {"c": [1, {"d": "x"}]}, "e": {}}')
  end)

  it("refuses everything else", function()
    for _, text in ipairs { "[1]", '"x"', "1", "null", "true", "[]" } do
      local value, message = json.decode_event("\n " .. text)
      assert.is_nil(value)
      assert.equal("line 2, column 2: an event is an object, {...}", message)
    end
  end)

  it("refuses an empty array: lua-cjson has one empty table for both", function()
    for text, column in pairs { ['{"a":[]}'] = 6, ['{"a":{"b":[1,[ \t]]}}'] = 14 } do
      local value, message = json.decode_event(text)
      assert.is_nil(value)
      assert.equal(("line 1, column %d: an empty array cannot be told from an empty object"):format(column), message)
    end
    assert.is_table(json.decode_event '{"a":"[]"}')
  end)

  it("refuses a name that is there twice, however it is written", function()
    for text, column in pairs {
      ['{"a":1,"a":2}'] = 8, ['{"a":1,"\\u0061" : 2}'] = 8, ['{"x":[{"a":1,"b":2,"a":3}]}'] = 20,
    } do
      local value, message = json.decode_event(text)
      assert.is_nil(value, text)
      assert.equal(("line 1, column %d: the name is there twice"):format(column), message)
    end
    assert.is_table(json.decode_event '{"a":{"a":1},"b":[{"a":"b"},{"a":"a"}]}')
  end)

  it("refuses what lua-cjson reads although it is not JSON", function()
    for text, expected in pairs {
      ['{"a":1.}'] = "line 1, column 6: expected value but found invalid number",
      ['{"a":-.5}'] = "line 1, column 6: expected value but found invalid number",
      ['{"a":"x\ty"}'] = "line 1, column 8: a control character inside text must be escaped",
      ['{"a":"x\ny"}'] = "line 1, column 8: a control character inside text must be escaped",
    } do
      local value, message = json.decode_event(text)
      assert.is_nil(value)
      assert.equal(expected, message)
    end
    assert.equal("\127", json.decode_event '{"a":"\127"}'.a)
  end)

  it("takes time in proportion to the text", function()
    local text = '{"a":["' .. ("x"):rep(200000) .. '"' .. (',"\\"\\\\",1.5'):rep(20000) .. "]}"
    local start = os.clock()
    assert.is_table(json.decode_event(text))
    assert.is_true(os.clock() - start < 5)
  end)
end)

describe("json.decode_attribute", function()
  it("reads any value, by the rules of events", function()
    assert.equal("20", digits(json.decode_attribute "20"))
    assert.equal(json.null, json.decode_attribute "null")
    assert.same({ a = { 1 } }, json.decode_attribute '{"a":[1]}')
    assert.is_nil((json.decode_attribute "[]"))
    assert.is_nil((json.decode_attribute '{"a":1,"a":1}'))
    assert.is_nil((json.decode_attribute "x"))
  end)
end)
