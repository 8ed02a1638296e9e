-- The sandbox under clients that are slow, rude or many, and how it ends.
local helper = require "support.helper"
local socket = require "socket"

local ENOUGH = 2 -- seconds within which a process that was told to stop has ended

local function post(url, body, headers)
  return assert(helper.http_request { method = "POST", url = url, body = body, headers = headers })
end

-- A connection on which the test writes HTTP by hand.
local function connect(sandbox)
  local connection = assert(socket.connect("127.0.0.1", sandbox.port))
  connection:settimeout(5)
  helper.defer(function()
    connection:close()
  end)
  return connection
end

local function request_text(body, declared_size)
  return ("POST /webhooks/raw HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"):format(
    declared_size or #body, body)
end

local function read_reply(connection)
  local status = assert(connection:receive "*l"):match "^HTTP/1%.1 (%d+)"
  local size = 0
  for line in function() return assert(connection:receive "*l") end do
    if line == "" then break end
    size = tonumber(line:match "^[Cc]ontent%-[Ll]ength: (%d+)") or size
  end
  return tonumber(status), assert(connection:receive(size))
end

describe("the sandbox's connections", function()
  helper.guard()

  local EVENT = '{"event_name":"e"}'
  local LENGTH = ("Content-Length: %d\r\n"):format(#EVENT)
  local HOST = "Host: localhost\r\n"
  for what, headers in pairs {
    ["without a Host"] = LENGTH, ["with two Hosts"] = HOST .. HOST .. LENGTH,
    ["with two that differ"] = HOST .. "host: 127.0.0.1\r\n" .. LENGTH,
    ["with two lengths"] = HOST .. LENGTH .. LENGTH, ["with two lengths that differ"] = HOST .. LENGTH
      .. "content-length: 3\r\n",
    ["with a length and a coding"] = HOST .. LENGTH .. "Transfer-Encoding: chunked\r\n",
    ["with two codings"] = HOST .. ("Transfer-Encoding: chunked\r\n"):rep(2),
  } do
    it("refuse a request " .. what .. ": two readers may take it for two (RFC 9112, 3.2, 6.3)", function()
      local sandbox = helper.start_sandbox()
      local connection = connect(sandbox)
      assert(connection:send("POST /webhooks/raw HTTP/1.1\r\n" .. headers .. "\r\n" .. EVENT))
      assert.equal(400, (read_reply(connection)))
      assert.equal(0, #sandbox:events())
    end)
  end

  it("take a request of HTTP/1.0 without a Host", function()
    local sandbox = helper.start_sandbox()
    local connection = connect(sandbox)
    assert(connection:send("POST /webhooks/raw HTTP/1.0\r\n" .. LENGTH .. "\r\n" .. EVENT))
    assert.truthy(assert(connection:receive "*l"):find "^HTTP/1%.%d 200")
    assert.equal(1, #sandbox:events())
  end)

  it("serve one request after another", function()
    local connection = connect(helper.start_sandbox())
    for _ = 1, 3 do
      assert(connection:send(request_text "{}"))
      assert.equal(200, (read_reply(connection)))
    end
  end)

  it("do not wait for each other", function()
    local sandbox = helper.start_sandbox()
    local slow, quick = connect(sandbox), connect(sandbox)
    assert(slow:send(request_text('{"name":', #'{"name":"slow"}')))
    assert(quick:send(request_text '{"name":"quick"}'))
    assert.equal(200, (read_reply(quick)))
    assert(slow:send '"slow"}')
    assert.equal(200, (read_reply(slow)))
    local events = sandbox:events()
    assert.same({ "quick", "slow" }, { events[1].event.name, events[2].event.name })
  end)

  it("may take bodies in pieces, from two clients in turn", function()
    local sandbox = helper.start_sandbox()
    local first, second = connect(sandbox), connect(sandbox)
    local head = "POST /webhooks/raw HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _, piece in ipairs { head, "5\r\n{\"a\":\r\n", "2\r\n1}\r\n", "0\r\n\r\n" } do
      assert(first:send(piece))
      assert(second:send(piece))
    end
    assert.equal(200, (read_reply(first)))
    assert.equal(200, (read_reply(second)))
    assert.equal(1, sandbox:events()[2].event.a)
  end)

  it("may break in the middle of a body: nothing is received", function()
    local sandbox = helper.start_sandbox()
    for _ = 1, 20 do
      local connection = connect(sandbox)
      assert(connection:send(request_text('{"a":1}', 100000)))
      connection:close()
    end
    assert.equal(0, #sandbox:events())
    assert.equal(200, post(sandbox.url, "{}").status)
    assert.equal(1, #sandbox:events())
  end)

  it("carry a body of 10 MB, and 413 for a byte more", function()
    local sandbox = helper.start_sandbox()
    local largest = "{" .. (" "):rep(10 * 1024 * 1024 - 2) .. "}"
    assert.equal(200, post(sandbox.url, largest).status)
    local reply = post(sandbox.url, largest .. " ")
    assert.equal(413, reply.status)
    assert.equal('{"message":"Request Too Long"}', reply.body)
    assert.equal(1, #sandbox:events())
  end)
end)

describe("the sandbox's end", function()
  helper.guard()

  for _, signal in ipairs { "SIGINT", "SIGTERM" } do
    it("is clean on " .. signal .. ", whatever its connections do", function()
      local sandbox = helper.start_sandbox()
      local idle, busy = connect(sandbox), connect(sandbox)
      assert(idle:send(request_text "{}"))
      assert.equal(200, (read_reply(idle)))
      assert(busy:send(request_text('{"a":', 100)))
      sandbox.child:kill(signal)
      local how, number = sandbox.child:wait(ENOUGH)
      assert.same({ "exited", 0 }, { how, number })
      assert.equal("", sandbox.child:errors())
    end)
  end

  it("comes on SIGINT even where a shell has told it to ignore that", function()
    local port_file = helper.new_path "port"
    local child = helper.spawn {
      "sh", "-c", 'trap "" INT; exec "$@"', "sh", helper.lua(), "-e",
      ('assert(require("postevent.sandbox").run { port_file = %q })'):format(port_file),
      env = { LD_PRELOAD = os.getenv "LD_PRELOAD" }, -- a sanitizer is the sandbox's business, not the shell's
    }
    helper.wait_until(function()
      return helper.file_exists(port_file) or not child:running()
    end)
    child:kill "SIGINT"
    local how, number = child:wait(ENOUGH)
    assert.same({ "exited", 0, "" }, { how, number, child:errors() })
  end)
end)
