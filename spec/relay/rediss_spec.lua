-- A relay by rediss://: a real Redis with TLS, certificates that must not be accepted, and ports of the wrong kind.
local certificates = require "support.certificates"
local children = require "support.children"
local fleet = require "support.fleet"
local helper = require "support.helper"
local ports = require "support.ports"
local postevent = require "postevent"
local redis = require "support.redis"
local rude = require "support.rude"
local tracking = require "support.tracking"

local MISSING = "rediss:// is not spoken by this build, which needs hiredis 1.0 or newer for it"

local unpack = unpack or table.unpack -- luacheck: ignore

-- What makes a Redis speak TLS, too, with that certificate; and the port.
local function speaking_tls(kind, clients)
  local all, port = certificates.get(), ports.free_port()
  return { args = { "--tls-port", tostring(port), "--tls-cert-file", all[kind].cert, "--tls-key-file", all[kind].key,
    "--tls-ca-cert-file", all.ca_file, "--tls-auth-clients", clients or "no" } }, port
end

local function start(kind, clients)
  local options, port = speaking_tls(kind, clients)
  local server = redis.start(options)
  server.tls_port = port
  return server
end

local function new(port, tls, host, retry)
  return tracking.new {
    relay = { url = ("rediss://%s:%d"):format(host or "127.0.0.1", port), tls = tls },
    id_attribute = "external_event_id", timeout = 2, connect_timeout = 1,
    retry = { initial = 0.02, max = 0.1, ambiguous = retry and retry.ambiguous },
  }
end

local function ours(more)
  local tls = { ca_file = certificates.get().ca_file }
  for name, value in pairs(more or {}) do
    tls[name] = value
  end
  return tls
end

local function assert_relays(client, count)
  for number = 1, count do
    assert(client:track { event_name = "coin_found", external_event_id = "e" .. number, coins = number })
  end
  assert.is_true(client:flush(10))
  assert.equal(count, client:stats().relayed)
end

-- `postevent relay ...` that ends: its status, output and errors.
local function command(...)
  return children.run { children.lua(), "bin/postevent", "relay", ... }
end

-- Its events wait, and the last error says so.
local function assert_held_off(client, code, text)
  assert(client:track { event_name = "coin_found" })
  local last = helper.wait_until(function()
    return client:stats().last_error
  end, 10, text)
  assert.truthy(last.message:find(text, 1, true), last.message)
  assert.equal(code, last.code)
  assert.equal(1, client:stats().pending)
  client:close(0)
end

