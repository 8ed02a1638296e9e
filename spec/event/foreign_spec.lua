-- E2: a file that is not what is read is told of once, by what it is: definitions, by every door, and imports.
local command = require "support.command"
local helper = require "support.helper"
local postevent = require "postevent"

local expect = command.expect
local unpack = table.unpack or unpack -- luacheck: ignore
local good = '{"event_name":"e","c":"1"}'

-- What a file holds in place of definitions, and what is said of it.
local FILES = {
  ["event_name,age\nx,20\n"] = "line 1, column 1: this is CSV",
  ["\31\139\8\0\0\0\0\0"] = "line 1, column 1: this is compressed (gzip)",
  ["\40\181\47\253\4\0\0"] = "line 1, column 1: this is compressed (Zstandard)",
  ["\255\254{\0\"\0"] = "line 1, column 1: this is UTF-16",
  ["\255\254\0\0{\0\0\0"] = "line 1, column 1: this is UTF-32",
  ['{\n  "e": { // mine\n    "c": "customer"\n  }\n}\n'] = "line 2, column 10: this is JSON with comments",
  ['// mine\n{\n  "e": { "c": "customer" }\n}\n'] = "line 1, column 1: this is JSON with comments",
  ['{\n  "e": {\n    "c": "customer",\n  }\n}\n'] =
    "line 4, column 3: this is JSON with a comma behind the last member",
  ["{'e': {'c': 'customer'}}"] = "line 1, column 2: this is JSON with single quotes",
  ["e:\n  c: customer\n"] = "line 1, column 1: this is YAML",
  ["data: {}\n\ndata: {}\n\n"] = "line 1, column 1: this is server-sent events",
  ["Dear team,\nhere they are, as promised.\n"] = "line 1, column 1: this is text",
  ["<!doctype html>\n<html>\n"] = "line 1, column 1: this is XML or HTML",
  [good .. "\n" .. good .. "\n"] = "line 1, column 1: this is JSON Lines",
  ['{"events":[' .. good .. "]}"] = "line 1, column 1: this is JSON that has the events in a list",
}

describe("E2: a file of definitions that is none", function()
  helper.guard()

  it("is told of by what it is, with its place, in new and in postevent.definitions", function()
    for text, said in pairs(FILES) do
      local path = helper.new_file(text)
      local ok, message = pcall(postevent.new, { mode = "record", definitions = path })
      assert.is_false(ok)
      assert.truthy(message:find(("definitions: %s: %s; expected definitions, as JSON"):format(path, said), 1, true),
        message)
      ok, message = pcall(postevent.definitions, path)
      assert.is_false(ok)
      assert.truthy(message:find(said, 1, true), message)
    end
  end)

  it("is told of so where the text itself is given", function()
    for _, text in ipairs { "event_name,age\nx,20\n", "// mine\n{\n}\n", "e:\n  c: customer\n" } do
      local ok, message = pcall(postevent.new, { mode = "record", definitions = text })
      assert.is_false(ok)
      assert.truthy(message:find "definitions: line 1, column 1: this is .*; expected definitions, as JSON", message)
    end
  end)

  it("is told of so by the command and the sandbox, in one line", function()
    for text, said in pairs(FILES) do
      local path = helper.new_file(text)
      for _, words in ipairs { { "definitions", "list", path }, { "sandbox", "--definitions", path } } do
        local _, errors = expect(2, ("%s: %s; expected definitions, as JSON"):format(path, said), words)
        assert.equal(2, select(2, errors:gsub("\n", "")), errors)
      end
    end
  end)

  it("is told of where it is an event", function()
    for _, text in ipairs { good, "[" .. good .. "]" } do
      local ok, message = pcall(postevent.definitions, helper.new_file(text))
      assert.is_false(ok)
      assert.truthy(message:find("this is an event; expected definitions of events", 1, true), message)
    end
  end)
end)

