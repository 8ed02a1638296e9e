-- `postevent receipts`: what the platform says of events that it took.
local cjson = require "cjson"
local command = require "support.command"
local helper = require "support.helper"
local rude = require "support.rude"

local CREDENTIAL, SECRET = command.credential, command.secret
local expect, run = command.expect, command.run

-- A platform whose log has an event each minute of its last 2,000 minutes, E1 the oldest; `mode` is its last minute, in
-- seconds since 1970. It gives no more than it is asked for, and the oldest first. Every hundredth event failed.
local LONG_LOG = [[
  local cjson = require "cjson"
  local from, to, limit = request.path:match "from_date=(%d+)&to_date=(%d+)&limit=(%d+)"
  if not from then return { status = 404, body = "{}" } end
  local rows, last = {}, tonumber(request.mode)
  for n = 1, 2000 do
    local time = (last - (2000 - n) * 60) * 1000
    if time >= tonumber(from) and time <= tonumber(to) and #rows < tonumber(limit) then
      rows[#rows + 1] = { startTime = time, status = n % 100 == 0 and "EMF_PROCESSOR_FAILED" or "EVENT_SUCCESS",
        eventName = "e", inputRequest = cjson.encode { external_event_id = "E" .. n }, id = "R" .. n, message = "why" }
    end
  end
  return { status = 200, body = cjson.encode { data = rows, warnings = {}, errors = {} } }
]]

local function start_long_log()
  local server = rude.start("script", { script = LONG_LOG })
  server:set(tostring(os.time() - 10))
  return server, ("http://127.0.0.1:%d"):format(server.port)
end

-- A server that has nothing in its log, and for every status that body.
local function start_states(body)
  local server = rude.start("script", { script = ([[
    if request.path:find "running_status" then return { status = 200, body = %q } end
    return { status = 200, body = '{"data":[]}' }]]):format(body) })
  return ("http://127.0.0.1:%d"):format(server.port), server
end

local UUID = "4ce8d304-894a-438b-b68a-30e2a084ea6c"

