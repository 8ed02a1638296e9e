-- What the sandbox may be made to cost: memory, connections, time. Whoever sends it keeps nobody else out.
if not require("support.where").is("lua5.4", "luajit") then
  return
end

local cjson = require "cjson"
local helper = require "support.helper"
local socket = require "socket"

local MIB = 1024 * 1024
local MEMORY = 64 -- MiB
local SOON = 5 -- seconds, on a busy machine; what must not be waited for takes longer

-- The most memory that the sandbox has taken so far, in MiB.
local function peak(sandbox)
  local status = helper.read_file(("/proc/%d/status"):format(sandbox.child.pid))
  return tonumber(status:match "VmHWM:%s*(%d+)") / 1024
end

local function connect(sandbox)
  local connection = assert(socket.connect("127.0.0.1", sandbox.port))
  connection:settimeout(10)
  return connection
end

local function request(path, body, size)
  return ("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"):format(path, size or #body, body)
end

-- Reads the head of a reply and its body; returns the status.
local function read_status(connection)
  local status = assert(connection:receive "*l"):match "^HTTP/1%.1 (%d+)"
  local size = 0
  for line in function() return assert(connection:receive "*l") end do
    if line == "" then break end
    size = tonumber(line:match "^[Cc]ontent%-[Ll]ength: (%d+)") or size
  end
  assert(size == 0 or connection:receive(size))
  return tonumber(status)
end

-- Posts what make(i) returns until that was so many bytes, a few at a time; "{}" costs what its lines do.
local function flood(sandbox, bytes, make, path)
  local connection = connect(sandbox)
  local sent, count, few = 0, 0, {}
  while sent < bytes do
    for i = 1, 20 do
      count = count + 1
      few[i] = request(path or "/webhooks/w", make(count))
      sent = sent + #few[i]
      if sent >= bytes then break end
    end
    local here = #few
    assert(connection:send(table.concat(few)))
    for _ = 1, here do
      assert.equal(200, read_status(connection))
    end
    few = {}
  end
  connection:close()
end

local function attributes(count, prefix)
  local parts = {}
  for k = 1, count do
    parts[k] = ('"%s_%d":%d'):format(prefix, k, k)
  end
  return '{"event_name":"be_reserved",' .. table.concat(parts, ",") .. "}"
end

local FLOODS = {
  ["many short events"] = { 4, function(i) return attributes(3, "a" .. i) end },
  ["nothing, again and again"] = { 1, function() return "{}" end },
  ["twenty short attributes"] = { 8, function(i) return attributes(20, "b" .. i) end },
  ["2,000 unknown attributes"] = { 8, function(i) return attributes(2000, "c" .. i) end },
  ["texts of 1 MB"] = { 60, function() return '{"event_name":"be_reserved","note":"' .. ("x"):rep(1e6) .. '"}' end },
  ["long names"] = { 30, function(i)
    return ('{"event_name":"%s","%s":%d}'):format(("x"):rep(3e5), ("y"):rep(3e5), i)
  end },
  ["long paths"] = { 60, function() return "{}" end, "/webhooks/" .. ("w"):rep(20000) },
  ["tables in tables"] = { 4, function() return '{"a":[' .. ("{},[],"):rep(60000) .. "1]}" end },
}

describe("F3: the sandbox's memory", function()
  helper.guard()

  for what, flooding in pairs(FLOODS) do
    it("has a bound that it keeps: " .. what, function()
      local sandbox = helper.start_sandbox { definitions = "spec/vectors/definitions.json", memory = MEMORY }
      flood(sandbox, flooding[1] * MIB, flooding[2], flooding[3])
      for _, path in ipairs { "/sandbox/events", "/v2/events/logs?limit=1000000", "/sandbox/events?outcome=bad" } do
        local reply = assert(helper.http_request { method = "GET", url = sandbox.base .. path, timeout = 20 })
        assert.equal(200, reply.status)
      end
      assert.is_true(peak(sandbox) < 1.5 * MEMORY, tostring(peak(sandbox)))
    end)
  end

  it("has a bound for all that has arrived in part", function()
    local sandbox = helper.start_sandbox { memory = MEMORY }
    local part = request("/webhooks/w", "{" .. (" "):rep(9 * MIB), 10 * MIB)
    local open = {}
    for i = 1, 200 do
      open[i] = connect(sandbox)
      open[i]:send(part) -- it may have been sent away before it was through
    end
    local before = socket.gettime()
    local reply = assert(helper.http_request { method = "POST", url = sandbox.url, body = '{"event_name":"e"}' })
    assert.equal(200, reply.status)
    assert.is_true(socket.gettime() - before < SOON)
    reply = assert(helper.http_request { method = "POST", url = sandbox.url, body = "{" .. (" "):rep(9 * MIB) .. "}" })
    assert.equal(200, reply.status)
    assert.is_true(peak(sandbox) < 1.5 * MEMORY, tostring(peak(sandbox)))
    for _, connection in ipairs(open) do
      connection:close()
    end
  end)

  it("has a bound however slowly everything is read", function()
    local sandbox = helper.start_sandbox { memory = MEMORY }
    flood(sandbox, 30 * MIB, FLOODS["texts of 1 MB"][2])
    local open = {}
    for i = 1, 50 do
      open[i] = connect(sandbox)
      assert(open[i]:send "GET /sandbox/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
      assert.truthy(open[i]:receive "*l")
    end
    assert.is_true(peak(sandbox) < 1.5 * MEMORY, tostring(peak(sandbox)))
    for _, connection in ipairs(open) do
      connection:close()
    end
  end)
end)

describe("F3: connections that say nothing", function()
  helper.guard()

  local SILENT = [[
    local socket = require "socket"
    local open = {}
    for i = 1, tonumber(arg[2]) do
      open[i] = assert(socket.connect("127.0.0.1", tonumber(arg[1])))
    end
    io.stdout:write("open\n")
    io.stdout:flush()
    socket.sleep(60)
  ]]

  it("keep nobody out, be they 1,100", function()
    local sandbox = helper.start_sandbox()
    local script = helper.new_file(SILENT, "silent.lua")
    for _ = 1, 2 do
      local child = helper.spawn { helper.lua(), script, tostring(sandbox.port), "550" }
      helper.wait_until(function()
        return child:output() == "open\n" or not child:running()
      end, 20)
      assert.is_true(child:running(), child:errors())
    end
    for _ = 1, 3 do
      local before = socket.gettime()
      local reply = assert(helper.http_request { method = "POST", url = sandbox.url, body = "{}" })
      assert.equal(200, reply.status)
      assert.is_true(socket.gettime() - before < SOON)
    end
  end)
end)

describe("E1: a post of 150,000 unknown attributes", function()
  helper.guard()

  it("does not stop the sandbox", function()
    local sandbox = helper.start_sandbox { definitions = "spec/vectors/definitions.json" }
    local large, other = connect(sandbox), connect(sandbox)
    assert(large:send(request("/webhooks/w", attributes(150000, "unknown"))))
    local before = socket.gettime()
    assert(other:send(request("/webhooks/w", '{"event_name":"e"}')))
    assert.equal(200, read_status(other))
    assert.is_true(socket.gettime() - before < SOON)
    assert.equal(200, read_status(large))
    local events = cjson.decode(sandbox:raw_events()).events
    assert.equal(2, #events)
    large:close()
    other:close()
  end)

  it("has its 413 where it would be millions of tables", function()
    local sandbox = helper.start_sandbox()
    local before = socket.gettime()
    local body = '{"a":[' .. ("[],"):rep(3000000) .. "1]}"
    local reply = assert(helper.http_request { method = "POST", url = sandbox.url, body = body })
    assert.equal(413, reply.status)
    assert.is_true(socket.gettime() - before < SOON)
    assert.truthy(sandbox:log():find(" 413 ", 1, true))
  end)
end)

describe("F3: a Host header of 30 KB", function()
  helper.guard()

  it("is refused at once: no pattern goes back and forth over it", function()
    local sandbox = helper.start_sandbox()
    for _, host in ipairs { ("1"):rep(30000) .. "/", ("1:"):rep(15000), "[" .. (":"):rep(30000) .. "/" } do
      local connection = connect(sandbox)
      local before = socket.gettime()
      assert(connection:send("GET /sandbox/events HTTP/1.1\r\nHost: " .. host .. "\r\n\r\n"))
      assert.equal(403, read_status(connection))
      assert.is_true(socket.gettime() - before < SOON)
      connection:close()
    end
  end)
end)
