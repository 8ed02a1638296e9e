-- TLS with a real server: certificates that must not be accepted, client certificates, and what verify = false does.
local certificates = require "support.certificates"
local documents = require "support.documents"
local files = require "support.files"
local front = require "support.front"
local helper = require "support.helper"
local nginx = require "support.nginx"
local postevent = require "postevent"
local posting = require "support.posting"
local rude = require "support.rude"
local tls_server = require "support.tls_server"

describe("TLS", function()
  helper.guard()
  local server, ca_file

  local KINDS = { "server", "expired", "self_signed", "wrong_host" }

  setup(function()
    ca_file = certificates.get().ca_file
    local servers = {}
    for i, kind in ipairs(KINDS) do
      servers[i] = { tls = kind, http2 = true }
    end
    servers[5] = { tls = "server", verify_client = true }
    server = nginx.start(servers)
  end)

  it("posts to a server whose certificate is good", function()
    local outcome = posting.post(server.urls[1] .. "/x", { tls = { ca_file = ca_file } })
    assert.is_table(outcome.reply, outcome.message)
  end)

  it("C1, C2: speaks HTTP/1.1 to a server that offers HTTP/2, whose streams end in ways that cannot be told", function()
    local before = #server:requests()
    assert.is_table(posting.post(server.urls[1] .. "/x", { tls = { ca_file = ca_file } }).reply)
    assert.equal("HTTP/1.1", server:requests(before + 1)[before + 1].protocol)
  end)

  it("does not know a certificate of its own making without ca_file", function()
    local outcome = posting.fails_with("tls", server.urls[1] .. "/x")
    assert.is_false(outcome.detail.sent)
  end)

  for i, kind in ipairs(KINDS) do
    if kind ~= "server" then
      it("refuses a certificate that is " .. kind, function()
        local before = #server:requests()
        local outcome = posting.fails_with("tls", server.urls[i] .. "/x", { tls = { ca_file = ca_file }, attempts = 3 })
        assert.is_false(outcome.detail.sent)
        assert.equal(1, outcome.detail.attempts)
        assert.equal(before, #server:requests())
      end)

      it("takes it with verify = false, and says so in the log: " .. kind, function()
        local outcome = posting.post(server.urls[i] .. "/x", { tls = { verify = false } })
        assert.is_table(outcome.reply, outcome.message)
        assert.truthy(outcome.log[1]:find("tls.verify is false", 1, true))
      end)
    end
  end

  it("shows a client certificate, also from an encrypted key", function()
    local all = certificates.get()
    for _, name in ipairs { "client", "client_encrypted" } do
      local outcome = posting.post(server.urls[5] .. "/x", {
        tls = {
          ca_file = ca_file, cert_file = all[name].cert, key_file = all[name].key, key_password = all[name].password,
        },
      })
      assert.is_table(outcome.reply, outcome.message)
    end
    local outcome = posting.fails_with("tls", server.urls[5] .. "/x", {
      tls = {
        ca_file = ca_file, cert_file = all.client_encrypted.cert, key_file = all.client_encrypted.key,
        key_password = "s3cret-key",
      },
    })
    assert.is_false(outcome.detail.sent)
  end)

  it("B3: uses what new has read, though the files are gone by then", function()
    if postevent.features.tls:find("GnuTLS", 1, true) then
      return pending "libcurl hands GnuTLS paths, and it reads the files at each handshake"
    end
    local all = certificates.get()
    local directory = files.new_path "b3"
    assert.equal(0, (helper.run { "mkdir", "-p", directory .. "/authorities" }))
    for name, from in pairs {
      ["ca.pem"] = ca_file, ["authorities/ca.pem"] = ca_file, ["client.pem"] = all.client_encrypted.cert,
      ["client.key"] = all.client_encrypted.key,
    } do
      assert.equal(0, (helper.run { "cp", from, directory .. "/" .. name }))
    end
    assert.equal(0, (helper.run { "openssl", "rehash", directory .. "/authorities" }))
    local clients = {}
    for _, trust in ipairs { { ca_file = directory .. "/ca.pem" }, { ca_path = directory .. "/authorities" } } do
      trust.cert_file, trust.key_file = directory .. "/client.pem", directory .. "/client.key"
      trust.key_password = all.client_encrypted.password
      clients[#clients + 1] = posting.client(server.urls[5] .. "/x", { tls = trust })
    end
    assert.equal(0, (helper.run { "rm", "-r", directory }))
    for _, client in ipairs(clients) do
      assert(client:post(documents.new_event())) -- the server asks for the certificate
      assert(client:track(documents.new_event()))
      assert(client:flush())
      client:close()
    end
  end)

  it("B3: refuses a file that holds no certificate when the client is made", function()
    local path = files.new_path "empty.pem"
    helper.run { "touch", path }
    local made, message = pcall(posting.client, server.urls[1] .. "/x", { tls = { ca_file = path } })
    assert.is_false(made)
    assert.truthy(message:find("-----BEGIN", 1, true), message)
    local key = certificates.get().client_encrypted.key
    made, message = pcall(posting.client, server.urls[1] .. "/x", { tls = { ca_file = key } })
    assert.is_false(made)
    assert.truthy(message:find("tls.ca_file: no certificate in PEM", 1, true), message)
  end)

  it("never asks a person for the password of a key", function()
    local all = certificates.get()
    local outcome = posting.fails_with("tls", server.urls[5] .. "/x", {
      tls = { ca_file = ca_file, cert_file = all.client_encrypted.cert, key_file = all.client_encrypted.key },
      timeout = 2,
    })
    assert.is_false(outcome.detail.sent)
    assert.is_true(outcome.elapsed < 2)
  end)

  it("calls it endpoint when nginx asks for a certificate in a page", function()
    posting.fails_with("endpoint", server.urls[5] .. "/x", { tls = { ca_file = ca_file } })
  end)

  it("calls a refused client certificate tls, also when TLS 1.3 refuses it after sending", function()
    for _, version in ipairs { "-tls1_2", "-tls1_3" } do
      local strict = tls_server.start { verify_client = true, versions = { version } }
      local stranger = certificates.get().stranger
      for _, identity in ipairs { {}, { cert_file = stranger.cert, key_file = stranger.key } } do
        local outcome = posting.fails_with("tls", strict.url .. "/x", {
          tls = { ca_file = ca_file, cert_file = identity.cert_file, key_file = identity.key_file }, attempts = 3,
        })
        assert.equal(1, outcome.detail.attempts)
      end
      strict:stop()
    end
  end)

  it("calls no other alert a refused certificate: the event may have arrived", function()
    local odd = rude.start("raw", { tls = true, answer = 1, reply = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{" })
    local wire = front.start(odd.port)
    local url = odd.url:gsub(odd.port, wire.port)
    local options = { tls = { ca_file = ca_file }, max_in_flight = 1, retry = { ambiguous = false } }
    local client, tracking = posting.client(url, options), posting.client(url, options)
    assert(client:post(documents.new_event()))
    assert(tracking:track(documents.new_event()))
    assert(tracking:flush())
    wire:spoil()
    local _, message, code, detail = client:post(documents.new_event())
    assert.equal("interrupted", code, message)
    assert.equal("maybe", detail.sent)
    assert.equal("maybe", detail.arrived)
    client:close()
    assert(tracking:track(documents.new_event()))
    tracking:close(5)
    local outcomes = {}
    for result in tracking:results() do
      outcomes[#outcomes + 1] = result.outcome
    end
    assert.same({ "delivered", "unknown" }, outcomes)
    assert.equal(4, odd:requests())
  end)

  it("is what an https url means: a server that speaks plain HTTP is refused", function()
    local plain = nginx.start {}
    posting.fails_with("tls", (plain.url:gsub("^http:", "https:")) .. "/x")
  end)

  it("is missed by a plain url to a TLS port: endpoint", function()
    posting.fails_with("endpoint", (server.urls[1]:gsub("^https:", "http:")) .. "/x")
  end)

  it("resumes nothing that it should not: a second client verifies for itself", function()
    local first = posting.client(server.urls[1] .. "/x", { tls = { ca_file = ca_file } })
    assert(first:post(documents.new_event()))
    posting.fails_with("tls", server.urls[1] .. "/x")
    first:close()
  end)

  -- As nginx with an OpenSSL 1.1.1 of its own inside: libcurl's symbols are bound to that one.
  local OLD_OPENSSL = [[
    const char *OpenSSL_version(int type);
    const char *OpenSSL_version(int type) { return type == 0 ? "OpenSSL 1.1.1w" : "not available"; }
  ]]

  local REFUSED = [[
    local postevent = require "postevent"
    local function try(url)
      local made, message = pcall(postevent.new, { url = url, authorization = "Basic eDp5" })
      print(made, made or message)
    end
    try "https://example.com/hook"
    try "http://127.0.0.1:1/hook"
    print(postevent.features.tls)
  ]]

  it("is refused by new where the program has an older OpenSSL inside than libcurl was built with", function()
    if not postevent.features.tls:find("^OpenSSL") then
      return pending "this libcurl does not use OpenSSL"
    end
    local library = helper.new_path "old_openssl" .. ".so"
    local status, _, errors = helper.run { "cc", "-shared", "-fPIC", "-o", library,
      helper.new_file(OLD_OPENSSL, ".c") }
    assert.equal(0, status, errors)
    local preload = ((os.getenv "LD_PRELOAD" or "") .. ":" .. library):gsub("^:", "")
    local _, output = helper.run_lua({ code = REFUSED }, {}, { env = { LD_PRELOAD = preload } })
    assert.matches("^false\tpostevent.new: libcurl finds another OpenSSL in this program[^\n]*CURL=gnutls%)\n", output)
    assert.matches("\ntrue\ttrue\nOpenSSL/not available\n", output)
  end)
end)