describe("postevent receipts", function()
  helper.guard()
  local sandbox = helper.shared_sandbox { definitions = "spec/vectors/definitions.json" }

  local function post(id, rooms)
    return cjson.decode((expect(0, nil, { "post", "--url", sandbox.url, "event_name=be_reserved", "age:=20",
      "customer_id=9988776655", "hotel_name=Indiranagar", "room_nights=" .. rooms, "external_event_id=" .. id })))
  end

  local function ask(...)
    return run({ "receipts", "--api", sandbox.base, ... })
  end

  it("says of each whether it was processed, failed and why, or is not found", function()
    post("G1", "1")
    post("G2", "2")
    local bad = post("B1", "99")
    assert.same({ 0, "2 events: 2 processed\n", "" }, { ask("G1", "G2") })
    assert.same({ 0, "G1: processed\n1 event: 1 processed\n", "" }, { ask("G1", "--all") })
    local why = 'EMF_PROCESSOR_FAILED: room_nights: "99" is not one of 1, 2, ... 15\n'
    local status, output, errors = ask("G1", "B1", "nobody")
    assert.equal(1, status)
    assert.equal("B1: failed: " .. why .. "nobody: not found\n3 events: 1 processed, 1 failed, 1 not found\n", output)
    assert.truthy(errors:find("; --since looks further back\n", 1, true), errors)
    assert.same({ 1, bad.requestId .. ": failed: " .. why .. "1 event: 1 failed\n", "" }, { ask(bad.requestId) })
    status, output = ask "nobody"
    assert.same({ 75, "nobody: not found\n1 event: 1 not found\n" }, { status, output })
  end)

  it("says where a file was meant, and of what no id is known", function()
    local text = helper.new_file "G1\n"
    for _, id in ipairs { text, "-" } do
      local status, _, errors = ask(id)
      assert.equal(2, status)
      assert.truthy(errors:find(("ID: %s is a file; --file %s reads"):format(id, id), 1, true), errors)
    end
    post("G1", "1")
    local journal = helper.new_file(("postevent import 1\t9\tab\tcd\t%d\tjsonl\n1\tdelivered\tG1\n7\tdelivered\t-\n")
      :format(os.time()), "x.postevent")
    local status, output = ask(journal)
    assert.equal(75, status)
    assert.truthy(output:find(journal .. ": record 7: not found: the journal has no id", 1, true), output)
    assert.truthy(output:find("2 events: 1 processed, 1 not found\n", 1, true), output)
  end)

  it("takes ids from stdin and files: text, replies, results, events", function()
    local good, bad = post("G1", "1"), post("B1", "99")
    for _, text in ipairs {
      "G1\nB1\n", "\r\n G1 \r\nB1", cjson.encode(good) .. "\n\n" .. cjson.encode(bad) .. "\n",
      '{"event_id":"G1","outcome":"delivered"}\n{"event_name":"be_reserved","external_event_id":"B1"}\n',
      ('{"requestId":"%s"}\n{"requestId":"%s"}\n'):format(good.requestId, bad.requestId),
    } do
      local status, output = run({ "receipts", "--api", sandbox.base, "--file", "-" }, { stdin = text })
      assert.equal(1, status)
      assert.truthy(output:find("2 events: 1 processed, 1 failed\n", 1, true), output)
    end
    assert.same({ 0, "0 events\n", "" }, { ask("--file", helper.new_file "\n") })
    local path = helper.new_file('{"order":"G1"}\n{"other":1}\n', "ids.jsonl")
    expect(2, "--file: " .. path .. ":2: there is no order, event_id or requestId in it",
      { "receipts", "--api", sandbox.base, "--file", path, "--id-attribute", "order" })
    expect(2, path .. ":1: there is no external_event_id", { "receipts", "--api", sandbox.base, "--file", path })
    local broken = helper.new_file "G1\n{G2\n"
    expect(2, broken .. ":2: column 2: expected", { "receipts", "--api", sandbox.base, "--file", broken })
  end)

  it("writes JSON for programs", function()
    local reply = post("B1", "99")
    local status, output = run({ "receipts", "--api", sandbox.base, "--json", "--file", "-", "nobody" },
      { stdin = cjson.encode(reply) })
    assert.equal(1, status)
    local lines = {}
    for line in output:gmatch "[^\n]+" do
      lines[#lines + 1] = cjson.decode(line)
    end
    assert.same({ { id = "nobody", state = "not_found" },
      { id = "B1", requestId = reply.requestId, state = "failed", status = "EMF_PROCESSOR_FAILED",
        message = 'room_nights: "99" is not one of 1, 2, ... 15' } }, lines)
  end)

  it("finds what is in a log that is longer than an answer, and stops when it has all", function()
    local server, url = start_long_log()
    local status, output = run { "receipts", "--api", url, "--since", "7d", "E1", "E100", "E777", "E1999", "R2000" }
    assert.equal(1, status)
    assert.equal("E100: failed: EMF_PROCESSOR_FAILED: why\nR2000: failed: EMF_PROCESSOR_FAILED: why\n"
      .. "5 events: 3 processed, 2 failed\n", output)
    local asked = server:requests()
    assert.same({ 0, "1 event: 1 processed\n", "" }, { run { "receipts", "--api", url, "--since", "1h", "E1990" } })
    assert.equal(asked + 1, server:requests())
    assert.equal(75, (run { "receipts", "--api", url, "--since", "1h", "E1" }))
  end)

  it("says that an event was processed of which the log has a failure, too, newer or older", function()
    local rows = { '{"startTime":2,"status":"EMF_PROCESSOR_FAILED","id":"R1","message":"why"}',
      '{"startTime":1,"status":"EVENT_SUCCESS","id":"R1"}' }
    for _, data in ipairs { rows[1] .. "," .. rows[2], rows[2] .. "," .. rows[1] } do
      local server = rude.start("script", { script = ([[return { status = 200, body = %q }]]):format('{"data":[' .. data
        .. "]}") })
      assert.same({ 0, "1 event: 1 processed\n", "" },
        { run { "receipts", "--api", ("http://127.0.0.1:%d"):format(server.port), "R1" } })
    end
  end)

  it("finds what came in one second, were it a thousand", function()
    local ids = {}
    for i = 1, 1200 do
      ids[i] = ('{"event_name":"be_reserved","external_event_id":"M%d"}'):format(i)
      assert.equal(200, helper.http_request({ url = sandbox.url, body = ids[i] }).status)
    end
    local status, output = run({ "receipts", "--api", sandbox.base, "--file", "-" },
      { stdin = table.concat(ids, "\n") })
    assert.equal(1, status) -- they lack what their definition asks for
    assert.truthy(output:find("1200 events: 1200 failed\n", 1, true), output:sub(-200))
  end)

  it("asks for the status of what is not in the log yet", function()
    for body, expected in pairs {
      ['{"stateList":[{"status":"EVENT_PROCESSING_STARTED"},{"status":"EVENT_CONSUMER_STARTED","message":"x"}]}'] =
        { 75, "under way: EVENT_CONSUMER_STARTED\n1 event: 1 under way\n" },
      ['{"stateList":[{"status":"EVENT_CONSUMER_FAILED","message":"no\\u001b[2J"},{"status":"EVENT_DONE"}]}'] =
        { 1, "failed: EVENT_CONSUMER_FAILED: no\\u001b[2J\n1 event: 1 failed\n" },
      ['{"stateList":[]}'] = { 75, "not found\n1 event: 1 not found\n" },
      ["{}"] = { 75, "not found\n1 event: 1 not found\n" },
    } do
      local url, server = start_states(body)
      local status, output = run { "receipts", "--api", url, UUID }
      assert.same({ expected[1], UUID .. ": " .. expected[2] }, { status, output })
      assert.equal("/v2/events/running_status?eventId=" .. UUID, server:events("request", 2)[2].path)
    end
  end)

  it("does not ask one by one for ids that were made here", function()
    local url, server = start_states "{}"
    local status = run { "receipts", "--api", url, "019ac0f0-0000-7abc-8000-000000000000",
      "4ce8d304-894a-838b-b68a-30e2a084ea6c", "E1" }
    assert.equal(75, status)
    assert.equal(1, server:requests())
  end)

  it("takes an entry of the log without a status as under way", function()
    local server = rude.start("script", { script =
      [[return { status = 200, body = '{"data":[{"id":"R1","status":null},{"id":null},7]}' }]] })
    assert.same({ 75, "R1: under way\n1 event: 1 under way\n", "" },
      { run { "receipts", "--api", ("http://127.0.0.1:%d"):format(server.port), "R1" } })
  end)

  it("asks within a time, and for events of a name", function()
    local server = rude.start("script", { script = [[return { status = 200, body = '{"data":[]}' }]] })
    local url = ("http://127.0.0.1:%d"):format(server.port)
    run { "receipts", "--api", url, "--since", "2024-02-29 12:00:00", "--event", "a b", "x" }
    assert.truthy(server:events("request", 1)[1].path
      :find("^/v2/events/logs%?event_name=a%%20b&from_date=1709208000000&to_date=%d+&limit=500$"))
    run { "receipts", "--api", url, "--since", "1970-01-01", "x" }
    assert.truthy(server:events("request", 2)[2].path:find("?from_date=0000&", 1, true))
  end)

  it("reads the journal of an import", function()
    local found, record = pcall(require, "postevent.cli.import.record")
    local path = helper.new_path "events.jsonl.postevent"
    local head = ("postevent import 1\t5\tab\tcd\t%d\n"):format(os.time() - 86400 * 3)
    if not found then
      helper.write_file(path, head)
      expect(2, path .. ": this is the journal of an import", { "receipts", "--api", sandbox.base, path })
      return
    end
    helper.write_file(path, head .. record.write(1, "delivered", "E100") .. record.write(2, "rejected", "E1", "x", "y")
      .. record.write(3, "delivered", "E1999"))
    local _, url = start_long_log()
    local status, output = run { "receipts", "--api", url, path }
    assert.equal(1, status)
    assert.equal("E100: failed: EMF_PROCESSOR_FAILED: why\n2 events: 1 processed, 1 failed\n", output)
  end)

  it("F1: hides the credential however the platform writes it in a document", function()
    local writings, errors = require "support.writings", {}
    local token = "sk_live_w\195\164nder1234"
    for i, how in ipairs(writings.names) do
      errors[i] = { message = how .. ": " .. writings.list[how](token) }
    end
    local state = { status = "X_FAILED", message = writings.base64(token) .. " is wrong" }
    local states = cjson.encode { stateList = { state } }
    for body, expected in pairs { [cjson.encode { errors = errors }] = "raw: ***", [states] = "*** is wrong" } do
      local _, output, said = run({ "receipts", "--api", (start_states(body)), UUID },
        { env = { POSTEVENT_TOKEN = token } })
      output = (output .. said):lower()
      assert.truthy(output:find(expected, 1, true), output)
      for _, how in ipairs(writings.names) do
        assert.is_nil(output:find(writings.list[how](token):lower(), 1, true), how .. " shows in " .. output)
      end
    end
  end)

  it("hides the credential, and ends with 75 or 1 where the platform does not answer", function()
    for _, case in ipairs {
      { 1, "(HTTP 401: *** is wrong)", 401, '{"message":"' .. SECRET .. ' is wrong"}' },
      { 1, "/v2/events/logs: there is no log of events (HTTP 404)", 404, "{}" },
      { 1, "/v2/events/logs: down", 200, '{"data":[],"errors":[{"message":"down"}]}' },
      { 75, "the platform cannot answer now (HTTP 500)", 500, "{}" },
    } do
      local server = rude.start("script", { script = ("return { status = %d, body = %q }"):format(case[3], case[4]) })
      local url = ("http://127.0.0.1:%d"):format(server.port)
      expect(case[1], case[2], { "receipts", "--api", url, "x", "--timeout", "3" },
        { env = { POSTEVENT_AUTHORIZATION = CREDENTIAL } })
    end
    local url = start_states(('{"stateList":[{"status":"A_FAILED","message":"%s"}]}'):format(SECRET))
    local _, output = run({ "receipts", "--api", url, UUID, "--json" }, { env = { POSTEVENT_TOKEN = SECRET } })
    assert.equal("***", cjson.decode(output).message)
  end)

  it("refuses what it cannot do, naming the option", function()
    for _, case in ipairs {
      { "say which: ID ..., FILE.postevent, or --file FILE" },
      { "give --cluster or --api", "x" },
      { "--file and --token-file cannot both read stdin", "--file", "-", "--token-file", "-" },
      { "--since: expected an age (7d, 12h, 30m, 45s) or a date", "x", "--since", "soon" },
      { "--since: expected an age", "x", "--since", "2026-13-01" },
      { "--since: expected an age", "x", "--since", "2026-02-29" },
      { "--since: expected an age", "x", "--since", "2026-04-31" },
      { "--since: expected an age", "x", "--since", "2026-02-28 24:00:00" },
      { "--since: expected an age", "x", "--since", "213503982334602d" },
      { "--since: expected a time that has been", "x", "--since", "2999-01-01" },
      { "--file: cannot read /nowhere: No such file", "--file", "/nowhere" },
      { "ID: cannot read x.postevent: No such file", "x.postevent" },
    } do
      local arguments = { "receipts" }
      for i = 2, #case do
        arguments[i] = case[i]
      end
      expect(2, case[1], arguments)
    end
    for text, what in pairs { ["\127ELF\1\0"] = "no text", ["id,name\nG1,x\n"] = "CSV",
      ["[{\"a\":1}]"] = "a JSON array", ["{\n \"a\": 1\n}"] = "JSON over several lines" } do
      expect(2, ("this is %s; expected an id on each line, or JSON Lines"):format(what),
        { "receipts", "--file", helper.new_file(text) })
    end
  end)
end)
