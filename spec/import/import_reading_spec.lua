-- What `postevent import` reads: JSON Lines, JSON arrays and values, packed files, stdin.
local cjson = require "cjson"
local helper = require "support.helper"
local importing = require "support.importing"

local check, run = importing.check, importing.run

local function sorted(values)
  table.sort(values)
  return values
end

-- The numbers `n` of the events that arrived, sorted.
local function numbers(sandbox)
  return sorted(importing.pluck(importing.sent(sandbox), "n"))
end

describe("postevent import", function()
  helper.guard()
  local sandbox = helper.shared_sandbox {}

  it("delivers JSON Lines, whatever their line breaks are, and skips empty lines", function()
    local path = helper.new_file('\239\187\191{"event_name":"e","n":1}\r\n\n  \n{"event_name":"e","n":2}', "x.jsonl")
    local status, output, errors = importing.deliver(sandbox, path)
    assert.equal(0, status, errors)
    assert.truthy(output:find("delivered +2\n"), output)
    assert.same({ 1, 2 }, numbers(sandbox))
  end)

  it("delivers a JSON array, on one line and on many, and JSON values one behind the other", function()
    local texts = {
      '[{"event_name":"e","n":1},{"event_name":"e","n":2, "t":["]", {"a":"\\"}"}]}]',
      '\n[\n  {"event_name":"e",\n "n":1}\n,\n{"event_name":"e","n":2}\n]\n\n',
      '{\n  "event_name": "e",\n  "n": 1\n}\n{\n  "event_name": "e",\n  "n": 2\n}\n',
    }
    for _, text in ipairs(texts) do
      local status, _, errors = importing.deliver(sandbox, helper.new_file(text, "x.json"))
      assert.equal(0, status, errors)
      assert.same({ 1, 2 }, numbers(sandbox))
      sandbox:reset()
    end
    assert.same({ 0, { "0 lines, 0 with problems" } }, { check("[ ]", "x.json") })
  end)

  it("names the line of an array's item that is wrong, and says where an array is cut", function()
    assert.same({ 1, { "3: item 2: event_name: missing", "2 lines, 1 with problems" } },
      { check('[{"event_name":"e"},\n\n{"n":1}]', "x.json") })
    local cases = {
      ['[{"event_name":"e"},{"event'] = "item 2: it is cut off",
      ['[{"event_name":"e"}'] = "item 2: the array is cut off",
      ['[{"event_name":"e"},'] = "item 2: the array is cut off",
      ['[{"event_name":"e"} {"event_name":"e"}]'] = "item 2: expected a comma",
      ['[{"event_name":"e"}]x'] = "item 2: there is something behind",
      ['[{"event_name":"e"},,]'] = "item 2: expected an event",
    }
    for text, expected in pairs(cases) do
      local status, lines = check(text, "x.json")
      assert.equal(1, status, text)
      assert.truthy(lines[1]:find(expected, 1, true), lines[1])
    end
    local status, lines = check("[" .. ("["):rep(5000) .. ("]"):rep(5000) .. "]", "x.json")
    assert.equal(1, status)
    assert.truthy(lines[1]:find "nested too deep", lines[1])
  end)

  it("reads an array that comes in many blocks", function()
    local items = {}
    for i = 1, 5000 do
      items[i] = ('{"event_name":"e","note":"%s","n":%d}'):format(("x"):rep(i % 90), i)
    end
    local status, lines = check("[" .. table.concat(items, ",\n") .. "]", "x.json")
    assert.same({ 0, { "5,000 lines, 0 with problems" } }, { status, lines })
  end)

  it("unpacks .gz and .zst, and says where one is damaged", function()
    local path = helper.new_file('{"event_name":"e","n":1}\n{"event_name":"e","n":2}\n', "x.jsonl")
    for _, tool in ipairs { "gzip -k", "zstd -q" } do
      assert.equal(0, (helper.run { "sh", "-c", tool .. " " .. path }))
      local packed = path .. (tool:find "gzip" and ".gz" or ".zst")
      local status, _, errors = importing.deliver(sandbox, packed)
      assert.equal(0, status, errors)
      assert.same({ 1, 2 }, numbers(sandbox))
      sandbox:reset()
      local damaged = helper.new_file(helper.read_file(packed):sub(1, -6), "damaged")
      status, _, errors = run { "--dry-run", damaged }
      assert.equal(1, status, errors)
      assert.truthy(errors:find("cannot unpack all of it", 1, true), errors)
    end
  end)

  it("reads stdin, and checks it before anything of it is sent", function()
    local arguments = { "--url", sandbox.url, "-" }
    local status, output, errors = run(arguments, { stdin = '{"event_name":"e","n":1}\n{"n":2}\n' })
    assert.equal(1, status)
    assert.truthy(output:find("stdin:2: event_name: missing", 1, true), output)
    assert.truthy(errors:find("nothing was sent", 1, true), errors)
    assert.same({}, numbers(sandbox))
    status, output, errors = run(arguments, { stdin = '{"event_name":"e","n":1}\n{"event_name":"e","n":2}' })
    assert.equal(0, status, output .. errors)
    assert.same({ 1, 2 }, numbers(sandbox))
  end)

  it("says what it found where that is nothing it reads", function()
    local cases = {
      { "\255\254{\0", "UTF-16" }, { "<events/>\n", "XML" }, { "hello\n", "cannot tell" },
      { "postevent import 1\t5\tab\tcd\t5\tcsv\n", "the journal of an import" }, { "PK\3\4xx", "zip" },
    }
    for _, case in ipairs(cases) do
      local status, lines = check(case[1], "x.dat")
      assert.equal(2, status)
      assert.truthy(table.concat(lines):find(case[2], 1, true), table.concat(lines))
    end
  end)

  it("refuses a directory, and what is not there", function()
    local status, _, errors = run { "--dry-run", helper.new_directory() }
    assert.equal(2, status)
    assert.truthy(errors:find("is a directory", 1, true), errors)
    status, _, errors = run { "--dry-run", "/nowhere/x.jsonl" }
    assert.equal(2, status)
    assert.truthy(errors:find("/nowhere/x.jsonl: No such file", 1, true), errors)
  end)

  it("names the line that is no JSON, not UTF-8, or too long, and goes on behind it", function()
    local good = '{"event_name":"e"}\n'
    local status, lines = check(good .. '{"event_name":}\n' .. good .. '{"event_name":"e","a":"\200"}\n' .. good
      .. '{"a":"' .. ("x"):rep(3 * 1024 * 1024) .. '"}\n' .. good .. '{"n":1}', "x.jsonl")
    assert.equal(1, status)
    assert.truthy(lines[1]:find("^2:15: expected value"), lines[1])
    assert.truthy(lines[2]:find("^4: a: .*UTF%-8"), lines[2])
    assert.equal("6: longer than 1048576 bytes", lines[3])
    assert.equal("8: event_name: missing", lines[4])
    assert.equal("8 lines, 4 with problems", lines[#lines])
  end)
end)

describe("the check of postevent import", function()
  helper.guard()

  it("names the option that is wrong, and what was meant", function()
    local path = helper.new_file("event_name,Guest mobile\ne,1\n", "x.csv")
    local cases = {
      { "--types", "Guest mobile=numbr", "--types: expected ATTRIBUTE=TYPE", "did you mean number?" },
      { "--types", "guest_mobile=number", "--types: " .. path .. " has no column", "did you mean Guest mobile?" },
      { "--map", "Guest mobil=customer_id", "--map: " .. path .. " has no column", "did you mean Guest mobile?" },
      { "--drop", "b", "--drop: " .. path .. " has no column that is b\n" },
      { "--set", "foo", "--set 1 (foo): expected KEY=VALUE" },
      { "--set", "a:=tru", "--set: a: line 1, column 1: expected value", "a=tru" },
      { "--common", "a==1", "--common 1: a==" },
    }
    for _, case in ipairs(cases) do
      local status, _, errors = run { "--dry-run", path, case[1], case[2] }
      assert.equal(2, status)
      for i = 3, #case do
        assert.truthy(errors:find(case[i], 1, true), errors)
      end
    end
    local status, _, errors = run { "--url", "http://127.0.0.1:1/", path, "--concurrency", "100000" }
    assert.equal(2, status)
    assert.truthy(errors:find("--concurrency: expected a whole number from 1 to 1000", 1, true), errors)
  end)

  it("warns of what an option names that no event has", function()
    local path = helper.new_file('{"event_name":"e","a":1}\n', "x.jsonl")
    local status, _, errors = run { "--dry-run", path, "--map", "a=b", "--map", "Guest=c", "--drop", "d", "--types",
      "a=number" }
    assert.equal(0, status)
    local warnings = { "--drop: no event has d", "--map: no event has Guest",
      "--types: says nothing of JSON, which has types" }
    for i, text in ipairs(warnings) do
      warnings[i] = ("postevent: warning: %s (%s)\n"):format(text, path)
    end
    assert.equal(table.concat(warnings), errors)
  end)

  it("prints a hundred problems, and counts all by kind", function()
    local texts = {}
    for i = 1, 1204 do
      texts[i] = '{"event_name":"visit"}\n'
    end
    texts[17] = '{"event_name":"visit","customer_id":"9988776655","age":"old"}\n'
    local status, lines = check(table.concat(texts), "x.jsonl", "--definitions", importing.definitions_file())
    assert.equal(1, status)
    assert.equal("1: customer_id: missing", lines[1])
    assert.equal("17: age: expected a number, got text", lines[17])
    assert.same({
      "... and more; all of them, by kind:",
      "  customer_id: missing, 1,203 lines, first in line 1",
      "  age: expected a number, got text, 1 line, first in line 17",
      "1,204 lines, 1,204 with problems",
    }, { lines[101], lines[102], lines[103], lines[104] })
  end)

  it("tells apart what is wrong for different reasons, and names items", function()
    local status, lines = check('event_name,a\ne\ne,1,2\ne\n', "x.csv")
    assert.equal(1, status)
    assert.same({ "By kind:", "  1 cells, and the header has 2, 2 lines, first in line 2",
      "  3 cells, and the header has 2, 1 line, first in line 3" }, { lines[4], lines[5], lines[6] })
    status, lines = check('[{"event_name":"e"},5,\n{"event_name":e}]', "x.json")
    assert.equal(1, status)
    assert.equal("1: item 2: an event is an object, {...}", lines[1])
    assert.truthy(lines[2]:find "^2: item 3: expected", lines[2])
  end)

  it("prints them as JSON for programs", function()
    local status, lines = check('{"n":1}\n', "x.jsonl", "--log", "json")
    assert.equal(1, status)
    assert.same({ phase = "checked", read = 1, with_problems = 1 }, cjson.decode(lines[2]))
    local problem = cjson.decode(lines[1])
    assert.same({ "problem", 1, "event_name", "missing" },
      { problem.phase, problem.line, problem.attribute, problem.rule })
  end)
end)
