-- The platform's uniqueness check, as the sandbox has it with `unique`.
local cjson = require "cjson"
local documents = require "support.documents"
local helper = require "support.helper"

local DEFINITIONS = "spec/vectors/definitions.json"

describe("MD5", function()
  it("is that of RFC 1321, and of the platform's own example", function()
    local md5 = require("postevent.sandbox.httpd").md5
    for text, digest in pairs {
      [""] = "d41d8cd98f00b204e9800998ecf8427e", ["abc"] = "900150983cd24fb0d6963f7d28e17f72",
      ["message digest"] = "f96b697d7cb7938d525a2f31aaf161d0",
      [("1234567890"):rep(8)] = "57edf4a22be3c955ac49da2e2107b67a",
      [("x"):rep(55)] = "04364420e25c512fd958a70738aa8f72", [("x"):rep(56)] = "668a72d5ba17f08e62dabcafad6db14b",
      [("x"):rep(64)] = "c1bb4f81d892b2d57947682aeb252456",
      ["Appointment_9123456789_refID"] = "779069e41a8afde74b2c526bce59e51a",
    } do
      assert.equal(digest, md5(text))
    end
  end)
end)

describe("the key of an event", function()
  local Unique = require "postevent.sandbox.unique"
  local definitions = require("postevent").definitions
  local md5 = require("postevent.sandbox.httpd").md5

  it("is of its name, its customer and its unique attributes, in their order", function()
    local unique = Unique.new(definitions {
      Appointment = { mobile = "customer:mobile", reference = { type = "string", unique = true }, note = "string?" },
    })
    assert.equal("779069e41a8afde74b2c526bce59e51a",
      unique:key { event_name = "Appointment", mobile = "9123456789", reference = "refID", note = "x" })
    assert.equal(md5 "Appointment_1_7", unique:key { event_name = "Appointment", mobile = 1, reference = 7 })
    assert.is_nil(unique:key { event_name = "Appointment", mobile = "9123456789" })
    assert.is_nil(unique:key { event_name = "Appointment", mobile = "1", reference = cjson.null })
    assert.equal(md5 "other_c_e", unique:key { event_name = "other", customer_id = "c", external_event_id = "e" })
    assert.is_nil(unique:key { event_name = "other", customer_id = "c" })
    assert.is_string(unique:key { event_name = {}, customer_id = {}, external_event_id = { a = {} } })
    unique = Unique.new(definitions { plain = { customer_id = "customer:mobile" } })
    assert.is_nil(unique:key { event_name = "plain", customer_id = "1" })
  end)

  it("has all digits of a number", function()
    local unique = Unique.new()
    for text, value in pairs { ["1234567890123451"] = 1234567890123451, ["100000000000000001"] = "100000000000000001",
      ["0.1"] = 0.1, ["0.30000000000000004"] = 0.1 + 0.2, ["-7"] = -7.0, ["1e+300"] = 1e300 } do
      assert.equal(md5("e_c_" .. text),
        unique:key { event_name = "e", customer_id = "c", external_event_id = value }, text)
    end
  end)

  it("is remembered for 50,000 events at least, and not for ever", function()
    local unique = Unique.new()
    local function first_of(i, number)
      return unique:first({ event_name = "e", external_event_id = tostring(i) }, number)
    end
    for i = 1, 50001 do
      assert.is_nil(first_of(i, i))
    end
    assert.equal(1, first_of(1, 50002))
    assert.equal(1, first_of(1, 50003))
    for i = 50002, 100001 do
      first_of(i, i)
    end
    assert.is_nil(first_of(2, 100002))
    assert.equal(100001, first_of(100001, 100003))
  end)
end)

describe("the sandbox that checks for duplicates", function()
  helper.guard()
  local sandbox = helper.shared_sandbox { unique = true, definitions = DEFINITIONS }

  local function post(event)
    local reply = helper.http_request { url = sandbox.url, body = cjson.encode(event) }
    assert.equal(200, reply.status)
    assert.equal(1100, cjson.decode(reply.body).status.code)
  end

  local function counts()
    return cjson.decode(helper.http_request({ url = sandbox.base .. "/sandbox/counts" }).body)
  end

  it("answers a repeat as the first, marks it, and does not process it", function()
    local other = documents.new_event()
    other.external_event_id = "RAND122"
    post(documents.event)
    post(documents.event)
    post(other)
    post(documents.event)
    local marks = {}
    for i, event in ipairs(sandbox:events()) do
      marks[i] = event.duplicate and event.duplicate_of or false
    end
    local first = marks[2]
    assert.same({ false, first, false, first }, marks)
    local attempt = helper.http_request { url = ("%s/sandbox/attempts/%d"):format(sandbox.base, first) }
    assert.equal(sandbox:events()[1].requestId, cjson.decode(attempt.body).requestId)
    assert.same({ requests = 4, taken = 4, processed = 2, duplicates = 2, faults = 0, dropped = 0 }, counts())
    local log = cjson.decode(helper.http_request({ url = sandbox.base .. "/v2/events/logs" }).body).data
    assert.equal(2, #log)
    assert.truthy(sandbox:log():find " duplicate good\n")
  end)

  it("takes an event that got lost on the first way for no repeat", function()
    sandbox:fault { drop = "before", times = 1 }
    sandbox:fault { status = 503, times = 1 }
    for _ = 1, 2 do
      helper.http_request { url = sandbox.url, body = cjson.encode(documents.event) }
    end
    post(documents.event)
    assert.same({ requests = 3, taken = 1, processed = 1, duplicates = 0, faults = 2, dropped = 0 }, counts())
    post(documents.event)
    assert.equal(1, counts().duplicates)
  end)

  it("processes each event of track once, however many replies get lost", function()
    local batch = require "support.batch"
    sandbox:play { name = "lost-replies" }
    local events = batch.start(sandbox.url, { retry = { initial = 0.02, max = 0.1 } })
    events:track(1, 50, { customer_id = "9988776655", hotel_name = "h" })
    assert.equal(50, events:finish().delivered)
    local found = counts()
    assert.equal(50, found.processed)
    assert.is_true(found.duplicates > 0)
    assert.equal(found.taken, found.processed + found.duplicates)
  end)

  it("tells numbers apart that Lua rounds to one, and shows their digits", function()
    local own = helper.start_sandbox { unique = true, faults = { "status=503,customer=9007199254740995" } }
    local function status_of(body)
      return helper.http_request { url = own.url, method = "POST", body = body }.status
    end
    for _, id in ipairs { "9007199254740992", "9007199254740993", "1e400", "1e401" } do
      assert.equal(200, status_of(('{"event_name":"e","customer_id":"c","external_event_id":%s}'):format(id)), id)
    end
    assert.equal(200, status_of '{"event_name":1e400,"customer_id":9007199254740997}')
    assert.equal(503, status_of '{"event_name":"e","customer_id":9007199254740995}')
    local duplicates, customers = 0, {}
    local lines = cjson.decode(helper.http_request { url = own.base .. "/sandbox/lines" }.body)
    for _, line in ipairs(lines.lines) do
      duplicates = duplicates + (line.duplicate_of and 1 or 0)
      customers[#customers + 1] = line.customer
    end
    assert.equal(0, duplicates)
    table.sort(customers)
    assert.same({ "9007199254740995", "9007199254740997", "c", "c", "c", "c" }, customers)
  end)

  it("has seen nothing behind a reset", function()
    post(documents.event)
    sandbox:reset()
    post(documents.event)
    assert.equal(0, counts().duplicates)
    assert.equal(1, counts().processed)
  end)
end)