describe("a relay by rediss://", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  if not postevent.features.redis_tls then
    it("is refused by a build that cannot speak it", function()
      local ok, message = pcall(new, 6380)
      assert.is_false(ok)
      assert.truthy(message:find("relay.url: " .. MISSING, 1, true), message)
      local status, _, errors = command("status", "--redis", "rediss://127.0.0.1:6380")
      assert.equal(2, status)
      assert.truthy(errors:find("--redis: " .. MISSING, 1, true), errors)
    end)
    return
  end

  it("hands events over to a server that it knows, by address and by name", function()
    local server = start "server"
    assert_relays(new(server.tls_port, ours()), 3000)
    assert_relays(new(server.tls_port, ours(), "localhost"), 1)
    assert.equal(3001, server:call("XLEN", "postevent"))
  end)

  it("shows a client certificate, also from an encrypted key, from files that are gone by then", function()
    local all, server = certificates.get(), start("server", "yes")
    for _, name in ipairs { "client", "client_encrypted" } do
      local each = all[name]
      assert_relays(new(server.tls_port, ours { cert_file = each.cert, key_file = each.key,
        key_password = each.password }), 1)
    end
  end)

  it("is told that it has to show one, and nothing was sent", function()
    local all, server = certificates.get(), start("server", "yes")
    local text = "it wants a certificate to be shown"
    assert_held_off(new(server.tls_port, ours(), nil, { ambiguous = false }), "tls", text)
    local other = ours { cert_file = all.self_signed.cert, key_file = all.self_signed.key }
    assert_held_off(new(server.tls_port, other), "tls", "it does not accept the certificate that it was shown")
    local status, _, errors = command("status", "--redis", "rediss://127.0.0.1:" .. server.tls_port,
      "--redis-ca-file", all.ca_file)
    assert.equal(1, status, errors)
    assert.truthy(errors:find(text, 1, true), errors)
  end)

  for kind, text in pairs { expired = "its certificate has expired", wrong_host = "its certificate is for another name",
    self_signed = "no authority that is trusted has signed its certificate" } do
    it("refuses a certificate that is " .. kind .. ", and takes it with verify = false", function()
      local server = start(kind)
      assert_held_off(new(server.tls_port, ours()), "tls", text)
      assert.equal(0, server:call("XLEN", "postevent"))
      assert_relays(new(server.tls_port, { verify = false }), 1)
    end)
  end

  it("refuses an authority that it was not told of", function()
    local server = start "server"
    local text = "no authority that is trusted has signed its certificate"
    assert_held_off(new(server.tls_port), "tls", text)
    assert_held_off(new(server.tls_port, { ca_file = certificates.get().stranger.cert }), "tls", text)
  end)

  it("says so where a port speaks no TLS, or nothing but TLS", function()
    local server = start "server"
    local client = new(server.port, ours())
    assert(client:track { event_name = "coin_found" })
    local last = helper.wait_until(function()
      return client:stats().last_error
    end, 10, "an error")
    assert.truthy(last.message:find("speaks no TLS", 1, true) or last.message:find("may speak none", 1, true),
      last.message)
    client:close(0)
    client = tracking.new { relay = { url = "redis://127.0.0.1:" .. server.tls_port }, timeout = 2 }
    assert(client:track { event_name = "coin_found" })
    last = helper.wait_until(function()
      return client:stats().last_error
    end, 10, "an error")
    assert.truthy(last.message:find("rediss://", 1, true), last.message)
    client:close(0)
  end)

  it("waits no longer for TLS than connect_timeout says", function()
    local started = redis.now()
    local silent = rude.start "silent_handshake"
    assert_held_off(new(silent.port, ours()), "timeout", "no answer to TLS within connect_timeout")
    assert.is_true(redis.now() - started < 5)
  end)

  it("finds its way back when Redis was away", function()
    local server = start "server"
    local client = new(server.tls_port, ours())
    assert_relays(client, 1)
    server:kill()
    assert(client:track { event_name = "coin_found", external_event_id = "later" })
    server:restart()
    assert.is_true(client:flush(10))
    assert.equal(1, server:ids().later)
  end)

  it("names the option whose file will not do", function()
    local all = certificates.get()
    for _, case in ipairs {
      { { ca_file = all.client.key }, "relay.tls.ca_file" }, { { cert_file = all.client.key }, "relay.tls.cert_file" },
      { { cert_file = all.client.cert }, "relay.tls.key_file" },
      { { cert_file = all.client_encrypted.cert, key_file = all.client_encrypted.key, key_password = "s3cret" },
        "relay.tls.key_file" },
      { { key_file = all.client.key }, "relay.tls.key_file: needs relay.tls.cert_file" },
      { { cafile = "x" }, "did you mean ca_file?" },
    } do
      local ok, message = pcall(new, 6380, case[1])
      assert.is_false(ok, case[2])
      assert.truthy(message:find(case[2], 1, true), message)
      assert.is_nil(message:find("s3cret", 1, true))
    end
    local ok, message = pcall(postevent.new, { relay = { url = "redis://127.0.0.1", tls = ours() } })
    assert.is_false(ok)
    assert.truthy(message:find("relay.tls: needs a relay.url that begins with rediss://", 1, true), message)
  end)

  it("is delivered from, and looked into, by the command", function()
    local all, options, port = certificates.get(), speaking_tls("server", "yes")
    local self = fleet.start(options)
    local tls = { "--redis", "rediss://localhost:" .. port, "--redis-ca-file", all.ca_file, "--redis-cert-file",
      all.client.cert, "--redis-key-file", all.client.key }
    assert_relays(new(port, ours { cert_file = all.client.cert, key_file = all.client.key }), 5)
    local child = self:deliverer(unpack(tls))
    self:wait_for_ends(5)
    child:kill "SIGTERM"
    assert.same({ "exited", 0 }, { child:wait(20) })
    local status, out, errors = command("status", unpack(tls))
    assert.equal(0, status, errors)
    assert.truthy((out .. errors):find("0 waiting", 1, true), out .. errors)
    status, out, errors = command("status", unpack(tls, 1, 2))
    assert.equal(1, status, out)
    assert.truthy(errors:find("no authority that is trusted", 1, true), errors)
    status, out, errors = command("status", "--redis", "redis://localhost", unpack(tls, 3))
    assert.equal(2, status, out)
    assert.truthy(errors:find("--redis-ca-file", 1, true), errors)
  end)
end)
