-- The look at an event's JSON that spares most of them a closer one: what it lets pass is what the closer one lets
-- pass.
local cjson = require "cjson"
local core = require "postevent.core"
local json = require "postevent.json"
local vectors = require "support.vectors"

local PIECES = { "{", "}", "[", "]", '"', "\\", ":", ",", " ", "\n", "\0", "\1", "0", "12", "-", ".", "e", "+", "null",
  "true", '"a":1', '"a":', '"\\u0061":', "{}", "[]", "[ ]", '""', "9007199254740993", "1e400", "0x1", "\200", "1.50" }

-- A generator of its own (Park and Miller's): the same each time.
local function new_random()
  local state = 20261127
  return function(n)
    state = state * 16807 % 2147483647
    return state % n + 1
  end
end

local function changed(text, random)
  for _ = 1, random(3) do
    local at, piece = random(#text + 1), PIECES[random(#PIECES)]
    text = text:sub(1, at - 1) .. piece .. text:sub(at + random(4) - 1)
  end
  return text
end

local function assert_same_as_slow(text)
  local plain = core.is_plain(text)
  local slow, message = json.decode_attribute(text)
  local fast = json.decode_event(text)
  if fast ~= nil or (slow ~= nil and plain) then
    assert.same(slow, fast, text)
    assert.is_nil(message, text)
    assert.equal(cjson.encode(slow), cjson.encode(fast))
  end
  return plain and slow ~= nil
end

describe("a plain event", function()
  it("is one of letters, digits, texts and lists, however deep", function()
    for _, text in ipairs {
      "{}", ' {"a":1, "b":[1,{"a":2}], "c":{"a":"x"}}', '{"a":"\\"{[\\n"}', '{"a":-1.25,"b":null,"c":true}\r\n',
    } do
      assert.is_true((core.is_plain(text)), text)
    end
  end)

  it("is none where something would be lost, or where that is not known", function()
    for _, text in ipairs {
      "", "[]", "1", '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"a":[]}', '{"a":[ ]}', '{"a":"\n"}', '{"a":1e5}',
      '{"a":1234567890123456}', '{"a":0x10}', '{"a":1.}', '{"a":-}', '{"a":"x', '{"a":"\\', "\0", '{"a":1}\0',
      ("{" .. '"a":{'):rep(9), '{"n' .. ("x"):rep(70) .. '":1' .. (',"b"'):rep(0) .. "}}",
    } do
      assert.is_false((core.is_plain(text)), text)
    end
  end)

  it("says whether it has numbers", function()
    assert.same({ true, true }, { core.is_plain '{"a":[{"b":1}]}' })
    assert.same({ true, false }, { core.is_plain '{"a":"1"}' })
  end)

  it("is read as the closer look reads it, whatever is changed in it", function()
    local random, plain, count = new_random(), 0, 0
    for _, vector in ipairs(vectors "events.jsonl") do
      local text = cjson.encode(vector.event or vector)
      for _ = 1, 60 do
        count = count + 1
        plain = plain + (assert_same_as_slow(changed(text, random)) and 1 or 0)
      end
    end
    assert.is_true(plain > count / 20 and count > 1000, plain .. " of " .. count)
  end)
end)
