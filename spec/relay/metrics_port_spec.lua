-- The port of a deliverer's metrics.
local children = require "support.children"
local fleet = require "support.fleet"
local helper = require "support.helper"
local ports = require "support.ports"
local postevent = require "postevent"
local socket = require "socket"

local function connect(port)
  local connection = assert(socket.connect("127.0.0.1", port))
  connection:settimeout(5)
  return connection
end

local function ask(port, question)
  local connection = connect(port)
  connection:send((question or "GET /metrics HTTP/1.1") .. "\r\nHost: x\r\n\r\n")
  local reply = connection:receive "*a"
  connection:close()
  return reply
end

local function start(self)
  local port = ports.free_port()
  local child = self:deliverer("--metrics", "127.0.0.1:" .. port)
  helper.wait_until(function()
    return child:errors():find("delivers the stream", 1, true)
  end)
  return child, port
end

local stop = fleet.stop

describe("the metrics of a deliverer", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("are right, and Prometheus reads them", function()
    local self = fleet.start()
    self.platform:fault { event = "bad", code = 7308 }
    local client = self:producer()
    fleet.track(client, 1, 20)
    fleet.track(client, 21, 23, "bad")
    assert.is_true(client:flush(5))
    local child, port = start(self)
    self:wait_for_ends(23)
    local reply = helper.wait_until(function()
      local reply = ask(port)
      return reply:find('postevent_relay_ended_total{outcome="delivered"} 20\n', 1, true) and reply
    end)
    for _, line in ipairs { 'ended_total{outcome="rejected"} 3', "in_hand 0", "redis_up 1", "stream_length 0",
      "stream_dead 3", "stream_oldest_seconds 0", "stream_pending 0", "stream_lag 0" } do
      assert.truthy(reply:find("\npostevent_relay_" .. line .. "\n", 1, true), line)
    end
    assert.truthy(reply:find("\npostevent_delivered_total 20\n", 1, true))
    local status, _, errors = children.run({ "promtool", "check", "metrics" }, { input = reply:match "\r\n\r\n(.*)$" })
    assert.equal(0, status, errors)
    stop(child)
  end)

  it("tell for how long the oldest event waits", function()
    local self = fleet.start()
    self.platform:fault { unauthorized = true }
    local now = tonumber(self.redis:call("TIME")[1])
    self.redis:call("XADD", "postevent", ("%d-0"):format((now - 3600) * 1000), "body", "{}")
    local child, port = start(self)
    local age = tonumber(helper.wait_until(function()
      return ask(port):match "\npostevent_relay_stream_oldest_seconds (%d+)\n"
    end))
    assert.is_true(age >= 3600 and age < 3700, age)
    stop(child)
  end)

  it("are there while Redis is away", function()
    local self = fleet.start()
    local child, port = start(self)
    self.redis:kill()
    helper.wait_until(function()
      return ask(port):find("\npostevent_relay_redis_up 0\n", 1, true)
    end)
    stop(child)
  end)

  it("wait for nobody who asks and says no more, and keep no one from delivering", function()
    local self = fleet.start()
    local child, port = start(self)
    local silent = {}
    for i = 1, 3 do
      silent[i] = connect(port)
      silent[i]:send "GET /metr"
    end
    assert.truthy(ask(port):find("^HTTP/1.1 200 OK\r\n"))
    local client = self:producer()
    fleet.track(client, 1, 10)
    self:wait_for_ends(10)
    for i = 1, 3 do
      silent[i]:settimeout(30)
      assert.equal("closed", select(2, silent[i]:receive "*a"))
      silent[i]:close()
    end
    stop(child)
  end)

  it("are all that the port has", function()
    local self = fleet.start()
    local child, port = start(self)
    assert.truthy(ask(port, "GET / HTTP/1.1"):find("^HTTP/1.1 404 "))
    assert.truthy(ask(port, "POST /metrics HTTP/1.1"):find("^HTTP/1.1 405 "))
    assert.equal("", ask(port, "GET /" .. ("x"):rep(5000)) or "")
    assert.truthy(ask(port, "GET /metrics?a=1 HTTP/1.0"):find("^HTTP/1.1 200 "))
    stop(child)
  end)

  it("need an address of this machine that is free", function()
    local self = fleet.start()
    local _, port = start(self)
    for address, words in pairs { ["127.0.0.1"] = "--metrics: expected HOST:PORT",
      ["127.0.0.1:99999"] = "--metrics: expected HOST:PORT", ["127.0.0.1:65536"] = "--metrics: expected HOST:PORT",
      ["127.0.0.1:" .. port] = "--metrics: cannot listen on 127.0.0.1:" .. port .. ": Address already in use",
      ["192.0.2.1:9184"] = "--metrics: cannot listen on 192.0.2.1:9184: Cannot assign" } do
      local status, _, errors = self:command("--url", self.platform.url, "--metrics", address)
      assert.equal(words:find "expected" and 2 or 1, status)
      assert.truthy(errors:find(words, 1, true), errors)
    end
  end)
end)