describe("E2: what is to be done", function()
  helper.guard()

  it("is said where it is sure: what unpacks a file, and what makes of it what was wanted", function()
    local gzip, csv = helper.new_file "\31\139\8\0\0\0", helper.new_file "event_name,age\nx,20\n"
    local lines, list = helper.new_file(good .. "\n" .. good), helper.new_file("[" .. good .. "]")
    local post = { "post", "--url", command.nowhere, "--json" }
    for _, case in ipairs {
      { gzip, "(gzip -dc FILE makes it)", "definitions", "list" }, { csv, "as JSON\n", "definitions", "list" },
      { lines, "as JSON\n", "definitions", "list" }, { lines, "(head -n 1 FILE makes it)", unpack(post) },
      { list, "(jq -c '.[0]' FILE makes it)", unpack(post) }, { csv, "(postevent import reads CSV)", unpack(post) },
      { csv, "(postevent import reads CSV)", "check", "--definitions", "spec/vectors/definitions.json" },
      { list, "(jq -c '.[]' FILE makes it)", "check", "--definitions", "spec/vectors/definitions.json" },
    } do
      local words = { unpack(case, 3) }
      words[#words + 1] = case[1]
      expect(2, case[2], words)
    end
  end)
end)

describe("E2: a file to import that is none", function()
  helper.guard()

  local function import(text, name)
    return command.run { "import", "--dry-run", helper.new_file(text, name) }
  end

  it("is told of by what it is", function()
    for text, said in pairs {
      ['{"events":[\n' .. good .. ",\n" .. good .. "\n]}\n"] = ":1: this is JSON that has the events in a list",
      ['[\n  // mine\n  ' .. good .. "\n]\n"] = ":2: this is JSON with comments",
      ["\255\254\0\0{\0\0\0"] = ":1: this is UTF-32", ["data: " .. good .. "\n\n"] = ":1: this is server-sent events",
      ["Dear team,\nthe list, as promised, is here.\n"] = ":1: this is text",
      ['{"data":[{"clickEventsMeta":{"eventName":"e","fields":[]}}]}'] = ":1: this is event definitions",
    } do
      local status, output, errors = import(text, "events")
      assert.same({ 2, "" }, { status, output })
      assert.truthy(errors:find(said .. "; expected JSON Lines, a JSON array or CSV", 1, true), errors)
    end
  end)

  it("is told of though its name says that it is CSV, where a sentence stands for the header", function()
    local prose = "The guests, all of them, were here in May.\nThey liked it.\n"
    for _, text in ipairs {
      prose, prose:rep(20), "Dear team, here is the list.\n", "What is said here is no table at all\n",
    } do
      local status, output, errors = import(text, "events.csv")
      assert.same({ 2, "" }, { status, output })
      assert.truthy(errors:find("events.csv:1: this is text; expected JSON Lines, a JSON array or CSV; --format csv "
        .. "reads it as that", 1, true), errors)
    end
    for _, text in ipairs { "event_name\ne\n", "event_name,c,\ne,1,\n", '"event_name";"c"\ne;1\n' } do
      assert.equal(0, (import(text, "events.csv")))
    end
  end)

  it("is told of once where it becomes something else", function()
    local status, output, errors = import(good .. "\nevent_name,c\nx,1\ny,2\n", "events.jsonl")
    assert.same({ 2, "" }, { status, output })
    assert.truthy(errors:find(":2: from here on this is CSV; expected JSON Lines", 1, true), errors)
    status, output, errors = import("event_name,c\ne,1\n" .. good .. "\n" .. good .. "\n", "events.csv")
    assert.same({ 2, "" }, { status, output })
    assert.truthy(errors:find(":3: from here on this is JSON Lines; expected CSV", 1, true), errors)
  end)

  it("is read where there are several objects on a line", function()
    local status, output = import((good .. " " .. good .. "\n"):rep(2), "events.json")
    assert.equal(0, status)
    assert.truthy(output:find("4 lines, 0 with problems", 1, true), output)
  end)
end)

describe("E2: a file in another encoding", function()
  helper.guard()

  local LATIN = "this is text in Latin-1 or one like it; expected UTF-8 (iconv -f WINDOWS-1252 -t UTF-8 FILE makes it)"
  local OTHER = "this is text in another encoding than UTF-8; expected UTF-8\n"

  local function lines_of(...)
    local lines = {}
    for i, city in ipairs { ... } do
      lines[i] = '{"event_name":"e","c":"' .. city .. '"}\n'
    end
    return table.concat(lines)
  end

  -- Both commands end at that line, and say nothing else.
  local function assert_said(said, text, name)
    local path = helper.new_file(text, name)
    local runs = { { "import", "--dry-run", path } }
    if name:find "%.jsonl$" then
      runs[2] = { "check", "--definitions", helper.new_file '{"e":{"c":"customer"}}', path }
    end
    for _, words in ipairs(runs) do
      local status, output, errors = command.run(words)
      assert.same({ 2, "" }, { status, output })
      assert.truthy(errors:find(said, 1, true), errors)
      assert.equal(2, select(2, errors:gsub("\n", "")), errors)
    end
  end

  it("is told of once, by what it is", function()
    local plain = lines_of "Paris"
    assert_said(":1: " .. LATIN, lines_of("M\252nchen", "K\246ln", "Paris"), "events.jsonl")
    assert_said(":3: " .. LATIN, plain .. plain .. lines_of("\214lper", "\1285"), "events.jsonl")
    local windows_1251 = lines_of("\204\238\241\234\226\224", "\207\224\240\232\230")
    local euc_jp = lines_of("\197\236\181\254", "\194\231\186\229", "\181\254\197\212")
    assert_said(":1: " .. OTHER, windows_1251, "events.jsonl")
    assert_said(":1: " .. OTHER, euc_jp, "events.jsonl")
    assert_said(":2: " .. LATIN, "event_name,c\ne,M\252nchen\ne,K\246ln\n", "events.csv")
    assert_said(":1: " .. LATIN, "event_name,c,gr\246\223e\ne,1,2\ne,2,3\n", "events.csv")
    assert_said(":1: " .. LATIN, "[" .. lines_of("M\252nchen", "K\246ln"):gsub("\n{", ",{") .. "]", "events.json")
  end)

  it("is told of from where it begins, behind one that is UTF-8", function()
    assert_said(":2: from here on this is text in Latin-1 or one like it; expected UTF-8\n",
      lines_of("M\195\188nchen", "M\252nchen", "K\246ln"), "events.jsonl")
  end)

  it("is not what a wrong byte here and there makes of a file, nor skipped where bad lines are to be", function()
    local text = lines_of("K\195\182ln", "a\255", "K\195\182ln", "a\255")
    for _, case in ipairs {
      { text, 2 }, { lines_of("a", "\255", "b"), 1 }, { lines_of("M\252nchen", "K\246ln"), 2, "--skip-bad" },
    } do
      local path = helper.new_file(case[1], "events.jsonl")
      local status, output, errors = command.run { "import", "--dry-run", path, case[3] }
      assert.equal(1, status, errors)
      assert.truthy(output:find(("%d with problems"):format(case[2]), 1, true), output)
    end
  end)
end)
