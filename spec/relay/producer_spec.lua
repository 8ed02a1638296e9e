-- A client with `relay` hands its events to a stream of Redis.
local cjson = require "cjson"
local helper = require "support.helper"
local postevent = require "postevent"
local redis = require "support.redis"
local tracking = require "support.tracking"

-- It answers everything with a mistake of HTTP's.
local HTTP_SERVER = [[
local server = require("socket").bind("127.0.0.1", 0)
local file = io.open(arg[1], "w")
file:write((select(2, server:getsockname())))
file:close()
while true do
  local client = server:accept()
  client:receive "*l"
  client:send "HTTP/1.1 400 Bad Request\r\n\r\n"
  client:close()
end
]]

local function words(text)
  local list = {}
  for word in text:gmatch "%S+" do
    list[#list + 1] = word
  end
  return list
end

local function new(server, more, relay)
  local options = { relay = { url = server.url }, id_attribute = "external_event_id", timeout = 2,
    retry = { initial = 0.02, max = 0.1 } }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  for name, value in pairs(relay or {}) do
    options.relay[name] = value
  end
  return tracking.new(options)
end

local function track(client, first, last)
  for number = first, last do
    assert(client:track { event_name = "coin_found", external_event_id = "e" .. number, coins = number })
  end
end

-- Every id of these is in the stream.
local function assert_there(server, first, last)
  local ids = server:ids()
  for number = first, last do
    assert.truthy(ids["e" .. number], "e" .. number .. " is not there")
  end
  return ids
end

local function wait_for_error(client, text)
  return helper.wait_until(function()
    local last = client:stats().last_error
    return last and last.message:find(text, 1, true) and last
  end, 10, text)
end

describe("a client with a relay", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("hands events over in their order, and they are relayed", function()
    local server = redis.start()
    local client = new(server)
    track(client, 1, 500)
    assert.is_true(client:flush(5))
    local entries = server:entries()
    assert.equal(500, #entries)
    for number, entry in ipairs(entries) do
      local event = cjson.decode(entry.body)
      assert.equal(number, event.coins)
      assert.equal("e" .. number, event.external_event_id)
      assert.equal("e" .. number, entry.id)
      assert.equal("coin_found", entry.name)
      assert.is_true(tonumber(entry.age) < 5000)
    end
    local stats = client:stats()
    assert.equal(500, stats.relayed)
    assert.equal(0, stats.pending)
    assert.equal(500, stats.latency.count)
    for _, result in ipairs(tracking.results(client, 500)) do
      assert.equal("relayed", result.outcome)
      assert.is_nil(result.code or result.message)
    end
    assert.truthy(client:metrics():find("\npostevent_relayed_total 500\n", 1, true))
  end)

  it("finds its way to a socket, a database and a user", function()
    local server = redis.start { socket = true, args = words "--user shop on >p@ss:w/rd ~orders +xadd +select" }
    local url = "unix://shop:p%40ss%3Aw%2Frd@" .. server.socket .. "?db=3"
    local client = new(server, nil, { url = url, stream = "orders" })
    track(client, 1, 3)
    assert.is_true(client:flush(5))
    server:call("SELECT", 3)
    assert.equal(3, server:call("XLEN", "orders"))
  end)

  it("waits while Redis is away, and hands over when it is back", function()
    local server = redis.start { aof = true }
    server:kill()
    local client = new(server)
    track(client, 1, 50)
    local last = wait_for_error(client, "Connection refused")
    assert.equal("unreachable", last.code)
    tracking.wait_for(client, { pending = 50, state = "cooling" })
    server:restart()
    assert.is_true(client:flush(10))
    assert.equal("idle", client:stats().state)
    assert_there(server, 1, 50)
  end)

  it("loses nothing when Redis is killed in the middle of it", function()
    local server = redis.start { aof = true }
    local client = new(server, { queue = { max_events = 20000 } })
    local next_one = 1
    for _ = 1, 5 do
      track(client, next_one, next_one + 1999)
      next_one = next_one + 2000
      server:kill()
      server:restart()
    end
    assert.is_true(client:flush(20))
    assert.equal(next_one - 1, client:stats().relayed)
    assert_there(server, 1, next_one - 1)
  end)

  it("gives an answer up that does not come, and writes the event again with the same id", function()
    local server = redis.start()
    local client = new(server, { timeout = 0.3 })
    track(client, 1, 1)
    assert.is_true(client:flush(5))
    server:pause()
    track(client, 2, 3)
    wait_for_error(client, "no answer within timeout")
    server:resume()
    assert.is_true(client:flush(10))
    local ids = assert_there(server, 1, 3)
    assert.equal(1, ids.e1)
  end)

  it("ends what may have arrived as unknown, where it is told to", function()
    local server = redis.start()
    local client = new(server, { timeout = 0.3, retry = { initial = 0.02, max = 0.1, ambiguous = false } })
    track(client, 1, 1)
    assert.is_true(client:flush(5))
    server:pause()
    track(client, 2, 2)
    tracking.wait_for(client, { unknown = 1 })
    assert.same({ timeout = 1 }, client:stats().unknown_by)
    server:resume()
  end)

  it("hands over again what had not left, also where it is to send none twice", function()
    local server = redis.start()
    local client = new(server, { timeout = 1, max_event_bytes = 400000, queue = { max_bytes = 64 * 1024 * 1024 },
      retry = { initial = 0.02, max = 0.1, ambiguous = false } })
    track(client, 1, 1)
    assert.is_true(client:flush(5))
    server:pause()
    local text = ("x"):rep(300000)
    for number = 2, 80 do -- more than a socket takes
      assert(client:track { event_name = "e", external_event_id = "e" .. number, text = text })
    end
    local written = 0
    local stats = helper.wait_until(function()
      local stats = tracking.assert_balanced(client:stats())
      written = math.max(written, stats.in_flight)
      return stats.unknown > 0 and stats.in_flight == 0 and stats -- not while they end, one by one
    end, 5, "the end of the connection")
    assert.same({ timeout = stats.unknown }, stats.unknown_by)
    assert.is_true(stats.unknown < written, ("%d of %d are unknown"):format(stats.unknown, written))
    server:resume()
    assert.is_true(client:flush(20))
    assert.equal(stats.unknown, client:stats().unknown)
    local ids = server:ids()
    for _, result in ipairs(tracking.results(client, 80)) do
      local came = ids[result.event_id] or 0
      assert.is_true(came == 1 or came == 0 and result.outcome == "unknown", result.event_id .. " came " .. came)
    end
  end)

  it("counts what had not left as not sent, where it closes", function()
    local server = redis.start()
    local client = new(server, { max_event_bytes = 400000, queue = { max_bytes = 64 * 1024 * 1024 } })
    track(client, 1, 1)
    assert.is_true(client:flush(5))
    server:pause()
    local text = ("x"):rep(300000)
    for number = 2, 80 do
      assert(client:track { event_name = "e", external_event_id = "e" .. number, text = text })
    end
    local stats = helper.wait_until(function()
      local stats = client:stats()
      return stats.in_flight > 10 and stats.in_flight < 79 and stats
    end, 5, "a full socket")
    client:close(0)
    server:resume()
    assert.is_true(client:stats().maybe_sent > 0 and client:stats().maybe_sent < stats.in_flight)
  end)

  it("closes in time while Redis does not answer", function()
    local server = redis.start()
    local client = new(server)
    track(client, 1, 1)
    assert.is_true(client:flush(5))
    server:pause()
    track(client, 2, 2)
    tracking.wait_for(client, { in_flight = 1 })
    local seconds, ok, _, code, detail = tracking.timed(client.close, client, 0.2)
    server:resume()
    assert.is_nil(ok)
    assert.equal("timeout", code)
    assert.equal(1, detail.remaining)
    assert.is_true(seconds < 1.5, seconds .. " s")
    assert.equal(1, client:stats().maybe_sent)
  end)

  it("ends what was withdrawn where it closes while Redis does not answer", function()
    local server = redis.start()
    local client = new(server)
    track(client, 1, 1)
    assert.is_true(client:flush(5))
    server:pause()
    track(client, 2, 2)
    tracking.wait_for(client, { in_flight = 1 })
    assert(client:set_mode("off", "drop"))
    assert.is_true(client:close(0))
    server:resume()
    assert.same({ 0, { withdrawn = 1 } }, { client:stats().pending, client:stats().dropped_by })
  end)

  describe("is held by what somebody has to mend, and told so:", function()
    local function assert_held(server, relay, code, text)
      local client = new(server, nil, relay)
      track(client, 1, 20)
      local last = wait_for_error(client, text)
      assert.equal(code, last.code)
      assert.is_nil(last.message:find("s3cret", 1, true))
      tracking.wait_for(client, { pending = 20, state = "held" })
      return client
    end

    it("no password", function()
      local server = redis.start { args = { "--requirepass", "s3cret-word" } }
      local client = assert_held(server, {}, "unauthorized", "it wants a password, and the url has none")
      server:call("AUTH", "s3cret-word")
      server:call("CONFIG", "SET", "requirepass", "")
      assert.is_true(client:flush(5))
    end)

    it("a wrong one", function()
      local server = redis.start { args = { "--requirepass", "other" } }
      local url = ("redis://:s3cret-word@127.0.0.1:%d"):format(server.port)
      assert_held(server, { url = url }, "unauthorized", "AUTH: it did not accept the user and the password")
    end)

    it("a command that the user may not call", function()
      local server = redis.start { args = words "--user shop on >s3cret-word ~* +@all -xadd" }
      local url = ("redis://shop:s3cret-word@127.0.0.1:%d"):format(server.port)
      assert_held(server, { url = url }, "unauthorized", "XADD: the user lacks a right (ACL)")
    end)

    it("a key that is no stream", function()
      local server = redis.start()
      server:call("SET", "postevent", "x")
      local client = assert_held(server, {}, "endpoint", "XADD: the key of that name is no stream")
      server:call("DEL", "postevent")
      assert.is_true(client:flush(5))
      assert_there(server, 1, 20)
    end)

    it("a node of a cluster that has not the stream", function()
      local server = redis.start { args = { "--cluster-enabled", "yes" } }
      local client = new(server)
      track(client, 1, 1)
      local last = wait_for_error(client, "the cluster is down")
      assert.equal("unavailable", last.code)
    end)

    it("a database that is not there", function()
      local server = redis.start { args = { "--databases", "2" } }
      assert_held(server, { url = server.url .. "/9" }, "endpoint", "SELECT: it has no database of that number")
    end)
  end)

  it("waits for a Redis that has no memory left", function()
    local server = redis.start { args = { "--maxmemory", "1kb" } }
    local client = new(server)
    track(client, 1, 5)
    assert.equal("unavailable", wait_for_error(client, "it has no memory left (maxmemory)").code)
    tracking.wait_for(client, { pending = 5, state = "cooling" })
    server:call("CONFIG", "SET", "maxmemory", "0")
    assert.is_true(client:flush(5))
    assert_there(server, 1, 5)
  end)

  it("waits for a replica that becomes the primary", function()
    local server = redis.start()
    server:call("REPLICAOF", "127.0.0.1", "1")
    server:call("CONFIG", "SET", "replica-serve-stale-data", "yes")
    local client = new(server)
    track(client, 1, 5)
    wait_for_error(client, "it is a replica, which takes nothing")
    server:call("REPLICAOF", "NO", "ONE")
    assert.is_true(client:flush(5))
    assert_there(server, 1, 5)
  end)

  it("says that what answers is no Redis", function()
    local port_file = helper.new_path "port"
    helper.spawn { helper.lua(), helper.new_file(HTTP_SERVER, "server.lua"), port_file }
    local port = helper.wait_until(function()
      return helper.file_exists(port_file) and tonumber(helper.read_file(port_file))
    end)
    local client = new { url = ("redis://127.0.0.1:%d"):format(port) }
    track(client, 1, 1)
    assert.equal("bad_reply", wait_for_error(client, "what answers is no Redis").code)
  end)

  it("keeps its events while the stream has max_length, and goes on when there is room", function()
    local server = redis.start()
    local client = new(server, { queue = { max_events = 15 } }, { max_length = 10 })
    track(client, 1, 10)
    tracking.wait_for(client, { relayed = 10 })
    track(client, 11, 25)
    wait_for_error(client, "the stream has its relay.max_length, 10 entries")
    local ticket, _, code = client:track { event_name = "x" }
    assert.is_nil(ticket)
    assert.equal("queue_full", code)
    server:call("XTRIM", "postevent", "MAXLEN", 0)
    tracking.wait_for(client, { relayed = 20, pending = 5 })
    assert.equal(10, server:call("XLEN", "postevent"))
    server:call("XTRIM", "postevent", "MAXLEN", 0)
    assert.is_true(client:flush(5))
  end)

  it("drops the oldest of the stream where it is told to, and counts them", function()
    local server = redis.start()
    local client = new(server, nil, { max_length = 10, overflow = "drop_oldest" })
    track(client, 1, 35)
    assert.is_true(client:flush(5))
    helper.wait_until(function()
      return client:stats().trimmed == 25
    end, 5, "25 trimmed")
    assert.equal(10, server:call("XLEN", "postevent"))
    assert_there(server, 26, 35)
  end)

  it("waits until as many replicas have an event as it is told", function()
    local server = redis.start()
    local client = new(server, nil, { wait_replicas = 1 })
    track(client, 1, 5)
    helper.wait_until(function()
      return server:call("XLEN", "postevent") == 5
    end)
    assert.equal(0, client:stats().relayed)
    local last = helper.wait_until(function()
      return client:stats().last_error
    end)
    assert.equal("unavailable", last.code)
    assert.truthy(last.message:find("0 of 1 replicas have the events (relay.wait_replicas)", 1, true), last.message)
    local replica = redis.start { args = { "--replicaof", "127.0.0.1 " .. server.port, "--repl-diskless-sync", "yes" } }
    server:call("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    assert.is_true(client:flush(20))
    assert.equal(5, client:stats().relayed)
    assert.equal(5, server:call("XLEN", "postevent"))
    assert.equal(5, replica:call("XLEN", "postevent"))
  end)

  it("waits for replicas for as long as they are away, with all events that it may have in hand", function()
    local server = redis.start()
    local client = new(server, { timeout = 0.2, queue = { max_events = 5000 } }, { wait_replicas = 1 })
    track(client, 1, 3000)
    helper.wait_until(function()
      local asked = server:call("INFO", "commandstats"):match "cmdstat_wait:calls=(%d+)"
      return tonumber(asked or 0) >= 80 -- more than there are places beside those of events
    end, 30, "it to ask again and again")
    redis.start { args = { "--replicaof", "127.0.0.1 " .. server.port, "--repl-diskless-sync", "yes" } }
    server:call("CONFIG", "SET", "repl-diskless-sync-delay", "0")
    assert.is_true(client:flush(30))
    assert.equal(3000, client:stats().relayed)
    assert_there(server, 1, 3000)
  end)

  it("keeps each event that was refused by name, also where it is to send none twice", function()
    local server = redis.start()
    local replica = redis.start { args = { "--replicaof", "127.0.0.1 " .. server.port } }
    local client = new(replica, { retry = { initial = 0.02, max = 0.1, ambiguous = false } })
    track(client, 1, 500)
    wait_for_error(client, "READONLY")
    replica:call("REPLICAOF", "NO", "ONE")
    assert.is_true(client:flush(20))
    local stats = client:stats()
    assert.same({ 500, 0, 500 }, { stats.relayed, stats.unknown, replica:call("XLEN", "postevent") })
  end)

  it("keeps events on disk while Redis is away, and the next process hands them over", function()
    if not postevent.features.sqlite then
      return pending "no SQLite"
    end
    local server = redis.start { aof = true }
    server:kill()
    local spool = { path = helper.new_path "spool", wait = true }
    local client = new(server, { spool = spool })
    track(client, 1, 30)
    client:close(0)
    server:restart()
    local other = new(server, { spool = spool })
    assert(other:start())
    tracking.wait_for(other, { restored = 30, relayed = 30 })
    assert_there(server, 1, 30)
  end)

  it("lets too old events expire, while Redis is away", function()
    local client = new({ url = "redis://127.0.0.1:" .. helper.free_port() },
      { retry = { initial = 0.02, max = 0.1, max_age = 0.3 } })
    track(client, 1, 5)
    tracking.wait_for(client, { expired = 5 })
  end)

  it("begins anew in a forked child", function()
    local server = redis.start()
    local client = new(server)
    track(client, 1, 5)
    assert.is_true(client:flush(5))
    local status = helper.run_lua({ code = ([[
      local process = require "support.process"
      local client = require("postevent").new { relay = { url = %q } }
      assert(client:track { event_name = "parent" })
      assert(client:flush(5))
      local pid = process.fork()
      assert(client:track { event_name = pid == 0 and "child" or "parent" })
      assert(client:flush(5))
      assert(client:close())
      if pid == 0 then process._exit(0) end
      local _, number = process.wait(pid)
      os.exit(number)
    ]]):format(server.url) })
    assert.equal(0, status)
    assert.equal(8, server:call("XLEN", "postevent"))
  end)
end)
