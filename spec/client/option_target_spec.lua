-- What `new` says of a url, a proxy and the headers is what libcurl then makes of them.
local helper = require "support.helper"
local nginx = require "support.nginx"
local postevent = require "postevent"
local proxy = require "support.proxy"

local URL = "https://api.example.com/eucrm/webhooks/1"

local function message_of(options)
  options.url = options.url or URL
  local ok, message = pcall(postevent.new, options)
  assert.is_false(ok, "the options were accepted")
  return message:match "postevent%.new: (.*)$"
end

local function assert_taken(options)
  options.url = options.url or URL
  postevent.new(options):close()
end

describe("the url", function()
  helper.guard()

  it("is refused where libcurl would read something else into it", function()
    local ASCII = "url: must be ASCII: percent-encode what is not, and write a host in its xn-- form"
    local NONE = "url: is not a URL: a scheme, ://, a host"
    for url, expected in pairs {
      ["http:/127.0.0.1/x"] = NONE, ["http:///127.0.0.1/x"] = NONE, ["example.com/?u=http"] = NONE,
      ["http://127.0.0.1:0/x"] = "url: must not have the port 0", ["http://h:00/"] = "url: must not have the port 0",
      ["http://h/x#"] = "url: must not have a fragment (#)", ["http://h/x#y"] = "url: must not have a fragment (#)",
      ["http://\195\169.example/"] = ASCII, ["http://h/\195\169"] = ASCII, ["http://h/?q=\255"] = ASCII,
      ["http://h:65536/"] = "url: is not a URL", ["http://a%00.h/"] = "url: is not a URL",
      ["http://h:8080\\@evil.example/"] = "url: must not hold a user or a password; give `user` and `password`, or "
        .. "`authorization`",
      ["ftp://h/"] = "url: must begin with https:// or http://",
    } do
      assert.equal(expected, message_of { url = url })
    end
    assert.equal("url: expected text of at most 65536 bytes, got text", message_of { url = URL .. ("x"):rep(65536) })
  end)

  it("is sent as it stands, dots and all", function()
    local server = nginx.start {}
    for i, path in ipairs { "/a/../b/./c", "/a/%2e%2e/b", "//x//", "/x?a={b}&c=d?", "/;p=1" } do
      local client = postevent.new { url = server.url .. path }
      assert(client:post { event_name = "e" })
      client:close()
      assert.equal(path, (server:requests(i)[i].request_uri:gsub("%%2E", "%%2e"))) -- newer libcurls like capitals
    end
  end)

  it("is this machine's where libcurl takes it for that", function()
    for _, host in ipairs { "localhost", "LocalHost", "127.0.0.1", "127.1", "2130706433", "0x7f000001",
      "%31%32%37.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::1%25lo]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]" } do
      assert_taken { url = ("http://%s:80/x"):format(host), authorization = "Basic eDp5" }
    end
    for _, host in ipairs { "localhost.example", "127.0.0.1.example", "0.0.0.0", "[::]", "128.0.0.1",
      "[::ffff:128.0.0.1]", "[fe80::1]", "[1::1]", "my.localhost" } do -- newer libcurls read 127.0.0.1. as an address
      local message = message_of { url = ("http://%s/x"):format(host), authorization = "Basic eDp5" }
      assert.truthy(message:find("allow_http", 1, true), host)
    end
  end)
end)

