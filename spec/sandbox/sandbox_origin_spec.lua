-- F3, G: who may talk to the sandbox through a browser, and how much it shows.
local helper = require "support.helper"
local origin = require "postevent.sandbox.origin"

describe("F3: the sandbox", function()
  helper.guard()
  local sandbox = helper.shared_sandbox()

  local function ask(method, path, headers)
    return helper.http_request {
      method = method, url = sandbox.base .. path, headers = headers, body = method == "POST" and "{}" or nil,
    }.status
  end

  it("answers to what it was told to listen on, and shows", function()
    local own = helper.start_sandbox { host = "127.1" }
    local function status(host)
      return helper.http_request { url = own.base .. "/sandbox/events", method = "GET", headers = { Host = host } }
        .status
    end
    assert.same({ 200, 200, 403 }, { status("127.1:" .. own.port), status "localhost", status "127.2.example" })
  end)

  it("answers to localhost and the machine's addresses, and to nobody else's", function()
    local port = ":" .. sandbox.port
    for _, host in ipairs { "localhost", "LOCALHOST" .. port, "127.0.0.1", "127.0.0.1" .. port, "[::1]" .. port,
      "127.8.8.8", "[::ffff:127.0.0.1]", "::1" } do
      assert.equal(200, ask("GET", "/sandbox/events", { Host = host }), host)
    end
    for _, host in ipairs {
      "192.0.2.1", "[2001:db8::1]" .. port, "0.0.0.0", "8.8.8.8" .. port, "127.0.0.1.", "127.1", "[::1%25lo]",
      "evil.example", "evil.example" .. port, "localhost.evil.example", "127.0.0.1.evil.example", "user@localhost",
      "[evil]", "1.2.3.4.5.example",
    } do
      assert.equal(403, ask("GET", "/sandbox/events", { Host = host }), host)
      assert.equal(403, ask("POST", "/sandbox/reset", { Host = host }), host)
      assert.equal(403, ask("POST", "/webhooks/x", { Host = host }), host)
    end
  end)

  it("lets no page of another origin change or read anything", function()
    assert.equal(200, ask("POST", "/webhooks/x", {}))
    for _, from in ipairs {
      "https://evil.example", "http://evil.example", "null", "http://127.0.0.1", "http://localhost:" .. sandbox.port,
      "file://", "http://127.0.0.1:" .. sandbox.port + 1, "x://127.0.0.1:" .. sandbox.port,
    } do
      assert.equal(403, ask("POST", "/sandbox/reset", { Origin = from, ["Content-Type"] = "text/plain" }), from)
      assert.equal(403, ask("POST", "/webhooks/x", { Origin = from }), from)
    end
    assert.equal(1, #sandbox:events())
    assert.equal(200, ask("POST", "/sandbox/reset", { Origin = sandbox.base }))
    assert.equal(0, #sandbox:events())
  end)

  it("answers to the names that it was told", function()
    local refuses = origin.new { "Sandbox.example" }
    assert.is_nil(refuses("sandbox.example:80"))
    assert.is_nil(refuses("sandbox.example", "http://sandbox.example"))
    assert.is_nil(refuses(nil, nil)) -- HTTP/1.0
    assert.is_string(refuses("other.example"))
    assert.is_nil(origin.new({ "192.0.2.1" })("192.0.2.1:80"))
    assert.is_string(refuses(nil, "http://sandbox.example"))
    assert.is_string(refuses("", nil))
  end)
end)

describe("G: /sandbox/events", function()
  helper.guard()
  local sandbox = helper.shared_sandbox()

  it("shows the newest with limit, in their order", function()
    for i = 1, 5 do
      helper.http_request { url = sandbox.url, body = ('{"event_name":"e","n":%d}'):format(i) }
    end
    local function numbers(query)
      local text = helper.http_request({ url = sandbox.base .. "/sandbox/events" .. query }).body
      local found = {}
      for n in text:gmatch '"n":(%d)' do
        found[#found + 1] = n
      end
      return table.concat(found)
    end
    assert.equal("12345", numbers "")
    assert.equal("45", numbers "?limit=2")
    assert.equal("5", numbers "?limit=1&outcome=good")
    assert.equal("12345", numbers "?limit=9")
    for _, limit in ipairs { "0", "-1", "x", "1.5" } do
      assert.equal(400, helper.http_request({ url = sandbox.base .. "/sandbox/events?limit=" .. limit }).status)
    end
  end)
end)
