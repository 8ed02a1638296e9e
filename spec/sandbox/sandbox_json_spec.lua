-- What the sandbox takes for a JSON object.
describe("the sandbox's JSON", function()
  local json = require "postevent.sandbox.json"

  it("is an object, as RFC 8259 has it", function()
    for _, text in ipairs {
      "{}", ' \t\r\n{ "a" : [1.5, -0, 1e5, 1.25E-3, null, true] }\n', '{"a":"1. \\"\\\\"}', '{"a.":"\\n.x"}',
      '{"a":"-.5","b":-0.5}',
      '{"a":"\127\194\128\224\160\128\237\159\191\238\128\128\239\191\191\240\144\128\128\244\143\191\191"}',
      ('{"a":'):rep(100) .. "1" .. ("}"):rep(100), "{" .. (" "):rep(300000) .. "}",
    } do
      assert.truthy(json.object(text), text)
    end
  end)

  it("is refused otherwise", function()
    for _, text in ipairs {
      "", " ", "null", "1", "[{}]", '"{}"', "{", "{}}", "{},", '{"a"}', '{"a":}', '{"a":1,}', "{'a':1}", "{a:1}",
      "{} x", '{"a":1}\0', '{"a":1}\0garbage',
      '{"a":NaN}', '{"a":Infinity}', '{"a":0x1}', '{"a":01}', '{"a":+1}', '{"a":.5}',
      '{"a":-.5}', '{"a":[-.5e3]}', '{"a":1.}', '{"a":1.e5}',
      '{"a":"\t"}', '{"a\n":1}', '{"a":"\0"}', '{"a":"\\x"}', '{"a":"\\ud800"}', "\239\187\191{}",
      '{"a":"\128"}', '{"a":"\192\128"}', '{"a":"\224\159\128"}', '{"a":"\237\160\128"}', '{"a":"\244\144\128\128"}',
      '{"a":"\195"}', '{"a":"\226\130"}', '{"a":"\226\195\169\130\172"}', '{"a":"\255"}',
      ('{"a":'):rep(101) .. "1" .. ("}"):rep(101), ('{"a":'):rep(5000) .. "1" .. ("}"):rep(5000),
    } do
      local object, why = json.object(text)
      assert.is_nil(object, text:sub(1, 20))
      assert.truthy(why and why ~= json.TOO_MANY, text:sub(1, 20))
    end
  end)

  it("tells how a number is written that Lua rounds", function()
    local object = json.object('{"a": 9007199254740993 ,"b":[9007199254740993],"c":{"d":1e400},"e":-1E+400,"f":12.0,'
      .. '"g":"9007199254740993","\\u0068":9007199254740992.0}')
    for name, text in pairs { a = "9007199254740993", e = "-1E+400", h = "9007199254740992.0" } do
      assert.equal(text, json.written(object, name), name)
    end
    for _, name in ipairs { "b", "c", "d", "f", "g", "none" } do
      assert.is_nil(json.written(object, name), name)
    end
    assert.is_nil(json.written(json.object '{"a":1}', "a"))
  end)

  it("holds no more values than memory is good for, and says which it is", function()
    local function list_of(count)
      return '{"a":[' .. ("1,"):rep(count) .. "1]}"
    end
    assert.truthy(json.object(list_of(249997)))
    assert.equal(json.TOO_MANY, select(2, json.object(list_of(249999))))
  end)
end)
