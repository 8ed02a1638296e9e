-- A7, G: what went wrong is said in words that help.
local certificates = require "support.certificates"
local helper = require "support.helper"
local nginx = require "support.nginx"
local postevent = require "postevent"
local rude = require "support.rude"
local tls_server = require "support.tls_server"

describe("A7: the message says what it was:", function()
  helper.guard()

  -- What the post ends with.
  local function fails(code, pattern, options)
    options.attempts = 1
    options.timeout = options.timeout or 5
    local client = postevent.new(options)
    local reply, message, got, detail = client:post { event_name = "e" }
    client:close()
    assert.is_nil(reply)
    assert.equal(code or got, got, message)
    assert.truthy(message:find(pattern), message)
    return message, detail
  end

  local function answering(status, body)
    return rude.start("sequence", { replies = { { status = status, body = body or "{}" } } })
  end

  it("401 the credentials, 403 perhaps the path, 407 the proxy", function()
    fails("unauthorized", "^the credentials were not accepted %(HTTP 401%)", { url = answering(401).url })
    fails("unauthorized", "credentials.*or the path in the url is wrong %(HTTP 403: Forbidden%)",
      { url = answering(403, '{"message":"Forbidden"}').url })
    fails("unauthorized", "^the proxy did not accept its credentials", { url = answering(407).url })
    local client = postevent.new { url = answering(403).url }
    assert(client:track { event_name = "e" })
    helper.wait_until(function()
      return client:stats().last_error
    end, 5)
    assert.truthy(client:stats().last_error.message:find("the path in the url", 1, true))
    client:close(0)
  end)

  it("the title of a page that is no reply", function()
    local page = "<html>\n<Title> No such page</title>"
    fails("endpoint", "%(HTTP 404: No such page%)", { url = answering(404, page).url })
    fails("bad_reply", "%(HTTP 200: Sign in, please%)", { url = answering(200, "Sign in, please\nor leave").url })
    fails("unavailable", "%(HTTP 502%)$", { url = answering(502, "\1\2<").url })
    fails("endpoint", "%(HTTP 400%)$", { url = answering(400, "{broken").url })
  end)

  it("G: https to a port that speaks http, and http to one that speaks https", function()
    local sandbox = helper.start_sandbox()
    local server = nginx.start { { proxy_to = sandbox.base }, { tls = true, proxy_to = sandbox.base } }
    fails("tls", "%(does this port, or the proxy, speak http and not https%?%)$",
      { url = server.urls[1]:gsub("http:", "https:") .. "/x" })
    fails("endpoint", "HTTPS port", { url = server.urls[2]:gsub("https://localhost", "http://127.0.0.1") .. "/x" })
  end)

  it("G: https to what speaks no TLS, however it ends that, and whether its answer was read or not", function()
    local hint = "does this port, or the proxy, speak http and not https%?%)$"
    local sandbox = helper.start_sandbox()
    for _ = 1, 30 do -- it resets: what it said is read, or lost
      fails("tls", hint, { url = sandbox.url:gsub("http:", "https:") })
    end
    local rudely = rude.start "close_at_once"
    for _ = 1, 10 do
      fails("tls", hint, { url = rudely.url:gsub("http:", "https:") })
    end
    local silent = rude.start "never_answer" -- it waits for the end of a line
    fails("timeout", hint, { url = silent.url:gsub("http:", "https:"), timeout = 0.3 })
    local strict = tls_server.start { verify_client = true, versions = { "-tls1_2" } }
    local message = fails("tls", "", { url = strict.url, tls = { ca_file = certificates.get().ca_file } })
    assert.is_nil(message:find(hint), message) -- it does speak TLS
  end)

  it("G: http to what answers with no HTTP at all, or goes away without a word", function()
    local hint = "%(does this port speak https and not http%?%)$"
    fails("bad_reply", hint, { url = rude.start("raw", { reply = "\21\3\1\0\2\2\22" }).url })
    fails("interrupted", hint, { url = rude.start("answer", { tls = true }).url:gsub("https:", "http:") })
    fails("interrupted", hint, { url = tls_server.start({}).url:gsub("https:", "http:") })
    local answers_once = rude.start("close", { after = 1 })
    local client = postevent.new { url = answers_once.url, attempts = 1 }
    assert(client:post { event_name = "e" })
    local _, message = client:post { event_name = "e" }
    client:close()
    assert.is_nil(message:find(hint), message)
  end)

  it("a proxy that is none", function()
    local server = rude.start("answer", { tls = true })
    local sandbox = helper.start_sandbox()
    local web = nginx.start { { proxy_to = sandbox.base } }
    fails("unreachable", "%(is that a proxy%?%)$",
      { url = server.url, proxy = web.urls[1], tls = { ca_file = certificates.get().ca_file } })
  end)

  it("the password of a key", function()
    local all = certificates.get()
    local server = nginx.start { { tls = true, verify_client = true, proxy_to = "http://127.0.0.1:9" } }
    local tls = { ca_file = all.ca_file, cert_file = all.client_encrypted.cert, key_file = all.client_encrypted.key }
    fails("tls", "tls%.key_password is missing", { url = server.urls[1] .. "/x", tls = tls })
    tls.key_password = "s3cret-key"
    local message = fails("tls", "tls%.key_password is wrong", { url = server.urls[1] .. "/x", tls = tls })
    assert.is_nil(message:find(tls.key_password, 1, true))
  end)

  it("headers that are too long, of the reply and of the request", function()
    local function long(size)
      return rude.start("raw", {
        reply = "HTTP/1.1 200 OK\r\nX: " .. ("x"):rep(size) .. "\r\nContent-Length: 2\r\n\r\n{}", close = true,
      }).url
    end
    fails("bad_reply", "the reply's headers are longer than 64 KiB", { url = long(90000) })
    fails(nil, "a line of the reply's headers is longer than", { url = long(150000) }) -- libcurl 8.6 has a code for it
    fails("endpoint", "^the request's headers are too long; check `headers` %(HTTP 431", { url = answering(431).url })
  end)
end)
