-- What somebody sees who looks on: lines of what arrives, waited for; one attempt in full; an event to begin with.
local cjson = require "cjson"
local helper = require "support.helper"
local process = require "support.process"
local socket = require "socket"

local SOON = 5 -- seconds, on a busy machine; what must not be waited for takes longer

describe("who looks on while the sandbox receives", function()
  helper.guard()
  local sandbox = helper.shared_sandbox { definitions = "examples/events.json" }

  local function get(path)
    local reply = assert(helper.http_request { url = sandbox.base .. path })
    return reply.status, reply.body:find "^{" and cjson.decode(reply.body) or reply.body
  end

  local function lines(query)
    local status, told = get("/sandbox/lines" .. query)
    assert.equal(200, status, told.message)
    return told
  end

  local function post(event, headers)
    return helper.http_request { url = sandbox.url, body = cjson.encode(event), headers = headers }
  end

  -- A question that waits; the function returned gives what it is answered with, and how long that took.
  local function waits(query)
    local connection = assert(socket.connect("127.0.0.1", sandbox.port))
    helper.defer(function()
      connection:close()
    end)
    connection:settimeout(10)
    local begin = process.now()
    assert(connection:send(("GET /sandbox/lines%s HTTP/1.0\r\nHost: localhost\r\n\r\n"):format(query)))
    return function()
      local body = assert(connection:receive "*a"):match "\r\n\r\n(.*)"
      return cjson.decode(body), process.now() - begin
    end
  end

  it("is told of each attempt in a line, some at a time", function()
    local before = lines "".newest
    for i = 1, 5 do
      post { event_name = "be_reserved", customer_id = "c" .. i, external_event_id = "e" .. i }
    end
    local told = lines("?limit=2&after=" .. before)
    assert.same({ true, 2, before + 2 }, { told.more, #told.lines, told.newest })
    told = lines("?after=" .. told.newest)
    assert.same({ false, 3, before + 5 }, { told.more, #told.lines, told.newest })
    local line = told.lines[1]
    assert.truthy(line.received_at:find "^%d+%-%d%d%-%d%dT")
    line.received_at = nil
    assert.same({ number = before + 3, webhook = sandbox.url:match "[^/]+$", name = "be_reserved", customer = "c3",
      id = "e3", answer = 200, code = 1100, outcome = "bad" }, line)
  end)

  it("is told the code of an answer that has one", function()
    for _, case in ipairs { { { code = 7301 }, 200, 7301 }, { { status = 503 }, 503 }, { { html = true }, 200 },
      { { code = 1100, drop = "after" }, cjson.null } } do
      local before = lines "".newest
      sandbox:fault(case[1])
      post { event_name = "be_reserved" }
      local line = lines("?after=" .. before).lines[1]
      assert.same({ case[2], case[3] }, { line.answer, line.code })
      sandbox:heal()
    end
  end)

  it("is told numbers that it can ask with, from the first line that is kept on", function()
    post { event_name = "gone" }
    sandbox:reset()
    post { event_name = "here" }
    local reply = helper.http_request { url = sandbox.base .. "/sandbox/lines" }
    local number = reply.body:match '"number":([^,]+),'
    assert.truthy(number:find "^%d+$", number)
    assert.equal(200, (get("/sandbox/attempts/" .. number)))
  end)

  it("sees a fault, no answer, and values that are no text or very long", function()
    local before = lines "".newest
    sandbox:fault { stall = true, times = 1 }
    helper.http_request { url = sandbox.url, body = '{"event_name":["x"],"customer_id":7}', timeout = 0.2 }
    post { event_name = ("\195\164"):rep(1000), external_event_id = 12, customer_id = { a = 1 } }
    local found = lines("?after=" .. before).lines
    assert.same({ nil, "7", cjson.null, true }, { found[1].name, found[1].customer, found[1].answer, found[1].fault })
    assert.same({ ("\195\164"):rep(50) .. "...", "12" }, { found[2].name, found[2].id })
    assert.is_nil(found[2].customer)
  end)

  it("waits for what comes, and no longer than it asked for", function()
    local before = lines ""
    local answer = waits(("?wait=30&after=%d&run=%s"):format(before.newest, before.run))
    assert.equal(0, #lines("?wait=0.3&after=" .. before.newest).lines) -- meanwhile that one waits
    post { event_name = "late" }
    local told, took = answer()
    assert.same({ 1, "late" }, { #told.lines, told.lines[1].name })
    assert.is_true(took >= 0.3 and took < 0.3 + SOON, tostring(took))
  end)

  it("is told at once that all was forgotten, or that it is another sandbox", function()
    post { event_name = "old" }
    local before = lines ""
    local answer = waits(("?wait=30&after=%d&run=%s"):format(before.newest, before.run))
    sandbox:reset()
    local told, took = answer()
    assert.is_true(took < SOON, tostring(took))
    assert.not_equal(before.run, told.run)
    assert.equal(0, #told.lines)
    post { event_name = "new" }
    told = lines("?wait=30&after=999999&run=" .. before.run)
    assert.equal("new", told.lines[1].name)
    told = waits("?wait=0.2&after=999999&run=" .. told.run)() -- beyond the newest: it waits for the next
    assert.same({}, told.lines)
  end)

  it("is told what is wrong with a question", function()
    for _, query in ipairs { "?after=x", "?after=-1", "?after=1.5", "?after=nan", "?wait=31", "?wait=x", "?limit=0" } do
      assert.equal(400, (get("/sandbox/lines" .. query)), query)
    end
  end)

  it("sees an attempt in full, with its headers but without what may be a credential", function()
    sandbox:fault { status = 503, times = 1 }
    local event = { event_name = "be_reserved", customer_id = "c", age = "old" }
    post(event, { authorization = "Basic c2VjcmV0", ["x-api-key"] = "s3cret", ["user-agent"] = "a test\t" })
    local number = ("%d"):format(lines "".newest)
    local status, told = get("/sandbox/attempts/" .. number)
    assert.equal(200, status)
    assert.same(event, told.event)
    assert.same({ 503, '{"message":"Service Unavailable"}' }, { told.answer, told.reply })
    assert.truthy(told.problems[1])
    local headers = {}
    for _, pair in ipairs(told.headers) do
      headers[pair[1]:lower()] = pair[2]
    end
    assert.same({ "(not shown)", "(not shown)", "a test\\t" }, { headers.authorization, headers["x-api-key"],
      headers["user-agent"] })
    assert.equal(404, (get(("/sandbox/attempts/%d"):format(number + 1))))
    assert.equal(404, (get "/sandbox/attempts/99999999999999999999"))
    assert.same(told, select(2, get("/sandbox/attempts/" .. told.requestId)))
    assert.equal(404, (get "/sandbox/attempts/defc955f-ebca-4f14-b8d7-e2b885b3f370"))
  end)

  it("sees what was refused because it is no event, why, and how it began", function()
    local before = lines "".newest
    for body, wanted in pairs {
      [""] = { "^nothing was sent$", "^$" }, ["[1]"] = { "^it does not begin with {$", "^%[1%]$" },
      ['{"a":1,'] = { "character", '^{"a":1,$' },
      ['{"a":"\27[2J\226\128\174\255"}'] = { ".", '^{"a":"\\u001b%[2J\\u202e\\xff"}$' },
      ["x" .. ("\195\164"):rep(1000)] = { ".", "^x" .. ("\195\164"):rep(249) .. "%.%.%.$" },
      [("\1"):rep(1000)] = { ".", "^" .. ("\\u0001"):rep(83) .. "\\u%.%.%.$" },
      [("\128"):rep(1000)] = { ".", "^" .. ("\\x80"):rep(125) .. "%.%.%.$" },
    } do
      assert.equal(400, helper.http_request({ url = sandbox.url, body = body, headers = { ["x-trace"] = "t" } }).status)
      local line = lines("?after=" .. before).lines[1]
      before = line.number
      local _, told = get(("/sandbox/attempts/%d"):format(line.number))
      assert.same({ cjson.null, 400, "{}", line.why }, { told.event, told.answer, told.reply, told.why })
      assert.truthy(told.why:find(wanted[1]), told.why)
      assert.truthy((told.excerpt or ""):find(wanted[2]), told.excerpt)
      assert.truthy(told.headers[1])
    end
    helper.http_request { url = sandbox.url, body = ('{"a":[%s1]}'):format(("1,"):rep(260000)) }
    local line = lines("?after=" .. before).lines[1]
    assert.same({ 413, "more than 250000 values" }, { line.answer, line.why })
  end)

  it("is given an event to begin with", function()
    local status, event = get "/sandbox/sample?event_name=be_reserved"
    assert.same({ 200, "be_reserved" }, { status, event.event_name })
    post(event)
    assert.equal("good", sandbox:events()[1].outcome)
    assert.equal(404, (get "/sandbox/sample?event_name=none"))
    assert.equal(404, (get "/sandbox/sample"))
  end)
end)

describe("who looks on and does not read", function()
  helper.guard()

  it("holds up nobody", function()
    local sandbox = helper.start_sandbox()
    local body = cjson.encode { event_name = ("n"):rep(100), external_event_id = ("i"):rep(100) }
    for _ = 1, 1000 do
      helper.http_request { url = sandbox.url, body = body }
    end
    local lazy = {}
    for i = 1, 50 do
      lazy[i] = assert(socket.connect("127.0.0.1", sandbox.port))
      lazy[i]:send(("GET /sandbox/lines HTTP/1.1\r\nHost: localhost\r\n\r\n"):rep(5))
      helper.defer(function()
        lazy[i]:close()
      end)
    end
    local begin = process.now()
    for _ = 1, 20 do
      assert.equal(200, helper.http_request { url = sandbox.url, body = body }.status)
    end
    assert.is_true(process.now() - begin < SOON) -- and not until they go
  end)
end)
