-- A proxy that itself speaks TLS: it is verified as the host is, by what the client says of trust.
local certificates = require "support.certificates"
local files = require "support.files"
local helper = require "support.helper"
local nginx = require "support.nginx"
local postevent = require "postevent"
local posting = require "support.posting"
local proxy = require "support.proxy"
local tls_server = require "support.tls_server"

-- libcurl 7.88 with GnuTLS leaves a reply that came through a tunnel in TLS where it is, and waits.
local HEARS_IN_TUNNEL = not postevent.features.tls:find("GnuTLS", 1, true)

describe("a proxy that speaks TLS", function()
  helper.guard()
  local server, ours, in_tunnel, plain, heard

  setup(function()
    ours = certificates.get()
    server = nginx.start { { tls = true }, {} }
    in_tunnel = server.urls[1]:gsub("localhost", "127.0.0.1") .. "/x"
    plain = server.urls[2] .. "/x"
    heard = HEARS_IN_TUNNEL and { in_tunnel, plain } or { plain }
  end)

  it("is trusted by tls.ca_file, for a tunnel and without one", function()
    local through = proxy.start { tls = true }
    for i, url in ipairs(heard) do
      local outcome = posting.post(url, { proxy = through.url, tls = { ca_file = ours.ca_file } })
      assert.is_table(outcome.reply, outcome.message)
      assert.equal(i, #through:requests())
    end
  end)

  it("is trusted by tls.ca_path", function()
    local directory = files.new_directory "authorities"
    files.write(directory .. "/ca.pem", files.read(ours.ca_file))
    assert.equal(0, (helper.run { "openssl", "rehash", directory }))
    local through = proxy.start { tls = true }
    local outcome = posting.post(plain, { proxy = through.url, tls = { ca_path = directory } })
    assert.is_table(outcome.reply, outcome.message)
  end)

  it("is refused where its certificate is no good, and the message thinks of it", function()
    for _, name in ipairs { "self_signed", "expired", "wrong_host" } do
      local through = proxy.start { tls = name }
      for _, url in ipairs { in_tunnel, plain } do
        local outcome = posting.fails_with("tls", url, { proxy = through.url, tls = { ca_file = ours.ca_file } })
        assert.is_false(outcome.detail.sent)
        assert.matches("%(is that the proxy's certificate%?%)", outcome.message)
      end
      assert.equal(0, #through:requests())
    end
  end)

  it("is refused where the system's authorities alone are asked", function()
    local through = proxy.start { tls = true }
    posting.fails_with("tls", in_tunnel, { proxy = through.url })
  end)

  it("is not blamed for the host's certificate", function()
    local through = proxy.start { tls = true }
    local elsewhere = nginx.start { { tls = "self_signed" } }
    local url = elsewhere.url:gsub("localhost", "127.0.0.1") .. "/x"
    local outcome = posting.fails_with("tls", url, { proxy = through.url, tls = { ca_file = ours.ca_file } })
    assert.equal(1, #through:requests())
    assert.is_nil(outcome.message:find("proxy's", 1, true), outcome.message)
    assert.matches("host's certificate", outcome.message)
  end)

  it("is taken as it is with verify = false", function()
    for _, name in ipairs { "self_signed", "expired", "wrong_host" } do
      local through = proxy.start { tls = name }
      for _, url in ipairs(heard) do
        local outcome = posting.post(url, { proxy = through.url, tls = { verify = false } })
        assert.is_table(outcome.reply, outcome.message)
      end
    end
  end)

  it("is not shown the client's certificate", function()
    local curious = tls_server.start { verify_client = true, versions = { "-tls1_2" } }
    posting.fails_with("tls", in_tunnel, {
      proxy = curious.url, tls = { ca_file = ours.ca_file, cert_file = ours.client.cert, key_file = ours.client.key },
    })
    assert.is_nil(curious:log():find("CN = client", 1, true))
  end)

  -- What a libcurl says of itself that was built without; of its struct only what comes first.
  local WITHOUT = [[
    static const struct {
      int age;
      const char *version;
      unsigned number;
      const char *host;
      int features;
      const char *tls;
    } about = {0, "8.0.0", 0x080000, "here", 1 << 2, "OpenSSL/3.0.0"};
    const void *curl_version_info(int age);
    const void *curl_version_info(int age) { return (void)age, &about; }
  ]]

  it("is refused by new where libcurl was built without", function()
    local library = helper.new_path "without" .. ".so"
    local status, _, errors = helper.run { "cc", "-shared", "-fPIC", "-o", library, helper.new_file(WITHOUT, ".c") }
    assert.equal(0, status, errors)
    local preload = ((os.getenv "LD_PRELOAD" or "") .. ":" .. library):gsub("^:", "")
    local _, output, trouble = helper.run_lua({ code = [[
      for _, proxy in ipairs { "https://127.0.0.1:1", "http://127.0.0.1:1" } do
        print(pcall(require("postevent").new, { url = "http://127.0.0.1:1/", proxy = proxy }))
      end
    ]] }, {}, { env = { LD_PRELOAD = preload } })
    assert.matches("^false\tpostevent.new: proxy: begins with https:[^\n]*this libcurl [^\n]*\ntrue", output .. trouble)
  end)
end)
