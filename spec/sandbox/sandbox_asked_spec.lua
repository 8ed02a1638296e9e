-- Who asks the sandbox for something that it does not know is told so, by name, and not given something else.
local cjson = require "cjson"
local helper = require "support.helper"

describe("the sandbox, asked for what it does not know,", function()
  helper.guard()
  local sandbox = helper.shared_sandbox { definitions = "examples/events.json" }

  local function ask(method, path, body)
    local reply = assert(helper.http_request { method = method, url = sandbox.base .. path, body = body })
    return { reply.status, cjson.decode(reply.body).message }
  end

  it("names the argument of the query, and what was meant", function()
    for path, message in pairs {
      ["events?limt=1"] = "limt: there is no such argument, did you mean limit?",
      ["events?limit=1&Outcome=bad"] = "Outcome: there is no such argument, did you mean outcome?",
      ["events?limit=1&limit=2"] = "limit: given twice", ["events?after=3"] = "after: there is no such argument",
      ["attempts?outcome=bad"] = "outcome: there is no such argument",
      ["lines?wiat=1"] = "wiat: there is no such argument, did you mean wait?",
      ["sample?event=be_reserved"] = "event: there is no such argument, did you mean event_name?",
      ["counts?x"] = "x: there is no such argument",
      ["faults?limit=1"] = "limit: there is no such argument", ["scenario?=1"] = ": there is no such argument",
      ["attempts/1?limit=1"] = "limit: there is no such argument",
      ["events?%1b%5b2J=1"] = "\\u001b[2J: there is no such argument",
    } do
      assert.same({ 400, message }, ask("GET", "/sandbox/" .. path))
    end
    assert.same({ 400, "all: there is no such argument" }, ask("POST", "/sandbox/reset?all=1", "{}"))
    assert.same({ 400, "id: there is no such argument" }, ask("DELETE", "/sandbox/faults?id=1"))
    assert.same({ 200 }, ask("GET", "/sandbox/lines?after=0&wait=0&limit=5&run="))
    assert.same({ 200 }, ask("GET", "/v2/events/logs?limit=5&orgId=7")) -- the platform's
  end)

  it("names what is not there", function()
    for path, message in pairs {
      ["faults/abc"] = "no fault has the id abc", ["faults/1.5"] = "no fault has the id 1.5",
      ["faults/-1"] = "no fault has the id -1", ["faults/7"] = "no fault has the id 7",
      ["faults/99999999999999999999"] = "no fault has the id 99999999999999999999",
    } do
      assert.same({ 404, message }, ask("DELETE", "/sandbox/" .. path))
    end
    assert.same({ 404, "there is no attempt abc, or it is kept no more" }, ask("GET", "/sandbox/attempts/abc"))
    for _, path in ipairs { "/sandbox/", "/sandbox/evnts", "/sandbox/faults/1/2", "/sandbox/events/" } do
      assert.same({ 404, path .. ": there is no such path" }, ask("GET", path))
    end
    assert.same({ 403, "Missing Authentication Token" }, ask("GET", "/v2/evnts")) -- as the gateway does
  end)

  it("names a key that stands there twice", function()
    for body, message in pairs {
      ['{"status":503,"times":1,"status":404}'] = "status: given twice",
      ['{"html":true,\n"ht\\u006dl" : true}'] = "html: given twice",
      ['{"status":500,"body":"{\\"body\\":1,","body":"b"}'] = "body: given twice",
    } do
      assert.same({ 400, message }, ask("POST", "/sandbox/faults", body))
    end
    assert.same({ 400, "name: given twice" }, ask("POST", "/sandbox/scenario", '{"name":"slow","name":"flaky"}'))
    assert.same({ 400, "expected a JSON object" }, ask("POST", "/sandbox/scenario", "[]"))
    assert.same({}, sandbox:faults().faults)
    assert.same({ 200 }, ask("POST", "/sandbox/faults", '{"status":500,"body":"\\"status\\":1,\\"status\\":2"}'))
    sandbox:heal()
  end)
end)
