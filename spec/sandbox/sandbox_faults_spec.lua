-- Faults over HTTP: what a client sees, what the store keeps, how they are turned on and off.
local cjson = require "cjson"
local helper = require "support.helper"
local command = require "support.command"
local socket = require "socket"

local function request(sandbox, method, path, body, headers)
  return helper.http_request { method = method, url = sandbox.base .. path, body = body, headers = headers }
end

local function post(sandbox, object, headers)
  return request(sandbox, "POST", "/webhooks/w", cjson.encode(object or { event_name = "e" }), headers)
end

describe("a fault of the sandbox", function()
  helper.guard()
  local sandbox = helper.shared_sandbox()

  it("answers in the platform's place, with what the gateway says", function()
    for _, case in ipairs {
      { { status = 503, retry_after = 2 }, 503, '{"message":"Service Unavailable"}' },
      { { status = 429 }, 429, '{"message":"Too Many Requests"}' },
      { { status = 504 }, 504, '{"message":"Endpoint request timed out"}' },
      { { status = 400 }, 400, "{}" },
      { { status = 418 }, 418, '{"message":"status 418"}' },
      { { status = 204 }, 204, "" },
      { { status = 500, body = "oops" }, 500, "oops" },
      { { unauthorized = true }, 401, '{"message":"Unauthorized"}' },
    } do
      sandbox:heal()
      sandbox:fault(case[1])
      local reply = post(sandbox)
      assert.same({ case[2], case[3] }, { reply.status, reply.body })
      assert.equal(case[1].retry_after and "2", reply.headers["retry-after"])
    end
    assert.same({}, sandbox:events())
    sandbox:heal()
    assert.equal(200, post(sandbox).status)
  end)

  it("answers 200 with another code, or with somebody's page", function()
    local id = sandbox:fault { code = 7301 }
    local document = cjson.decode(post(sandbox).body)
    assert.same({ code = 7301, message = "unable to add feed" }, document.status)
    assert.equal(200, request(sandbox, "DELETE", ("/sandbox/faults/%d"):format(id)).status)
    sandbox:fault { html = true }
    local reply = post(sandbox)
    assert.same({ 200, "text/html" }, { reply.status, reply.headers["content-type"] })
    assert.truthy(reply.body:find("<html>", 1, true))
    assert.same({}, sandbox:events())
  end)

  it("is told of each attempt, taken or not", function()
    local function try(fields, object)
      sandbox:heal()
      sandbox:fault(fields)
      return post(sandbox, object)
    end
    try({ status = 503 }, { n = 1 })
    try({ drop = "after" }, { n = 2 })
    try({ drop = "reply" }, { n = 3 })
    try({ status = 504, taken = true }, { n = 4 })
    try({ delay = 0.01 }, { n = 5 })
    try({ drop = "before" }, { n = 6 })
    sandbox:heal()
    post(sandbox, { n = 7 })
    local told = {}
    for i, one in ipairs(sandbox:attempts()) do
      told[i] = ("%d %s %s"):format(one.event.n, one.answer == cjson.null and "null" or ("%d"):format(one.answer),
        tostring(one.fault))
    end
    assert.same({ "1 503 status=503", "2 null drop=after", "3 200 drop=reply", "4 504 status=504,taken=true",
      "5 200 delay=0.01", "7 200 nil" }, told)
    local taken = {}
    for i, one in ipairs(sandbox:events()) do
      taken[i] = one.event.n
    end
    assert.same({ 2, 3, 4, 5, 7 }, taken)
    local log = cjson.decode(request(sandbox, "GET", "/v2/events/logs").body).data
    assert.equal(5, #log)
    for _, line in ipairs {
      "%- 503 %- fault: status=503\n", "%- %- [%x-]+ fault: drop=after\n", " %- %- %- fault: drop=before\n",
    } do
      assert.truthy(sandbox:log():find(line), sandbox:log())
    end
  end)

  it("ends the connection before the event is read, behind it, or in the middle of the reply", function()
    for drop, arrived in pairs { before = 0, after = 1, reply = 1 } do
      sandbox:heal()
      sandbox:reset()
      sandbox:fault { drop = drop }
      local connection = assert(socket.connect("127.0.0.1", sandbox.port))
      connection:settimeout(5)
      local head = "POST /webhooks/w HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
      assert(connection:send(drop == "before" and head or head .. "{}"))
      local whole, why, part = connection:receive "*a"
      local text = whole or part
      assert.is_true(whole ~= nil or why == "closed", why)
      local size, body = tonumber(text:match "[Ll]ength: (%d+)"), text:match "\r\n\r\n(.*)$"
      assert.is_true(drop == "reply" and #body < size and #body > 0 or text == "", text)
      connection:close()
      assert.equal(arrived, #sandbox:events())
    end
  end)

  it("holds up nobody else", function()
    sandbox:fault { stall = true, event = "stall" }
    sandbox:fault { delay = 30, event = "late" }
    sandbox:fault { trickle = 1, event = "slow" }
    local open = {}
    for i, name in ipairs { "stall", "late", "slow" } do
      open[i] = assert(socket.connect("127.0.0.1", sandbox.port))
      local body = cjson.encode { event_name = name }
      assert(open[i]:send(("POST /webhooks/w HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"):format(#body,
        body)))
    end
    local before = socket.gettime()
    for _ = 1, 10 do
      assert.equal(200, post(sandbox).status)
    end
    assert.is_true(socket.gettime() - before < 5)
    for _, connection in ipairs(open) do
      connection:close()
    end
  end)

  it("is listed with its keys, and with how many have met it", function()
    local first, second = sandbox:fault { status = 503, times = 2 }, sandbox:fault { html = true, every = 2 }
    for _ = 1, 4 do
      post(sandbox)
    end
    local list = sandbox:faults()
    assert.truthy(sandbox:log():find(("\nfaults are on, drawn from the seed %d\n"):format(list.seed), 1, true))
    assert.same({
      { id = first, fault = "status=503,times=2", status = 503, times = 2, met = 2, over = true,
        shadowed = false },
      { id = second, fault = "html,every=2", html = true, every = 2, met = 1, over = false,
        shadowed = false },
    }, list.faults)
    assert.equal(404, request(sandbox, "DELETE", "/sandbox/faults/99").status)
    assert.equal(200, request(sandbox, "DELETE", ("/sandbox/faults/%d"):format(first)).status)
    assert.equal(1, #sandbox:faults().faults)
  end)

  it("is listed in the order in which a request is asked, and marked where nothing is left to it", function()
    local texts = {}
    for _, fault in ipairs { { status = 500, one = true }, { unauthorized = true }, { status = 503 }, { html = true },
      { drop = "before", times = 1 }, { drop = "before", every = 2 } } do
      sandbox:fault(fault)
    end
    local function told()
      for i, one in ipairs(sandbox:faults().faults) do
        texts[i] = one.fault .. (one.shadowed and " -" or "")
      end
      return texts
    end
    assert.same({ "drop=before,times=1", "drop=before,every=2", "status=500,one", "unauthorized", "status=503",
      "html -" }, told())
    sandbox:fault { drop = "before" }
    sandbox:fault { drop = "before", times = 7 }
    assert.same({ "drop=before,times=1", "drop=before,every=2", "drop=before", "drop=before,times=7 -",
      "status=500,one -", "unauthorized -", "status=503 -", "html -" }, told())
  end)

  it("that is wrong is answered with what is wrong", function()
    for body, message in pairs {
      ['{"statsu":503}'] = "statsu: no key of a fault, did you mean status?",
      ['{"status":"503"}'] = 'status: expected a whole number from 200 to 599, got "503"',
      ['{"event":"e"}'] = "nothing happens: expected one of "
        .. "status, code, html, unauthorized, delay, drop, stall, trickle",
      ['{"html":true,"\\u001b[2J":1}'] = "\\u001b[2J: no key of a fault",
      ['[1]'] = "expected a JSON object", [""] = "expected a JSON object",
    } do
      local reply = request(sandbox, "POST", "/sandbox/faults", body)
      assert.same({ 400, message }, { reply.status, cjson.decode(reply.body).message })
    end
    assert.equal("DELETE, GET, POST", request(sandbox, "PUT", "/sandbox/faults", "{}").headers.allow)
    assert.equal("DELETE", request(sandbox, "GET", "/sandbox/faults/1").headers.allow)
  end)

  it("is set by no page of another origin", function()
    for _, case in ipairs { { "POST", "", '{"html":true}' }, { "DELETE", "" }, { "DELETE", "/1" } } do
      local reply = request(sandbox, case[1], "/sandbox/faults" .. case[2], case[3], { Origin = "http://evil.example" })
      assert.equal(403, reply.status)
      assert.is_nil(reply.headers["access-control-allow-origin"])
    end
    assert.same({}, sandbox:faults().faults)
  end)

  it("shows no credential", function()
    sandbox:fault { unauthorized = true }
    assert.equal(401, post(sandbox, nil, { Authorization = "Basic c2VjcmV0" }).status)
    for _, path in ipairs { "/sandbox/faults", "/sandbox/attempts" } do
      assert.is_nil(request(sandbox, "GET", path).body:find("c2VjcmV0", 1, true))
    end
    assert.is_nil(sandbox:log():find("c2VjcmV0", 1, true))
  end)
end)

describe("the sandbox with faults from its beginning", function()
  helper.guard()

  it("draws what it drew with that seed before", function()
    local function run()
      local sandbox = helper.start_sandbox { faults = { "status=500,share=0.5" }, seed = 42 }
      local answers = {}
      for i = 1, 20 do
        answers[i] = post(sandbox).status
      end
      assert.truthy(sandbox:log():find("\nfaults are on, drawn from the seed 42\n", 1, true))
      return table.concat(answers, " ")
    end
    local answers = run()
    assert.truthy(answers:find "200" and answers:find "500")
    assert.equal(answers, run())
  end)

  it("ends at once, whoever waits", function()
    local sandbox = helper.start_sandbox { faults = { "stall,every=2", "delay=60" } }
    local open = {}
    for i = 1, 4 do
      open[i] = assert(socket.connect("127.0.0.1", sandbox.port))
      assert(open[i]:send "POST /webhooks/w HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
    end
    helper.wait_until(function() return #sandbox:attempts() == 4 end)
    sandbox.child:kill "SIGTERM"
    assert.same({ "exited", 0 }, { sandbox.child:wait(20) })
    for _, connection in ipairs(open) do
      connection:close()
    end
  end)
end)

describe("postevent sandbox --fault", function()
  helper.guard()

  it("says what is wrong, and does not start", function()
    for arguments, expected in pairs {
      ["--fault statsu=503"] = "--fault: statsu: no key of a fault, did you mean status?",
      ["--fault status=503 --fault share=2,html"] = "--fault: share: expected a number above 0, at most 1",
      ["--seed 0"] = "--seed: expected a whole number from 1 to 2147483646",
      ["--seed 1.5"] = "--seed: expected a whole number from 1 to 2147483646",
    } do
      local words = { "sandbox" }
      for word in arguments:gmatch "%S+" do
        words[#words + 1] = word
      end
      local status, output, errors = command.run(words)
      assert.same({ 2, "" }, { status, output })
      assert.truthy(errors:find(expected, 1, true), errors)
    end
  end)
end)
