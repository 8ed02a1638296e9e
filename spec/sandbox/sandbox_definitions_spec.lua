-- The sandbox with definitions: it accepts what the platform accepts, and files what the platform would say later.
local cjson = require "cjson"
local command = require "support.command"
local documents = require "support.documents"
local helper = require "support.helper"
local postevent = require "postevent"
local vectors = require "support.vectors"

local FILE = "spec/vectors/definitions.json"

local function post(sandbox, event)
  local body = type(event) == "table" and cjson.encode(event) or event
  local reply = assert(helper.http_request { method = "POST", url = sandbox.url, body = body })
  assert.equal(200, reply.status)
  local document = cjson.decode(reply.body)
  assert.equal(1100, document.status.code)
  return document.requestId, body
end

local function get(sandbox, path, status)
  local reply = assert(helper.http_request { method = "GET", url = sandbox.base .. path })
  assert.equal(status or 200, reply.status)
  return cjson.decode(reply.body), reply.body
end

-- { "age missing", ... }, sorted, of a list of problems.
local function short(problems)
  local texts = {}
  for i, problem in ipairs(problems) do
    texts[i] = problem.attribute .. " " .. problem.rule
  end
  table.sort(texts)
  return texts
end

describe("the sandbox with definitions", function()
  helper.guard()
  local sandbox = helper.shared_sandbox { definitions = FILE }

  it("accepts every event, and files it as good or bad, with its problems", function()
    local bad = documents.new_event()
    bad.age, bad.room_nights, bad.hotel_name = "20", "99", nil
    local good_id, bad_id = post(sandbox, documents.event), post(sandbox, bad)
    local good_log = get(sandbox, "/sandbox/events").events[1]
    assert.same({ "good", {}, good_id }, { good_log.outcome, good_log.problems, good_log.requestId })
    local bad_log = get(sandbox, "/sandbox/events").events[2]
    assert.same({ "bad", bad_id }, { bad_log.outcome, bad_log.requestId })
    assert.same({ "age type", "hotel_name missing", "room_nights enum" }, short(bad_log.problems))
    for _, problem in ipairs(bad_log.problems) do
      assert.equal(problem.attribute .. ": ", problem.message:sub(1, #problem.attribute + 2))
    end
    local _, text = get(sandbox, "/sandbox/events?outcome=good")
    assert.truthy(text:find(',"outcome":"good","problems":[]}', 1, true), text)
  end)

  it("shows the good or the bad alone", function()
    for i = 1, 5 do
      post(sandbox, i % 2 == 0 and '{"event_name":"x"}' or documents.event)
    end
    assert.equal(5, get(sandbox, "/sandbox/events").count)
    assert.equal(5, get(sandbox, "/sandbox/events?outcome=").count)
    local good, bad = get(sandbox, "/sandbox/events?outcome=good"), get(sandbox, "/sandbox/events?outcome=bad")
    assert.same({ 3, 2 }, { good.count, bad.count })
    assert.same({ 3, 2 }, { #good.events, #bad.events })
    assert.equal("outcome: expected good or bad", get(sandbox, "/sandbox/events?outcome=ugly", 400).message)
  end)

  it("agrees with the client about all the vectors, but fills nothing in", function()
    local all = {}
    for _, vector in ipairs(vectors "events.jsonl") do
      local event = vector.event
      if type(event.renewed_on) ~= "number" and type(event.eventDateTime) ~= "number" then -- that the client rewrites
        all[#all + 1] = vector
        post(sandbox, event)
      end
    end
    assert.is_true(#all > 40)
    local events = get(sandbox, "/sandbox/events").events
    assert.equal(#all, #events)
    for i, vector in ipairs(all) do
      local got, id = {}, vector.event.external_event_id
      for _, text in ipairs(short(events[i].problems)) do
        local is_filled = text == "external_event_id missing" and (id == nil or id == cjson.null)
        if not is_filled then got[#got + 1] = text end
      end
      if vector.name ~= "a coupon that its regex refuses" or postevent.features.pcre2 then
        assert.same(vector.ok and {} or short(vector.problems), got, vector.name)
      end
    end
  end)

  it("misses what only the client would have filled in", function()
    local event = documents.new_event()
    event.external_event_id, event.eventDateTime = nil, nil
    post(sandbox, event)
    assert.same({ "external_event_id missing" }, short(get(sandbox, "/sandbox/events").events[1].problems))
  end)

  it("finds a number in a date's place, which only another client would send", function()
    post(sandbox, { event_name = "membership_renewed", member = "E", renewed_on = 1712836800, eventDateTime = 0 })
    post(sandbox, { event_name = "membership_renewed", member = "E", renewed_on = 1712836800000 })
    local events = get(sandbox, "/sandbox/events").events
    assert.same({ "eventDateTime type", "renewed_on type" }, short(events[1].problems))
    assert.same({ "renewed_on date" }, short(events[2].problems))
  end)

  it("keeps the bytes of what it cannot make sense of", function()
    local body = '{"event_name":[1],"\\u0000é\\"":{"a":[{}]},"x":1e400}'
    post(sandbox, '{"event_name":7}')
    post(sandbox, "{}")
    post(sandbox, body:gsub(',"x":1e400', ""))
    for _, event in ipairs(get(sandbox, "/sandbox/events").events) do
      assert.equal("bad", event.outcome)
    end
    local data = get(sandbox, "/v2/events/logs").data
    assert.equal((body:gsub(',"x":1e400', "")), data[1].inputRequest)
    assert.same({ "", "EMF_PROCESSOR_FAILED" }, { data[1].eventName, data[1].status })
  end)

  it("has the platform's log of the events, newest first", function()
    local before = os.time()
    local bad = documents.new_event()
    bad.age = true
    local good_id, good_body = post(sandbox, documents.event)
    local bad_id = post(sandbox, bad)
    local lost_id = post(sandbox, { event_name = "cart_updated", sku = "S", quantity = 1.5 })
    local log = get(sandbox, "/v2/events/logs")
    assert.same({}, log.warnings)
    assert.same({}, log.errors)
    local first, second, third = log.data[1], log.data[2], log.data[3]
    assert.same({ lost_id, bad_id, good_id }, { first.id, second.id, third.id })
    assert.same({ "NO_CUSTOMER_DETAILS_PASSED", "EMF_PROCESSOR_FAILED", "EVENT_SUCCESS" },
      { first.status, second.status, third.status })
    assert.truthy(first.message:find("email: missing", 1, true))
    assert.truthy(first.message:find("quantity: expected a whole number, got a fraction", 1, true))
    assert.equal("age: expected a number, got a boolean", second.message)
    assert.truthy(third.startTime >= before * 1000 and third.startTime <= os.time() * 1000)
    local start = third.startTime
    third.startTime = nil
    assert.same({
      responseTime = 0, orgId = 0, status = "EVENT_SUCCESS", eventName = "be_reserved", inputRequest = good_body,
      id = good_id, webhookId = documents.path:match "[^/]+$", parentOrgId = -1,
      message = "Event processed successfully",
    }, third)
    assert.equal(0, start % 1000)
  end)

  it("filters and limits the log", function()
    for i = 1, 25 do
      post(sandbox, { event_name = i % 2 == 0 and "even" or "odd&x" })
    end
    assert.equal(10, #get(sandbox, "/v2/events/logs").data)
    assert.equal(25, #get(sandbox, "/v2/events/logs?limit=1000").data)
    assert.equal(3, #get(sandbox, "/v2/events/logs?limit=3&event_name=even").data)
    assert.equal(13, #get(sandbox, "/v2/events/logs?event_name=odd%26x&limit=100").data)
    assert.equal(10, #get(sandbox, "/v2/events/logs?event_name=&limit=").data)
    local _, text = get(sandbox, "/v2/events/logs?event_name=nothing")
    assert.equal('{"data":[],"warnings":[],"errors":[]}', text)
    for _, limit in ipairs { "0", "-1", "x", "1.5" } do
      local answer = get(sandbox, "/v2/events/logs?limit=" .. limit, 400)
      assert.equal("limit: expected a whole number above 0", answer.message)
    end
    local reply = assert(helper.http_request { method = "POST", url = sandbox.base .. "/v2/events/logs" })
    assert.same({ 405, "GET" }, { reply.status, reply.headers.allow })
  end)

  it("forgets the log on reset", function()
    post(sandbox, documents.event)
    sandbox:reset()
    assert.same({}, get(sandbox, "/v2/events/logs").data)
  end)
end)

describe("the sandbox's log", function()
  helper.guard()

  it("says of each event whether it is good, and why not", function()
    local sandbox = helper.start_sandbox { definitions = FILE }
    local good = post(sandbox, documents.event)
    local event = documents.new_event()
    event.age, event.room_nights = "4711", "\27[2J\194\155\226\128\174é"
    local bad = post(sandbox, event)
    assert(helper.http_request { method = "POST", url = sandbox.url, body = "{" })
    local log = sandbox:log()
    assert.truthy(log:find(("be_reserved 200 %s good\n"):format(good), 1, true), log)
    assert.truthy(log:find(("be_reserved 200 %s bad: "):format(bad), 1, true), log)
    assert.truthy(log:find("age: expected a number, got text", 1, true), log)
    assert.truthy(log:find 'room_nights: "%?%[2J%?+\\u202eé" is not one of 1, 2, %.%.%. 15', log)
    assert.truthy(log:find "%- 400 %-\n", log)
    assert.is_nil(log:find("4711", 1, true))
  end)

  it("has one line of bounded length for an event that is all wrong", function()
    local sandbox = helper.start_sandbox { definitions = FILE }
    local event = documents.new_event()
    for i = 1, 500 do
      event["é" .. i] = i
    end
    post(sandbox, event)
    local line = sandbox:log():match "[^\n]* bad: [^\n]*"
    assert.truthy(#line < 1200 and line:find "%.%.%.$", line)
    assert.is_true(#get(sandbox, "/sandbox/events").events[1].problems >= 100)
  end)

  it("warns at the start of patterns that are not checked, and once of an event that is not published", function()
    local path = helper.new_file(cjson.encode { eventName = "e", status = "UNPUBLISHED", fields = {
      { name = "c", type = "CUSTOMER" }, { name = "x", type = "STRING", attributes = { regex = "[a&&b]" } },
    } })
    local sandbox = helper.start_sandbox { definitions = path }
    post(sandbox, { event_name = "e", c = "1", x = "2" })
    post(sandbox, { event_name = "e", c = "1", x = "2" })
    local log = sandbox:log()
    assert.truthy(log:find("warning: event e, attribute x: its regex is not checked", 1, true)
      or log:find("warning: no regex is checked", 1, true), log)
    assert.equal(1, select(2, log:gsub("warning: the event e is not published", "")))
  end)
end)

describe("the sandbox without definitions", function()
  helper.guard()

  it("has no opinion, and a log in which every event is a success", function()
    local sandbox = helper.start_sandbox()
    post(sandbox, '{"event_name":"x","a":{}}')
    post(sandbox, "{}")
    local raw = sandbox:raw_events()
    assert.is_nil(raw:find("outcome", 1, true))
    assert.is_nil(raw:find("problems", 1, true))
    assert.equal(2, get(sandbox, "/sandbox/events?outcome=good").count)
    assert.equal(0, get(sandbox, "/sandbox/events?outcome=bad").count)
    local data = get(sandbox, "/v2/events/logs").data
    assert.same({ "", "x" }, { data[1].eventName, data[2].eventName })
    assert.same({ "{}", '{"event_name":"x","a":{}}' }, { data[1].inputRequest, data[2].inputRequest })
    assert.same({ "EVENT_SUCCESS", "EVENT_SUCCESS" }, { data[1].status, data[2].status })
    assert.is_nil(sandbox:log():find "good\n")
  end)
end)

describe("the sandbox's option", function()
  helper.guard()

  it("definitions raises where there are none, and names the option", function()
    for value, expected in pairs {
      ['"/nowhere.json"'] = "option 'definitions': /nowhere.json: No such file",
      ["true"] = "option 'definitions': expected",
      ["{ e = { c = 'string' } }"] = "option 'definitions': event e: it has no customer attribute",
    } do
      local status, output = helper.run_lua({ code = ([[
        local ok, message = pcall(require("postevent.sandbox").run, { definitions = %s })
        io.write(tostring(ok), "|", tostring(message))
      ]]):format(value) }, {}, { timeout = 10 })
      assert.equal(0, status)
      assert.truthy(output:find(expected, 1, true), output)
      assert.equal("false|", output:sub(1, 6))
    end
  end)

  it("--definitions takes a file, or stdin", function()
    for _, case in ipairs { { FILE }, { "-", FILE } } do
      local port_file = helper.new_path "port"
      local child = helper.spawn {
        helper.lua(), command.path, "sandbox", "--port-file", port_file, "--definitions", case[1], stdin = case[2],
      }
      local port = helper.wait_until(function()
        return helper.file_exists(port_file) and helper.read_file(port_file):match "%d+"
      end)
      local url = ("http://127.0.0.1:%s/webhooks/1"):format(port)
      command.expect(0, nil, { "post", "--url", url, "event_name=x" })
      local reply = assert(helper.http_request {
        method = "GET", url = ("http://127.0.0.1:%s/sandbox/events"):format(port),
      })
      assert.equal("bad", cjson.decode(reply.body).events[1].outcome)
      child:kill "SIGTERM"
      assert.same({ "exited", 0 }, { child:wait(20) })
    end
    command.expect(2, "--definitions: cannot read /nowhere", { "sandbox", "--definitions", "/nowhere" })
  end)
end)