describe("the proxy of the options", function()
  helper.guard()

  it("is refused where libcurl would go without it, or to another one", function()
    local CONTROL = "proxy: has a user or a password with control characters"
    for text, expected in pairs {
      ["http://u%00:p@h:1"] = CONTROL, ["http://u:p%0a@h:1"] = CONTROL, ["socks5h://u:%7fp%01@h:1"] = CONTROL,
      ["http://h:0"] = "proxy: must not have the port 0", ["http:/h:1"] = "proxy: is not a URL: a scheme, ://, a host",
      ["h:3128"] = "proxy: is not a URL: a scheme, ://, a host",
      ["http://u:\195\169@h:1"] = "proxy: must be ASCII: percent-encode what is not, and write a host in its xn-- form",
      ["socks://h:1"] = "proxy: is not a URL that begins with http://, https:// or socks5h://",
    } do
      assert.equal(expected, message_of { proxy = text })
    end
    for _, text in ipairs { "HTTP://h:1", "http://a%40b:p%3aq@h:1", "http://u:%c3%a9@[::1]:1", "socks5h://u:p@h" } do
      assert_taken { proxy = text }
    end
  end)

  it("is not asked, and takes no permission, where the environment excludes the host by its name", function()
    local server, through = nginx.start {}, proxy.start()
    local script = { code = [[
      local client = require("postevent").new { url = arg[1], proxy = "environment", authorization = "Basic eDp5" }
      assert(client:post { event_name = "e" })
      client:close()
    ]] }
    for _, env in ipairs {
      { http_proxy = "http://proxy.invalid:1", no_proxy = "127.0.0.1" },
      { http_proxy = "http://proxy.invalid:1", no_proxy = "", NO_PROXY = "x.example, 127.0.0.1" },
      { http_proxy = "http://proxy.invalid:1", no_proxy = "*" },
    } do
      local status, _, errors = helper.run_lua(script, { server.url .. "/x" }, { env = env })
      assert.equal(0, status, errors)
    end
    local env = { http_proxy = through.url, no_proxy = "27.0.0.1,0.0.1,127.0.0.1.example,*,", NO_PROXY = "*" }
    local status, _, errors = helper.run_lua(script, { server.url .. "/x" }, { env = env })
    assert.equal(0, status, errors)
    assert.equal(1, #through:requests())
  end)
end)

describe("the headers of the options", function()
  helper.guard()

  it("are refused where they would replace the client's, or speak of the connection", function()
    for _, name in ipairs { "Host", "host", "Authorization", "User-Agent", "Content-Type", "Content-Length",
      "Content-Encoding", "Transfer-Encoding", "Accept-Encoding", "Connection", "Keep-Alive", "TE", "Trailer",
      "Upgrade", "Expect", "Proxy-Authorization", "Proxy-Connection" } do
      local message = message_of { headers = { [name] = "x" } }
      assert.equal(("headers: %s is set by the client"):format(name), message:match "^[^;]*")
    end
    assert.equal("headers: x-a is given twice, in capitals and in small letters",
      message_of { headers = { ["X-A"] = "1", ["x-a"] = "2" } })
  end)

  it("are refused where libcurl would run out of memory over them", function()
    assert.equal("headers: 65537 bytes in all, at most 65536 are sent",
      message_of { headers = { X = ("x"):rep(65537 - #"X: \r\n") } })
    assert_taken { headers = { X = ("x"):rep(65536 - #"X: \r\n") } }
    for _, options in ipairs { { authorization = "Basic " .. ("x"):rep(65536) }, { user_agent = ("x"):rep(65537) },
      { user = "u", password = ("x"):rep(65537) } } do
      assert.truthy(message_of(options):find("expected text of at most 65536 bytes", 1, true))
    end
  end)

  it("arrive, with a value and without one", function()
    local server = nginx.start { log_headers = { "X-Full", "X-Empty", "X-Blank", "X-Odd", "Accept" } }
    local client = postevent.new { url = server.url .. "/x", headers = {
      ["X-Full"] = "a;", ["X-Empty"] = "", ["X-Blank"] = " \t", ["X-Odd"] = ": ;\195\169", Accept = "text/x" } }
    assert(client:post { event_name = "e" })
    client:close()
    local request = server:requests(1)[1]
    assert.equal("a;", request.http_x_full)
    assert.equal("", request.http_x_empty)
    assert.equal("", request.http_x_blank)
    assert.equal(": ;\195\169", request.http_x_odd)
    assert.equal("text/x", request.http_accept)
  end)
end)
