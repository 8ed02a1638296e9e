-- The sandbox, a process of its own: what it answers, and how it is started.
local cjson = require "cjson"
local helper = require "support.helper"
local socket = require "socket"
local documents = helper.documents

local UUID_4 = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"

local function post(url, body, headers)
  return assert(helper.http_request { method = "POST", url = url, body = body, headers = headers })
end

describe("the sandbox", function()
  helper.guard()

  it("answers as documented, with a fresh UUID each time", function()
    local sandbox = helper.start_sandbox()
    local seen = {}
    for _ = 1, 3 do
      local reply = post(sandbox.url, cjson.encode(documents.event))
      assert.equal(200, reply.status)
      assert.equal("application/json", reply.headers["content-type"])
      local id = cjson.decode(reply.body).requestId
      assert.truthy(id:match(UUID_4))
      assert.equal((documents.reply:gsub("defc955f[%x-]+", id)), reply.body)
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)

  it("accepts any path that ends in a webhook", function()
    local sandbox = helper.start_sandbox()
    local paths = { "/webhooks/a", "/eucrm/webhooks/b-1_2.3~4", "/deep/er/webhooks/c/", "/webhooks/webhooks/d?e=f" }
    for _, path in ipairs(paths) do
      assert.equal(200, post(sandbox.base .. path, "{}").status, path)
    end
    local ids = {}
    for i, event in ipairs(sandbox:events()) do
      ids[i] = event.webhook
    end
    assert.same({ "a", "b-1_2.3~4", "c", "d" }, ids)
  end)

  it("answers a wrong path as the gateway does", function()
    local sandbox = helper.start_sandbox()
    local paths = { "/webhooks", "/webhooks/", "/webhooks/a/b", "/webhooks/a%22b", "/sandbox", "/webhooksa/b" }
    for _, path in ipairs(paths) do
      local reply = post(sandbox.base .. path, "{}")
      assert.equal(403, reply.status, path)
      assert.equal('{"message":"Missing Authentication Token"}', reply.body)
    end
    assert.equal(0, #sandbox:events())
  end)

  it("answers another method with 405 and names the right one", function()
    local sandbox = helper.start_sandbox()
    for _, case in ipairs {
      { "GET", sandbox.url, "POST" }, { "PUT", sandbox.url, "POST" }, { "HEAD", sandbox.url, "POST" },
      { "POST", sandbox.base .. "/sandbox/events", "GET" }, { "GET", sandbox.base .. "/sandbox/reset", "POST" },
    } do
      local reply = assert(helper.http_request { method = case[1], url = case[2] })
      assert.equal(405, reply.status)
      assert.equal(case[3], reply.headers.allow)
    end
  end)

  it("answers what is not a JSON object with 400 and {}", function()
    local sandbox = helper.start_sandbox()
    for _, body in ipairs { "", "x", "[]", '"{}"', "{", '{"a":1,}' } do
      local reply = post(sandbox.url, body)
      assert.equal(400, reply.status, body)
      assert.equal("{}", reply.body)
      assert.equal("application/json", reply.headers["content-type"])
    end
    assert.equal(0, #sandbox:events())
  end)

  it("checks the authorization when asked to", function()
    local sandbox = helper.start_sandbox { authorization = documents.authorization }
    for _, value in ipairs { false, "Basic wrong", documents.authorization .. "x", documents.authorization:lower() } do
      local reply = post(sandbox.url, "{}", value and { Authorization = value })
      assert.equal(401, reply.status)
      assert.equal('{"message":"Unauthorized"}', reply.body)
    end
    assert.equal(0, #sandbox:events())
    assert.equal(200, post(sandbox.url, "{}", { Authorization = documents.authorization }).status)
    assert.equal(1, #sandbox:events())
  end)

  it("returns the events byte for byte", function()
    local sandbox = helper.start_sandbox()
    local body = ' {"id" : 9007199254740993123, "x":0.10000000000000000555,\n"\\u00e9":"\195\169\\/", "n":1e2}\n'
    local id = cjson.decode(post(sandbox.url, body).body).requestId
    local raw = sandbox:raw_events()
    assert.truthy(raw:find('{"event":' .. body .. ',"webhook":', 1, true))
    local events = cjson.decode(raw)
    assert.equal(1, events.count)
    assert.equal(0, events.dropped)
    assert.equal(id, events.events[1].requestId)
    assert.truthy(sandbox.url:find("/webhooks/" .. events.events[1].webhook, 1, true))
    assert.truthy(events.events[1].received_at:match "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$")
  end)

  it("forgets the events on reset", function()
    local sandbox = helper.start_sandbox()
    post(sandbox.url, "{}")
    sandbox:reset()
    assert.equal('{"count":0,"dropped":0,"events":[]}', sandbox:raw_events())
    post(sandbox.url, "{}")
    assert.equal(1, #sandbox:events())
  end)

  it("logs one line per event and no credential", function()
    local sandbox = helper.start_sandbox { authorization = documents.authorization }
    local authorization = { Authorization = documents.authorization }
    local id = cjson.decode(post(sandbox.url, cjson.encode(documents.event), authorization).body).requestId
    post(sandbox.url, '{"event_name":"two\\nlines \\u001b[2J"}', authorization)
    post(sandbox.url, "{", authorization)
    post(sandbox.url, "{}", { Authorization = "Basic c2VjcmV0" })
    local log = sandbox:log()
    local time = "\n%d+%-%d+%-%d+T%d+:%d+:%d+Z "
    assert.truthy(log:find(("listening on %s/eucrm/webhooks/sandbox\n"):format(sandbox.base), 1, true))
    assert.truthy(log:find(time .. "be_reserved 200 " .. id:gsub("%-", "%%-") .. "\n"))
    assert.truthy(log:find(time .. "two_lines__%[2J 200 %x+"))
    assert.truthy(log:find(time .. "%- 400 %-\n"))
    assert.truthy(log:find(time .. "%- 401 %-\n"))
    assert.equal(6, select(2, log:gsub("\n", "\n")))
    for _, secret in ipairs { "dGVzdF9kaXY2OWZmZmRkYg", "c2VjcmV0" } do
      assert.is_nil(log:find(secret, 1, true))
    end
  end)
end)

-- What `run` returns, or the error it raises, in a process of its own.
local function run_with(options)
  local status, output, errors = helper.run_lua({ code = ([[
    local ok, result, message = pcall(require("postevent.sandbox").run, %s)
    io.write(tostring(ok), "|", tostring(result), "|", tostring(message))
  ]]):format(options) }, {}, { timeout = 10 })
  assert.equal("", errors)
  assert.equal(0, status)
  return output
end

describe("the sandbox's options", function()
  helper.guard()

  it("name host and port when they cannot be listened on", function()
    local sandbox = helper.start_sandbox()
    local output = run_with(("{ port = %d }"):format(sandbox.port))
    assert.truthy(output:find(("true|nil|cannot listen on 127.0.0.1, port %d: "):format(sandbox.port), 1, true))
    output = run_with '{ host = "192.0.2.1", port = 8080 }'
    assert.truthy(output:find("true|nil|cannot listen on 192.0.2.1, port 8080: ", 1, true))
  end)

  it("take an IPv6 address", function()
    local probe = socket.tcp6 and socket.tcp6()
    if not (probe and probe:bind("::1", 0)) then
      if probe then probe:close() end
      pending "this machine has no IPv6 loopback"
      return
    end
    probe:close()
    local port_file = helper.new_path "port"
    local child = helper.spawn {
      helper.lua(), "-e", ('require("postevent.sandbox").run { host = "::1", port_file = %q }'):format(port_file),
    }
    local port = helper.wait_until(function()
      return helper.file_exists(port_file) and helper.read_file(port_file):match "^(%d+)\n$"
    end)
    local reply = post(("http://[::1]:%s/webhooks/a"):format(port), "{}")
    assert.equal(200, reply.status)
    assert.truthy(child:output():find(("http://[::1]:%s/eucrm/webhooks/sandbox"):format(port), 1, true))
  end)

  it("that let others reach it make it say so", function()
    local quiet = helper.start_sandbox { host = "127.0.0.1" }
    assert.is_nil(quiet:log():find("warning", 1, true))
    for host, who in pairs { ["0.0.0.0"] = "this machine, by any of its addresses,", ["127.0.0.1"] = false } do
      local port_file = helper.new_path "port"
      local child = helper.spawn {
        helper.lua(), "-e", ('require("postevent.sandbox").run { host = %q, port_file = %q }'):format(host, port_file),
      }
      helper.wait_until(function() return child:output():find("listening", 1, true) end)
      local line = helper.wait_until(function()
        return not who and "" or child:output():match "\nwarning: [^\n]*\n"
      end)
      assert.equal(who and ("\nwarning: everybody who reaches %s can post events, read all that were received, and "
        .. "turn on faults\n"):format(who) or "", line)
    end
  end)

  it("have a port file that must be writable", function()
    local path = helper.new_directory() .. "/missing/port"
    local output = run_with(("{ port_file = %q }"):format(path))
    assert.truthy(output:find("true|nil|cannot write the port file: " .. path, 1, true))
  end)

  it("raise on a mistake, and name it", function()
    for options, expected in pairs {
      ["{ colour = 1 }"] = "'colour'", ["{ port = 65536 }"] = "'port'", ["{ port = -1 }"] = "'port'",
      ["{ port = 1.5 }"] = "'port'", ['{ port = "80" }'] = "'port'", ["{ authorization = true }"] = "'authorization'",
      ["{ log = 1 }"] = "'log'", ["{ host = 1 }"] = "'host'",
    } do
      local output = run_with(options)
      assert.equal("false|", output:sub(1, 6), options)
      assert.truthy(output:find(expected, 1, true), output)
    end
  end)
end)
