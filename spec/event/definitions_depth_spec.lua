-- Definitions from a stranger: nested, endless, within themselves. Nothing of it is followed into the depth.
local command = require "support.command"
local helper = require "support.helper"
local postevent = require "postevent"

local DEPTH = 20000
local SOON = os.getenv "POSTEVENT_SLOW" and 1 or 0.2 -- seconds of the processor's time

local function repeated(open, middle, close)
  return open:rep(DEPTH) .. middle .. close:rep(DEPTH)
end

-- Wherever a document may nest, and nothing else is wrong with it.
local function documents_with(nested)
  local field = '{"eventName":"e","fields":[{"name":"a","type":"ENUM","attributes":%s}]}'
  return {
    nested, '{"data":' .. nested .. "}", "[" .. nested .. "]", '{"data":[{"clickEventsMeta":' .. nested .. "}]}",
    '{"standardClickEventsMeta":' .. nested .. "}", '{"eventName":"e","fields":' .. nested .. "}",
    field:format(nested), field:format('{"possibleValues":' .. nested .. "}"),
    field:format('{"isRequired":' .. nested .. "}"), field:format('{"regex":' .. nested .. "}"),
    '{"e":{"c":"customer","x":' .. nested .. "}}",
  }
end

local NESTED = {
  ["lists"] = repeated("[", "", "]"), ["objects"] = repeated('{"a":', "1", "}"),
  ["both"] = repeated('[{"a":', "1", "}]"), ["what does not end"] = ("["):rep(DEPTH),
  ["the names that are looked into"] = repeated('{"value":{"data":[{"clickEventsMeta":', "1", "}]}}"),
  ["lists behind lines of text"] = ("\n"):rep(DEPTH) .. repeated("[", "", "]"),
}

-- Calls it, and expects that it says why not, at once.
local function expect_refused(read, what)
  collectgarbage() -- what others have left is not its time
  local before = os.clock()
  local done, message = pcall(read)
  local took = os.clock() - before
  assert.is_false(done, what)
  assert.is_true(took < SOON, ("%s: %.3f s"):format(what, took))
  return message
end

-- A table that nests by `key`, or that contains itself.
local function nested_table(key, endless)
  local outermost = {}
  local table = outermost
  for _ = 1, endless and 0 or DEPTH do
    table[key] = {}
    table = table[key]
  end
  table[key] = endless and outermost or "x"
  return outermost
end

describe("E2: definitions that nest", function()
  helper.guard()

  for kind, nested in pairs(NESTED) do
    it("are refused at once: " .. kind, function()
      for _, text in ipairs(documents_with(nested)) do
        local what = text:sub(1, 80)
        local message = expect_refused(function() postevent.definitions(text) end, what)
        assert.truthy(message:find("too many nested data structures", 1, true), message)
        local file = helper.new_file(text)
        expect_refused(function() postevent.definitions(file) end, "a file: " .. what)
      end
    end)
  end

  it("are refused at once as tables, also such as contain themselves", function()
    for _, key in ipairs { 1, "a", "data", "clickEventsMeta", "eventName", "fields", "value", "values" } do
      for _, endless in ipairs { false, true } do
        local source = nested_table(key, endless)
        local what = ("%s, %s"):format(key, tostring(endless))
        expect_refused(function() postevent.definitions(source) end, what)
        expect_refused(function() postevent.definitions { eventName = "e", fields = source } end, "fields: " .. what)
        expect_refused(function() postevent.new { mode = "record", definitions = source } end, "new: " .. what)
      end
    end
  end)

  it("are refused by the command, in a line", function()
    local file = helper.new_file(NESTED["objects"])
    for _, arguments in ipairs {
      { "definitions", "lint", file }, { "definitions", "types", file }, { "check", "--definitions", file, file },
    } do
      local status, output, errors = command.run(arguments)
      assert.not_equal(0, status)
      assert.truthy((output .. errors):find("too many nested data structures", 1, true), output .. errors)
    end
  end)

  it("are read when they are only many, in a time that grows no faster than they", function()
    local function seconds_for(count)
      local events = {}
      for i = 1, count do
        events[i] = ('{"eventName":"e%d","fields":[{"name":"c","type":"CUSTOMER"}]}'):format(i)
      end
      local text = "[" .. table.concat(events, ",") .. "]"
      collectgarbage()
      local before = os.clock()
      assert.equal(count, #postevent.definitions(text).events)
      return os.clock() - before
    end
    local few = seconds_for(5000)
    assert.is_true(seconds_for(40000) < 8 * 4 * few + SOON)
  end)

  it("tell of a mistake at the end of megabytes in one line", function()
    local before = os.clock()
    assert.is_false(pcall(postevent.definitions, "[" .. (" "):rep(4 * 1024 * 1024)))
    assert.is_true(os.clock() - before < (os.getenv "POSTEVENT_SLOW" and 10 or 1))
  end)
end)
