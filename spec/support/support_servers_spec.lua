-- The support of the specs itself: the real servers.
local certificates = require "support.certificates"
local cjson = require "cjson"
local helper = require "support.helper"
local locale = require "support.locale"
local name_server = require "support.name_server"
local nginx = require "support.nginx"
local proxy = require "support.proxy"
local tls_server = require "support.tls_server"
local wire = require "support.wire"

local function connect_tls(port, client)
  return wire.connect_tls(port, { client = client, alpn = { "h2", "http/1.1" } })
end

local function post(conn)
  assert(conn:send "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
  local data, message, partial = conn:receive "*a"
  return data or partial, message
end

describe("support.nginx", function()
  helper.guard()

  it("answers as documented, and logs the requests", function()
    local server = nginx.start { log_headers = { "X-Extra" } }
    local reply = helper.http_request { url = server.url, body = "{}", headers = { ["X-Extra"] = "1" } }
    assert.same({ 200, helper.documents.reply }, { reply.status, reply.body })
    local request = server:requests(1)[1]
    assert.equal("POST", request.method)
    assert.equal("1", request.http_x_extra)
    assert.equal(1, server:connections())
  end)

  it("serves every reply of the vectors exactly", function()
    local replies = {}
    for line in io.lines "spec/vectors/replies.jsonl" do
      replies[#replies + 1] = cjson.decode(line)
    end
    local server = nginx.start { replies = replies }
    for i, reply in ipairs(replies) do
      local got = assert(helper.http_request { url = server.url .. "/" .. i, body = "{}" })
      assert.same({ reply.status, reply.body }, { got.status, got.body }, reply.name)
      for name, value in pairs(reply.headers) do
        assert.equal(value, got.headers[name:lower()], reply.name)
      end
    end
  end)

  it("keeps every byte of a body that nginx would read as its own words", function()
    local body = 'a "quoted" \\ back\\\\slash, $uri ${uri} \'x\' {};\r\n\t# end \\"'
    local server = nginx.start { reply = { body = body, headers = { ["X-Odd"] = '"$host";' } } }
    local got = helper.http_request { url = server.url }
    assert.equal(body, got.body)
    assert.equal('"$host";', got.headers["x-odd"])
  end)

  it("shows the certificate that it was given", function()
    local server = nginx.start { { tls = true }, { tls = "expired" }, { tls = "self_signed" }, { tls = "wrong_host" } }
    assert.matches("200 OK", post(assert(connect_tls(server.ports[1]))))
    local conn, message = connect_tls(server.ports[2])
    assert.is_falsy(conn)
    assert.matches("certificate verify failed", message)
    assert.is_falsy((connect_tls(server.ports[3])))
    conn = assert(connect_tls(server.ports[4])) -- luasec leaves the name to us
    assert.equal("elsewhere.example", conn:getpeercertificate():extensions()["2.5.29.17"].dNSName[1])
  end)

  it("speaks HTTP/2 when asked to", function()
    local server = nginx.start { { tls = true, http2 = true }, { tls = true } }
    assert.equal("h2", assert(connect_tls(server.ports[1])):getalpn())
    assert.equal("http/1.1", assert(connect_tls(server.ports[2])):getalpn())
  end)

  it("asks for a client's certificate", function()
    local all = certificates.get()
    local server = nginx.start { tls = true, verify_client = true }
    assert.matches("400 No required SSL certificate", post(assert(connect_tls(server.port))), 1, true)
    assert.matches("200 OK", post(assert(connect_tls(server.port, all.client))))
    assert.matches("200 OK", post(assert(connect_tls(server.port, all.client_encrypted))))
    assert.matches("400 The SSL certificate error", post(assert(connect_tls(server.port, all.stranger))), 1, true)
  end)

  it("passes requests on to another server, and logs their bodies", function()
    local behind = nginx.start()
    local front = nginx.start { proxy_to = behind.url }
    assert.equal(200, helper.http_request({ url = front.url, body = '{"a":1}' }).status)
    assert.equal('{"a":1}', front:requests(1)[1].body)
    assert.equal(1, #behind:requests(1))
  end)

  it("says what is wrong with a configuration", function()
    assert.error_matches(function()
      nginx.start { extra = "no such word;" }
    end, "unknown directive")
  end)
end)

describe("support.proxy", function()
  helper.guard()

  local function connect(server, target, authorization)
    local sock = wire.connect(server.port)
    sock:send(("CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n"):format(target, target, authorization or ""))
    return sock:receive "*l"
  end

  it("makes tunnels and logs them", function()
    local server, behind = proxy.start(), nginx.start()
    local target = "127.0.0.1:" .. behind.port
    assert.matches(" 200 ", connect(server, target))
    assert.same({ { method = "CONNECT", target = target } }, server:requests())
  end)

  it("wants a password when it has one", function()
    local server, behind = proxy.start { user = "me", password = "secret" }, nginx.start()
    local target = "127.0.0.1:" .. behind.port
    assert.matches(" 407 ", connect(server, target))
    local basic = "Proxy-Authorization: Basic " .. require("mime").b64 "me:secret" .. "\r\n"
    assert.matches(" 200 ", connect(server, target, basic))
  end)
end)

describe("support.tls_server", function()
  helper.guard()

  it("refuses a missing client certificate by an alert", function()
    local server = tls_server.start { verify_client = true }
    local conn, message = connect_tls(server.port)
    if conn then -- TLS 1.3: the client is done before the server has looked
      local data
      data, message = post(conn)
      assert.equal("", data)
    end
    assert.matches("alert", message)
    helper.wait_until(function()
      return server:log():find("peer did not return a certificate", 1, true)
    end)
    assert.truthy((connect_tls(server.port, certificates.get().client)))
  end)
end)

describe("support.name_server", function()
  helper.guard()

  local function look_up(answer)
    local ok, why = name_server.available()
    if not ok then
      pending(why)
    end
    return name_server.run(answer, { code = [[
      print(require("socket").dns.toip "some.example")
      print(require("support.process").fd_count())
    ]] }, { timeout = answer == "silent" and 0.2 or 10 })
  end

  it("answers that a name is unknown", function()
    local status, output = look_up "unknown"
    assert.equal(0, status)
    assert.matches("host not found", output)
  end)

  it("stays silent", function()
    local there, reason = name_server.available()
    if not there then
      return pending(reason)
    end
    assert.error_matches(function()
      look_up "silent"
    end, "did not end in time")
  end)
end)

describe("support.locale", function()
  helper.guard()

  it("writes a decimal comma, and only while asked to", function()
    local before = helper.process.setlocale()
    local seen, why = locale.with_decimal_comma(function()
      return { helper.process.setlocale(), tostring(1.5) }
    end)
    if not seen then
      pending(why)
    end
    assert.same({ "xx_XX", jit and "1.5" or "1,5" }, seen) -- LuaJIT does not ask the locale
    assert.same({ before, "1.5" }, { helper.process.setlocale(), tostring(1.5) })
  end)

  it("has another capital of i, and only while asked to", function()
    local seen, why = locale.with_turkish_letters(function()
      return { ("title"):upper(), ("TITLE"):lower(), ("\221"):find "%a" }
    end)
    if not seen then
      pending(why)
    end
    if jit then -- LuaJIT does not ask the locale
      assert.same({ "TITLE", "title" }, seen)
    else
      assert.same({ "T\221TLE", "t\253tle", 1, 1 }, seen)
    end
    assert.equal("TITLE", ("title"):upper())
  end)
end)
