-- Through a real proxy, and through one that is not there.
local certificates = require "support.certificates"
local helper = require "support.helper"
local nginx = require "support.nginx"
local posting = require "support.posting"
local proxy = require "support.proxy"

describe("a proxy", function()
  helper.guard()
  local server, ca_file

  setup(function()
    ca_file = certificates.get().ca_file
    server = nginx.start { { tls = true }, {} }
    -- The proxy looks names up itself, and a bare system has no /etc/hosts.
    server.urls[1] = server.urls[1]:gsub("localhost", "127.0.0.1")
  end)

  it("carries a post to a TLS server in a tunnel, and to a plain one", function()
    local through = proxy.start()
    local outcome = posting.post(server.urls[1] .. "/x", { proxy = through.url, tls = { ca_file = ca_file } })
    assert.is_table(outcome.reply, outcome.message)
    assert.equal("CONNECT", through:requests()[1].method)
    outcome = posting.post(server.urls[2] .. "/x", { proxy = through.url })
    assert.is_table(outcome.reply, outcome.message)
    assert.equal("POST", through:requests()[2].method)
  end)

  it("does not see the platform's credentials in its tunnel", function()
    local through = proxy.start()
    assert.is_table(posting.post(server.urls[1] .. "/x", { proxy = through.url, tls = { ca_file = ca_file } }).reply)
    posting.assert_no_secret(through:log())
  end)

  it("may ask for credentials of its own", function()
    local through = proxy.start { user = "u", password = "hunter2" }
    local options = { tls = { ca_file = ca_file }, proxy = through.url, attempts = 3 }
    local outcome = posting.fails_with("unauthorized", server.urls[1] .. "/x", options)
    assert.equal(407, outcome.detail.http_status)
    assert.is_false(outcome.detail.sent)
    assert.equal(1, outcome.detail.attempts)
    options.proxy = through.url:gsub("//", "//u:hunter2@")
    outcome = posting.post(server.urls[1] .. "/x", options)
    assert.is_table(outcome.reply, outcome.message)
  end)

  it("that is not there, or does not reach the server, is unreachable", function()
    local nobody = ("http://u:hunter2@127.0.0.1:%d"):format(helper.free_port())
    local outcome = posting.fails_with("unreachable", server.urls[1] .. "/x", { proxy = nobody })
    assert.is_false(outcome.detail.sent)
    outcome = posting.fails_with("unreachable", ("https://127.0.0.1:%d/"):format(helper.free_port()), {
      proxy = proxy.start().url,
    })
    assert.is_false(outcome.detail.sent)
  end)

  it("comes from the environment when asked for, once", function()
    local through = proxy.start()
    local script = { code = [[
      local url, ca_file = arg[1], arg[2]
      local client = require("postevent").new { url = url, proxy = "environment", tls = { ca_file = ca_file } }
      local reply, message = client:post { event_name = "e" }
      client:close()
      assert(reply, message)
    ]] }
    local function run(env)
      local status, _, errors = helper.run_lua(script, { server.urls[1] .. "/x", ca_file }, { env = env })
      assert.equal(0, status, errors)
      return #through:requests()
    end
    assert.equal(1, run { https_proxy = through.url })
    assert.equal(2, run { HTTPS_PROXY = through.url })
    assert.equal(3, run { all_proxy = through.url })
    assert.equal(3, run { https_proxy = through.url, no_proxy = "127.0.0.1" })
    assert.equal(3, run { https_proxy = "" })
    assert.equal(3, run { http_proxy = through.url })
  end)
end)
