-- The command `postevent check`, and `postevent post --definitions`.
local cjson = require "cjson"
local command = require "support.command"
local documents = require "support.documents"
local helper = require "support.helper"
local postevent = require "postevent"
local vectors = require "support.vectors"

local FILE = "spec/vectors/definitions.json"
local expect, run = command.expect, command.run

-- What it says on stderr, but that this build has no PCRE2.
local function without_pcre2(errors)
  return (errors:gsub("postevent: warning: no regex is checked[^\n]*\n", ""))
end

-- Checks `text` on stdin: the exit status, and the lines without "stdin:".
local function check(text, definitions)
  local status, output, errors = run({ "check", "--definitions", definitions or FILE, "-" }, { stdin = text })
  assert.equal("", without_pcre2(errors))
  local lines = {}
  for line in output:gmatch "[^\n]+" do
    lines[#lines + 1] = line:gsub("^stdin:", "")
  end
  return status, lines
end

local function definitions_file(events)
  return helper.new_file(cjson.encode(events), "definitions.json")
end

describe("postevent check", function()
  helper.guard()
  local good = cjson.encode(documents.event)

  it("finds nothing wrong with what is right", function()
    local path = helper.new_file(("\n" .. good .. "\r\n  \n"):rep(6), "events.jsonl")
    local output, errors = expect(0, nil, { "check", "--definitions", FILE, path })
    assert.equal("6 events, 0 with problems\n", output)
    assert.equal("", without_pcre2(errors))
    assert.same({ 0, { "1 event, 0 with problems" } }, { check("\239\187\191" .. good) })
    assert.same({ 0, { "0 events, 0 with problems" } }, { check "" })
  end)

  it("prints every problem with its line, and counts", function()
    local path = helper.new_file(table.concat({
      good, "", '{"event_name":"be_reserved","customer_id":"1","age":"old","hotelname":"x","room_nights":"99"}',
      '{"event_name":"be_reservd"}', good,
    }, "\n"), "events.jsonl")
    local status, output = run { "check", "--definitions", FILE, path }
    assert.equal(1, status)
    local lines = {}
    for line in output:gmatch "[^\n]+" do
      lines[#lines + 1] = line:gsub("^" .. path:gsub("%W", "%%%0"), "events.jsonl")
    end
    assert.equal("4 events, 2 with problems", table.remove(lines))
    table.sort(lines)
    assert.same({
      "events.jsonl:3: age: expected a number, got text",
      'events.jsonl:3: customer_id: "1" is not a mobile number (5 to 20 digits)',
      "events.jsonl:3: hotel_name: missing",
      "events.jsonl:3: hotelname: unknown attribute, did you mean hotel_name?",
      'events.jsonl:3: room_nights: "99" is not one of 1, 2, ... 15',
      "events.jsonl:4: event_name: unknown event, did you mean be_reserved?",
    }, lines)
  end)

  it("agrees with the client about all the vectors", function()
    local texts, bad = {}, 0
    local client = postevent.new { mode = "record", definitions = FILE }
    for i, vector in ipairs(vectors "events.jsonl") do
      texts[i] = cjson.encode(vector.event)
      bad = bad + (client:encode(vector.event) and 0 or 1)
    end
    client:close()
    local status, lines = check(table.concat(texts, "\n"))
    assert.equal(1, status)
    assert.equal(("%d events, %d with problems"):format(#texts, bad), lines[#lines])
  end)

  it("hints at what a text was probably meant to be", function()
    local path = definitions_file { e = {
      c = "customer", n = "double?", i = "integer?", b = "boolean?", s = { type = "double", sensitive = true,
        required = false }, t = { type = "boolean", sensitive = true, required = false },
    } }
    local HINT = " (%s on the command line, no quotes in JSON)"
    for attribute, expected in pairs {
      ['"n":"-19.50"'] = "n: expected a number, got text" .. HINT:format "n:=-19.50",
      ['"n":"0.5"'] = "n: expected a number, got text" .. HINT:format "n:=0.5",
      ['"i":"20"'] = "i: expected a whole number, got text" .. HINT:format "i:=20",
      ['"b":"false"'] = "b: expected a boolean, got text" .. HINT:format "b:=false",
      ['"s":"37"'] = "s: expected a number, got text" .. HINT:format "s:=20",
      ['"t":"false"'] = "t: expected a boolean, got text" .. HINT:format "t:=true",
      ['"n":"twenty"'] = "n: expected a number, got text", ['"n":"007"'] = "n: expected a number, got text",
      ['"n":"20."'] = "n: expected a number, got text", ['"n":true'] = "n: expected a number, got a boolean",
      ['"n":"1234567890123456"'] = "n: expected a number, got text",
      ['"i":"2.5"'] = "i: expected a whole number, got text", ['"b":"yes"'] = "b: expected a boolean, got text",
    } do
      local _, lines = check(('{"event_name":"e","c":"1",%s}'):format(attribute), path)
      assert.same({ "1: " .. expected, "1 event, 1 with problems" }, lines)
    end
  end)

  it("tells of malformed lines with their column, and goes on", function()
    local status, lines = check(table.concat({
      good, '{"event_name":', "[1]", '{"event_name":"be_reserved","age":1234567890123456789}',
      '{"event_name":"x","event_name":"y"}', "null", "{\0}", good .. good,
    }, "\n"))
    assert.equal(1, status)
    assert.truthy(table.remove(lines, 7):find "^8:%d+: expected the end")
    assert.same({
      "2:15: expected value but found the end",
      "3:1: an event is an object, {...}",
      "4:35: a number of 2^53 or more that would be rounded; write it as text",
      "5:19: the name is there twice", "6:1: an event is an object, {...}", "7:2: a NUL byte; is this UTF-8 text?",
      "8 events, 7 with problems",
    }, lines)
  end)

  it("does not lose a line to a NUL, or to one of many megabytes", function()
    local long = '{"event_name":"' .. ("x"):rep(3 * 1024 * 1024) .. '"}'
    local status, lines = check(table.concat({ "{}\0{", good, long, "x", good, "" }, "\n"))
    assert.equal(1, status)
    assert.same({
      "1:3: a NUL byte; is this UTF-8 text?", "3: too long to be an event",
      "4:1: expected value but found invalid token", "5 events, 3 with problems",
    }, lines)
  end)

  it("reads a file of many blocks as one of lines", function()
    local lines = {}
    for i = 1, 3000 do
      lines[i] = ('{"event_name":"e","c":"%s"%s}'):format(("x"):rep(i % 97 + 1), i % 1000 == 0 and ',"d":1' or "")
    end
    local _, found = check(table.concat(lines, "\n"), definitions_file { e = { c = "customer" } })
    assert.same({
      "1000: d: unknown attribute", "2000: d: unknown attribute", "3000: d: unknown attribute",
      "3000 events, 3 with problems",
    }, found)
  end)

  it("E2: says in one line what a file is that holds no JSON Lines, and sends nothing of it", function()
    local pretty = '{\n  "event_name": "e",\n  "c": "1"\n}\n'
    for _, case in ipairs {
      { "event_name,age\nbe_reserved,20\n", "CSV" }, { "event_name;age\nbe_reserved;20\n", "CSV" },
      { '"event_name"\t"age"\n"be_reserved"\t20\n', "CSV" }, { "a,b", "CSV" },
      { pretty, "JSON over several lines", "jq -c . FILE" }, { "\239\187\191" .. pretty, "JSON over several lines" },
      { '{"event_name":"e",\r\n "c":"1"}\r\n', "JSON over several lines" },
      { "[" .. good .. "," .. good .. "]", "a JSON array", "jq -c '.[]' FILE" },
      { "\n[\n  {\n    \"event_name\": \"e\"\n  }\n]\n", "a JSON array" }, { "[\n]\n", "a JSON array" },
      { "[1,\n2]\n", "a JSON array" }, { "[" .. good .. ",\n" .. good .. "]", "a JSON array" },
      { '{"events":[\n' .. good .. ",\n" .. good .. "\n]}\n", "JSON that has the events in a list",
        "jq -c '.events[]' FILE" },
      { '{"data":[' .. good .. "]}", "JSON that has the events in a list", "jq -c '.data[]' FILE" },
      { '{"data":[{"a":1},\n{"b":2}]}', "JSON over several lines" },
      { '{"event_name":\n"e"}\n', "JSON over several lines" }, { "{\n}\n", "JSON over several lines" },
      { "\31\139\8\0\0\0\0\0\0\3\n\n", "compressed (gzip)", "gzip -dc FILE" },
      { "\40\181\47\253\4\0", "compressed (Zstandard)", "zstd -dc FILE" },
      { "\255\254{\0\"\0a\0\"\0:\0001\0}\0\n\0", "UTF-16", "iconv -f UTF-16 -t UTF-8 FILE" },
      { "{\0\"\0a\0\"\0\n\0", "UTF-16", "UTF-16LE" }, { "\0{\0\"\0a\0\"\0\n", "UTF-16", "UTF-16BE" },
      { "\255\254\0\0{\0\0\0", "UTF-32", "iconv -f UTF-32 -t" }, { "{\0\0\0\"\0\0\0", "UTF-32", "UTF-32LE" },
      { "\0\0\0{\0\0\0\"", "UTF-32", "UTF-32BE" },
      { (good .. good .. "\n"):rep(2), "several JSON values on a line", "jq -c . FILE" },
      { (good .. " " .. good .. "\n"):rep(2), "several JSON values on a line" },
      { '{\n  // mine\n  "event_name": "e"\n}\n', "JSON with comments", nil, 2 },
      { "// mine\n[\n" .. good .. ", /* x */\n" .. good:gsub("}$", "") .. "\n", "JSON with comments" },
      { '{\n  "event_name": "e",\n}\n', "JSON with a comma behind the last member", nil, 3 },
      { "[\n" .. good .. ",\n" .. good .. ",\n]\n", "JSON with a comma behind the last member", nil, 4 },
      { '{"a":True}\n{"a":None}\n', "Python's notation" }, { '{"a":NaN}\n{"a":NaN}\n', "JSON with NaN" },
      { "Dear team,\nthe events of May, as promised, are here.\nAsha\n", "text" },
      { "Roses are red, violets are blue\nSugar is sweet, and so are you\n", "text" },
      { "Hello, world\nGoodbye, moon\n", "text" }, { "name, age\nAnna, 20\n", "CSV" },
      { "data: " .. good .. "\n\ndata: " .. good .. "\n\n", "server-sent events", "sed -n 's/^data: *//p' FILE" },
      { "event: tick\ndata: " .. good .. "\n\n", "server-sent events" },
      { ": ping\n\nid: 1\nevent: x\ndata: " .. good .. "\n\n", "server-sent events" },
      { ("12:00 INFO " .. good .. "\n"):rep(2), "a log, with something in front of each object" },
      { "HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\n" .. good, "an HTTP response with its headers" },
      { '{"data":[{"clickEventsMeta":{"eventName":"e","fields":[]}}]}', "event definitions" },
      { "PK\3\4\n\n\n", "a zip archive" }, { "\127ELF\2\1\1\0\n\n\n", "no text" },
      { "<events>\n<event/>\n</events>\n", "XML or HTML" }, { "one\ntwo\nthree\n", "text" },
      { (good .. ",\n"):rep(3), "JSON Lines with commas between them", "sed 's/,[[:space:]]*$//' FILE" },
      { good .. ",\r\n" .. good .. " , \r\n" .. good .. "\r\n", "JSON Lines with commas between them" },
      { (good:gsub("}$", ",}\n")):rep(2), "JSON with a comma behind the last member" },
      { "[event]\nevent_name=e\nc=1\n", "INI" }, { "; mine\n[event]\nevent_name = e\n", "INI" },
      { "# mine\n\n[[events]]\nevent_name = \"e\"\n", "INI" }, { "event_name=e\nc=1\n", "INI" },
      { "return {\n  { event_name = 'e' },\n}\n", "Lua" }, { "-- mine\nlocal events = {\n  {\n", "Lua" },
      { "events = {\n{ event_name = 'e' },\n}\n", "Lua" }, { '{ event_name = "e" }\n{ event_name = "f" }\n', "Lua" },
      { "{ ['event_name'] = 'e' }\n", "Lua" }, { "const events = [\n  { event_name: 'e' },\n]\n", "JavaScript" },
      { "{event_name: 'e'}\n{event_name: 'f'}\n", "JavaScript" },
      { "{'event_name': 'e'}\n{'event_name': 'f'}\n", "JSON with single quotes" },
      { "[{'event_name': 'e'}]", "JSON with single quotes" },
      { "---\n- event_name: e\n  c: 1\n", "YAML" }, { "- event_name: e\n  c: 1\n", "YAML" },
      { "event_name: e\nc: 1\n", "YAML" },
      { "[\n" .. good .. ",\n" .. good .. "\n]\n", "a JSON array" },
      { "\30" .. good .. "\n\30" .. good .. "\n", "a JSON text sequence (RFC 7464)" },
    } do
      local what = ("EVENTS: stdin:%d: this is %s; expected JSON Lines, an event on each line"):format(case[4] or 1,
        case[2])
      local _, errors = expect(2, what, { "check", "--definitions", FILE, "-" }, { stdin = case[1] })
      assert.truthy(errors:find(case[3] or "", 1, true), errors)
      assert.equal(2, select(2, errors:gsub("postevent: [^w]", "")), errors)
    end
  end)

  it("E2: says it once of a file that becomes something else behind good lines", function()
    for text, what in pairs {
      [good .. "\nevent_name,age\nx,20\ny,30\n"] = "2: from here on this is CSV",
      [good .. "\n" .. good .. "\n<html>\n<body>\n"] = "3: from here on this is XML or HTML",
      [good .. "\none thing\nand another\n"] = "2: from here on this is text",
      [good .. "\n" .. (good .. good .. "\n"):rep(2)] = "2: this is several JSON values on a line",
      [good .. "\n{\n  \"event_name\": \"e\"\n}\n"] = "2: from here on this is JSON over several lines",
    } do
      local status, output, errors = run({ "check", "--definitions", FILE, "-" }, { stdin = text })
      assert.equal(2, status)
      assert.is_nil(output:find("expected", 1, true), output)
      assert.truthy(errors:find("EVENTS: stdin:" .. what, 1, true), errors)
    end
  end)

  it("E2: says of one line what it looks like, and goes on", function()
    local _, lines = check(table.concat({
      good, '{"a":True}', good, "// mine", good, (good:gsub("}$", ",}")), good,
    }, "\n"))
    assert.same({
      "2:6: expected value but found invalid token (it is written true)",
      "4:1: expected value but found invalid token (JSON has no comments)",
      "6:27: expected object key string but found } (there is no comma behind the last member)",
      "7 events, 3 with problems",
    }, { lines[1], lines[2], (lines[3]:gsub("^6:%d+", "6:27")), lines[4] })
  end)

  it("E2: goes on saying it of each line where they are lines", function()
    for _, text in ipairs {
      good:gsub("}$", ",}\n") .. good .. "\n" .. good, good:gsub("}$", ",}"), "# events\n" .. good, "nonsense\n",
      "[1]\n[2]\n", "{\n", '{"a":\n{"b":\n', "1,2\n" .. good,
      '{"a":1,\n' .. good, '{"a":"x\n' .. good, "{\n" .. good, "[1]\n" .. good,
    } do
      local status, lines = check(text)
      assert.equal(1, status)
      assert.truthy(lines[1]:find "^1:%d", lines[1])
    end
  end)

  it("refuses an event that a client would not send for its size", function()
    local _, lines = check(('{"event_name":"e","c":"%s"}'):format(("x"):rep(40000)),
      definitions_file { e = { c = "customer" } })
    assert.equal("1 event, 1 with problems", lines[#lines])
  end)

  it("warns of what is not checked, and of events that are not published", function()
    local path = helper.new_file(cjson.encode { eventName = "e", status = "UNPUBLISHED", fields = {
      { name = "c", type = "CUSTOMER" }, { name = "x", type = "STRING", attributes = { regex = "[a&&b]" } },
    } })
    local output, errors = expect(0, nil, { "check", "--definitions", path, "-" },
      { stdin = '{"event_name":"e","c":"1","x":"2"}' })
    assert.equal("1 event, 0 with problems\n", output)
    assert.truthy(errors:find("postevent: warning: event e, attribute x: its regex is not checked", 1, true)
      or errors:find("postevent: warning: no regex is checked", 1, true), errors)
    assert.truthy(errors:find("postevent: warning: the event e is not published on the platform\n", 1, true), errors)
  end)

  it("ends with 2 where it is used wrongly", function()
    local events = helper.new_file(good)
    expect(2, "missing --definitions", { "check", events })
    expect(2, "--definitions: cannot read /nowhere: No such file", { "check", "--definitions", "/nowhere", events })
    expect(2, "--definitions: " .. events .. ": ", { "check", "--definitions", events, events })
    expect(2, "EVENTS: cannot read /nowhere: No such file", { "check", "--definitions", FILE, "/nowhere" })
    expect(2, "EVENTS: cannot read /: Is a directory", { "check", "--definitions", FILE, "/" })
    expect(2, "--definitions and EVENTS cannot both read stdin", { "check", "--definitions", "-", "-" })
    expect(2, "see: postevent help check", { "check" })
  end)
end)

describe("postevent post --definitions", function()
  helper.guard()
  local sandbox = helper.shared_sandbox()

  it("posts an event that is valid", function()
    expect(0, nil, { "post", "--url", sandbox.url, "--definitions", FILE, "--json", "-" },
      { stdin = cjson.encode(documents.event) })
    expect(0, nil, { "post", "--url", sandbox.url, "--definitions", "-", "event_name=membership_renewed",
      "member=E1", "renewed_on:=1712836800" }, { stdin = helper.read_file(FILE) })
    assert.equal("2024-04-11 12:00:00", sandbox:events()[2].event.renewed_on)
  end)

  it("refuses one that is not, with a line for each problem, and sends nothing", function()
    local _, errors = expect(1, nil, {
      "post", "--url", sandbox.url, "--definitions", FILE, "event_name=cart_updated", "email=asha@example.com",
      "sku=1", "quantity=2", "prise:=1",
    })
    local lines = {}
    for line in errors:gmatch "[^\n]+" do
      lines[#lines + 1] = line:gsub(" %(invalid_event%)$", "")
    end
    table.sort(lines)
    assert.same({
      "postevent: prise: unknown attribute, did you mean price?",
      "postevent: quantity: expected a whole number, got text (quantity:=2 on the command line, no quotes in JSON)",
    }, lines)
    assert.truthy(errors:find " %(invalid_event%)\n$", errors)
    assert.equal(0, #sandbox:events())
  end)

  it("E2: says what --json was given in place of an event", function()
    for text, piece in pairs {
      ["event_name,age\nx,20\n"] = "line 1, column 1: this is CSV; expected one event, an object",
      ['[{"event_name":"x"}]'] = "this is a JSON array; expected one event, an object (jq -c '.[0]' FILE makes it)",
      ['{"event_name":"x"}\n{"event_name":"y"}\n'] = "this is JSON Lines; expected one event, an object (head -n 1",
      ['{"events":[{"event_name":"x"}]}'] = "this is JSON that has the events in a list; expected one event, an object",
      ["\31\139\8\0\0\0"] = "this is compressed (gzip)", ["\255\254{\0}\0"] = "this is UTF-16",
      ["\255\254\0\0{\0\0\0"] = "this is UTF-32",
      ['{\n "event_name": "x",\n "a": }\n'] = "line 3, column 7: expected",
      ['{\n "event_name": "x", // mine\n "a": 1\n}\n'] = "line 2, column 21: this is JSON with comments",
      ['{\n "event_name": "x",\n}\n'] = "line 3, column 1: this is JSON with a comma behind the last member",
      ["event: x\ndata: {}\n\n"] = "this is server-sent events",
    } do
      local _, errors = expect(2, piece, { "post", "--url", sandbox.url, "--json", "-" }, { stdin = text })
      assert.truthy(errors:find("--json: stdin: line %d, column %d+: "), errors)
    end
    expect(0, nil, { "post", "--url", sandbox.url, "--json", "-" }, { stdin = '{\n "event_name":\n "x"}\n' })
  end)

  it("never quotes a value that is sensitive", function()
    local _, errors = expect(1, "age:=20", {
      "post", "--url", sandbox.url, "--definitions", FILE, "event_name=be_reserved", "age=37",
    })
    assert.is_nil(errors:find("37", 1, true))
  end)

  it("ends with 2 where the definitions cannot be read", function()
    for path, piece in pairs {
      ["/nowhere.json"] = "--definitions: cannot read /nowhere.json: No such file",
      [helper.new_file "{"] = "line 1, column 2", [helper.new_file "7"] = "expected an object or a list",
    } do
      expect(2, piece, { "post", "--url", sandbox.url, "--definitions", path, "event_name=x" })
    end
    expect(2, "--json and --definitions cannot both read stdin",
      { "post", "--url", sandbox.url, "--json", "-", "--definitions", "-" })
    assert.equal(0, #sandbox:events())
  end)
end)
