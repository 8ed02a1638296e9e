-- The platform's read APIs, as the sandbox has them.
local cjson = require "cjson"
local dates = require "postevent.sandbox.dates"
local documents = require "support.documents"
local helper = require "support.helper"
local postevent = require "postevent"

local FILE = "spec/vectors/definitions.json"

describe("a date in a query", function()
  it("is milliseconds, a day or a second, in UTC", function()
    for text, expected in pairs {
      ["0"] = { 0, 0 }, ["1712836800999"] = { 1712836800, 1712836800 }, ["1970-01-01"] = { 0, 86399 },
      ["2024-02-29"] = { 1709164800, 1709251199 }, ["2000-03-01"] = { 951868800, 951955199 },
      ["1999-12-31 23:59:59"] = { 946684799, 946684799 }, ["2024-04-11T12:00:00Z"] = { 1712836800, 1712836800 },
      ["2100-03-01 00:00:00"] = { 4107542400, 4107542400 },
    } do
      assert.same(expected, { dates.read(text) }, text)
    end
    for _, text in ipairs {
      "yesterday", "2024-13-01", "2024-00-01", "2024-01-32", "2024-1-1", "2024-04-11 24:00:00", "2024-04-11 12:00",
      "-1", "2024-04-11x", ("9"):rep(400),
    } do
      assert.is_nil(dates.read(text), text)
    end
  end)
end)

describe("the sandbox's read side", function()
  helper.guard()
  local sandbox = helper.shared_sandbox { definitions = FILE }

  local function get(path, status)
    local reply = helper.http_request { url = sandbox.base .. path }
    assert.equal(status or 200, reply.status, path)
    return cjson.decode(reply.body), reply.body
  end

  local function post(event)
    return cjson.decode(helper.http_request({ url = sandbox.url, body = cjson.encode(event) }).body).requestId
  end

  it("has the definitions, which read back as they were", function()
    local _, text = get "/v2/events"
    assert.same(postevent.definitions(FILE).events, postevent.definitions(text).events)
    for _, event in ipairs(postevent.definitions(FILE).events) do
      local one, body = get("/v2/events/meta?event_name=" .. event.name)
      assert.equal(event.name, one.clickEventsMeta.eventName)
      assert.is_table(one.transformerMappings)
      assert.same({ event }, postevent.definitions(body).events)
    end
    get("/v2/events/meta?event_name=nothing", 404)
    get("/v2/events/meta", 400)
    assert.same({ data = {}, warnings = {}, errors = {} }, (get "/v2/events/standard_events_meta"))
  end)

  it("has standard events apart, and what definitions may hold", function()
    local file = helper.new_file([[
      { "data": [ { "standardClickEventsMeta": { "eventName": "std", "standardEvent": true, "fields": [] } },
        { "clickEventsMeta": { "eventName": "own", "status": "UNPUBLISHED", "label": "a \"label\"", "fields": [
          { "name": "c", "type": "customer", "attributes": { "identifierType": "email" } },
          { "name": "x", "type": "STRING", "attributes": { "regex": { "value": "^\\d\"$" }, "isPsiData": "true" } },
          { "name": "y", "type": "enum", "attributes": { "isRequired": "false", "possibleValues": { "values": [] } } }
        ] } } ] }]], "definitions.json")
    local other = helper.start_sandbox { definitions = file }
    local function names(path)
      local text = helper.http_request({ url = other.base .. path }).body
      local found, definitions = {}, postevent.definitions(text)
      for i, event in ipairs(definitions.events) do
        found[i] = event.name
      end
      return found, definitions.events
    end
    local own, events = names "/v2/events"
    assert.same({ "own" }, own)
    assert.same({ postevent.definitions(file).events[2] }, events)
    assert.same({ "std" }, (names "/v2/events/standard_events_meta"))
  end)

  it("has none without definitions", function()
    local other = helper.start_sandbox()
    local reply = helper.http_request { url = other.base .. "/v2/events" }
    assert.equal('{"data":[],"warnings":[],"errors":[]}', reply.body)
  end)

  it("has the log between two dates", function()
    local before = os.time()
    post(documents.event)
    local function count(query)
      return #get("/v2/events/logs?" .. query).data
    end
    local today = os.date("!%Y-%m-%d", before)
    assert.equal(1, count(("from_date=%d000"):format(before)))
    assert.equal(1, count(("from_date=%s&to_date=%d999&event_name=be_reserved"):format(today, before + 60)))
    assert.equal(0, count(("from_date=%d000"):format(before + 3600)))
    assert.equal(0, count("to_date=2024-01-01"))
    assert.equal(1, count("from_date=2024-01-01%2012:00:00&to_date="))
    for _, query in ipairs { "from_date=x", "to_date=2024-99-01", "from_date=2024-01-01&to_date=now" } do
      local answer = get("/v2/events/logs?" .. query, 400)
      assert.truthy(answer.message:find "^%l+_date: expected milliseconds")
    end
  end)

  it("knows what became of an event", function()
    local bad = documents.new_event()
    bad.age = "twenty"
    local good_id, bad_id = post(documents.event), post(bad)
    local function states(id)
      local list = get("/v2/events/running_status?eventId=" .. id).stateList
      assert.is_number(list[1].date)
      return #list, list[#list].status, list[#list].message
    end
    assert.same({ 5, "EVENT_CONSUMER_STARTED", "" }, { states(good_id) })
    assert.same({ 6, "EVENT_CONSUMER_FAILED", "age: expected a number, got text" }, { states(bad_id) })
    get("/v2/events/running_status?eventId=nobody", 404)
    get("/v2/events/running_status", 400)
    sandbox:fault { status = 503 }
    post(documents.event)
    get("/v2/events/running_status?eventId=" .. sandbox:attempts()[3].requestId, 404)
  end)
end)
