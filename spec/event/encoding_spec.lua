-- The JSON of an event: spec/vectors/encoding.jsonl, and what else a table can be.
local cjson = require "cjson"
local helper = require "support.helper"
local postevent = require "postevent"
local vectors = require "support.vectors"

local is_jit = rawget(_G, "jit") ~= nil
local has_integers = math.type ~= nil

local function applies(vector)
  if not vector.only then
    return true
  end
  return vector.only == "LuaJIT" and is_jit or vector.only:find "^Lua 5%.3" ~= nil and has_integers
end

local function evaluate(expression)
  local chunk
  if _VERSION == "Lua 5.1" then
    chunk = assert(loadstring("return " .. expression)) -- luacheck: ignore 113
    setfenv(chunk, setmetatable({ cjson = cjson }, { __index = _G })) -- luacheck: ignore 113
  else
    chunk = assert(load("return " .. expression, "vector", "t", setmetatable({ cjson = cjson }, { __index = _G })))
  end
  return chunk()
end

local function rules_of(detail)
  local rules = {}
  for _, problem in ipairs(detail.problems) do
    rules[#rules + 1] = problem.rule
    assert.is_string(problem.attribute)
    assert.is_string(problem.message)
  end
  return rules
end

describe("encoding", function()
  helper.guard()
  local client

  -- The writer alone: no stamp, no id; event_name is taken out of the text again.
  local function encode(attributes)
    attributes.event_name = "e"
    local body, message, code, detail = client:encode(attributes)
    if body then
      body = body:gsub('"event_name":"e",?', ""):gsub(",}$", "}")
    end
    return body, message, code, detail
  end

  before_each(function()
    client = postevent.new { url = "http://127.0.0.1:1/", stamp = false }
    helper.defer(function()
      client:close()
    end)
  end)

  for _, vector in ipairs(vectors "encoding.jsonl") do
    if applies(vector) then
      it("agrees with the vector: " .. vector.name, function()
        local body, message, code, detail = encode(evaluate(vector.lua))
        if vector.rule then
          assert.is_nil(body)
          assert.equal("invalid_event", code)
          assert.same({ vector.rule }, rules_of(detail))
          assert.is_false(detail.sent)
          assert.equal(1, message:find("a: ", 1, true) or message:find("1: ", 1, true) or message:find("?: ", 1, true))
        elseif vector.reads_back then
          assert.equal(evaluate(vector.lua).a, cjson.decode(body).a)
        else
          assert.equal(vector.json, body)
        end
      end)
    end
  end

  it("writes a point under a locale with a decimal comma", function()
    local locale = require "support.locale"
    local done, reason = locale.with_decimal_comma(function()
      assert.equal(is_jit and "0.5" or "0,5", ("%.1f"):format(0.5)) -- LuaJIT brings a printf of its own
      assert.equal('{"a":0.1}', encode { a = 0.1 })
      assert.equal('{"a":0.30000000000000004}', encode { a = 0.1 + 0.2 })
      assert.equal('{"a":1.5e-07}', encode { a = 1.5e-7 })
      return true
    end)
    if not done then
      pending(reason)
    end
  end)

  it("knows lua-cjson's null although lua-cjson is not loaded", function()
    local status, output, errors = helper.run_lua { code = [[
      local postevent = require "postevent"
      local null = require("support.process").null
      local client = postevent.new { url = "http://127.0.0.1:1/", stamp = false }
      assert(package.loaded.cjson == nil)
      io.write((client:encode { event_name = "e", a = { null } }))
      client:close()
    ]] }
    assert.same({ 0, "" }, { status, errors })
    assert.truthy(output:find('"a":[null]', 1, true))
    assert.equal(cjson.null, helper.process.null)
  end)

  it("reads a table raw", function()
    local shown = setmetatable({ a = 1 }, {
      __index = function()
        error "asked __index"
      end,
      __pairs = function()
        error "asked __pairs"
      end,
      __len = function()
        error "asked __len"
      end,
    })
    assert.equal('{"a":1}', (encode(shown)))
    assert.equal('{"a":{"x":2}}', (encode { a = setmetatable({ x = 2 }, getmetatable(shown)) }))
  end)

  it("never changes the caller's table", function()
    local inner = { 1, 2, { x = "y" } }
    local event = { event_name = "e", list = inner, age = 20 }
    local full = postevent.new {
      url = "http://127.0.0.1:1/", id_attribute = "id", common = { store = "s" },
      before_send = function(copy)
        copy.age = 99
        copy.list[3].x = "z"
        return copy
      end,
    }
    assert.truthy(full:encode(event):find('"age":99', 1, true))
    full:close()
    assert.same({ event_name = "e", list = { 1, 2, { x = "y" } }, age = 20 }, event)
    assert.equal(inner, event.list)
  end)

  it("refuses names inside that are not text", function()
    local _, message, code, detail = encode { a = { [true] = 1 } }
    assert.equal("invalid_event", code)
    assert.same({ "name" }, rules_of(detail))
    assert.truthy(message:find("^a: "))
    assert.same({ "name" }, rules_of(select(4, encode { [true] = 1 })))
    assert.same({ "type" }, rules_of(select(4, encode { a = { [1.5] = 1 } })))
    assert.same({ "type" }, rules_of(select(4, encode { a = { x = 1, [7] = 1 } })))
  end)

  it("names every problem at once", function()
    local _, message, code, detail = client:encode { age = 0 / 0, hook = print, note = "\255", fine = 1 }
    assert.equal("invalid_event", code)
    local seen = {}
    for _, problem in ipairs(detail.problems) do
      seen[problem.attribute] = problem.rule
      assert.truthy(message:find(problem.message, 1, true))
    end
    assert.same({ event_name = "missing", age = "not_finite", hook = "type", note = "utf8" }, seen)
  end)

  it("asks for an event_name that is text and not empty", function()
    for _, case in ipairs { { nil, "missing" }, { "", "missing" }, { cjson.null, "missing" }, { 7, "type" },
      { {}, "type" } } do
      local _, _, code, detail = client:encode { event_name = case[1], a = 1 }
      assert.equal("invalid_event", code)
      assert.equal("event_name", detail.problems[1].attribute)
      assert.equal(case[2], detail.problems[1].rule)
    end
  end)

  it("A7: asks whether the name is what stands under another name", function()
    for _, name in ipairs { "eventName", "event", "name" } do
      local _, message = client:encode { [name] = "be_reserved", a = 1 }
      assert.equal(("event_name: missing; is it what is called %s here?"):format(name), message)
    end
    assert.equal("event_name: missing", (select(2, client:encode { event = {}, name = 7 })))
  end)

  it("nests up to 32 tables and no deeper, wide cycles included", function()
    local function nested(depth)
      local value = 1
      for _ = 1, depth do
        value = { x = value }
      end
      return value
    end
    assert.is_string((encode { a = nested(32) }))
    assert.same({ "depth" }, rules_of(select(4, encode { a = nested(33) })))
    assert.same({ "depth" }, rules_of(select(4, encode { a = nested(100000) })))
    local wide = {}
    for i = 1, 10 do
      wide[i] = wide
    end
    assert.same({ "depth" }, rules_of(select(4, encode { a = wide })))
  end)

  it("refuses an event over max_event_bytes and names the attribute that crossed the line", function()
    local small = postevent.new { url = "http://127.0.0.1:1/", max_event_bytes = 100, stamp = false }
    local room = 100 - #'{"event_name":"e","a":""}'
    assert.equal(100, #small:encode { event_name = "e", a = ("x"):rep(room) })
    for _, size in ipairs { room + 1, 10000, 10000000 } do
      local body, message, code, detail = small:encode { event_name = "e", a = ("x"):rep(size) }
      assert.is_nil(body)
      assert.equal("too_large", code)
      assert.same({ "too_large" }, rules_of(detail))
      assert.truthy(message:find("max_event_bytes", 1, true))
      assert.is_true(#message < 200)
    end
    local list = {}
    for i = 1, (room + 1) / 2 do -- "[1,1]" in place of two quotes and what is between
      list[i] = 1
    end
    local size = #small:encode { event_name = "e", a = list }
    assert.is_true(size == 99 or size == 100)
    list[#list + 1] = 1
    assert.equal("too_large", select(3, small:encode { event_name = "e", a = list }))
    local many = { event_name = "e" }
    for i = 1, 1000 do
      many["attribute_" .. i] = i
    end
    assert.equal("too_large", select(3, small:encode(many)))
    assert.equal('{"event_name":"e"}', small:encode { event_name = "e" })
    small:close()
  end)

  it("takes no long look at what does not fit, and tells of a hundred problems at most", function()
    local long, event = {}, {}
    for i = 1, 200000 do
      long[i] = print
    end
    for i = 1, 200 do
      event["a" .. i] = { long }
    end
    local start = helper.process.now()
    assert.equal("too_large", select(3, encode(event)))
    assert.is_true(helper.process.now() - start < 2)
    for i = 1, 1000 do
      event["a" .. i] = print
    end
    assert.equal(100, #select(4, encode(event)).problems)
  end)

  it("shows a name that is not printable without harm", function()
    local _, message, _, detail = encode { ["a\27[31m\n" .. ("x"):rep(1000)] = print }
    assert.is_nil(message:find "[%c]")
    assert.is_true(#message < 200)
    assert.equal("a\27[31m\n" .. ("x"):rep(1000), detail.problems[1].attribute)
  end)
end)
