-- The options of postevent.new: a mistake raises where new was called, and names the option.
local helper = require "support.helper"
local posting = require "support.posting"
local postevent = require "postevent"

local URL = "https://api.example.com/eucrm/webhooks/1"

local function message_of(options)
  local ok, message = pcall(postevent.new, options)
  assert.is_false(ok, "the options were accepted")
  assert.is_string(message)
  posting.assert_no_secret(message)
  return message
end

local function with(name, value)
  return { url = URL, [name] = value }
end

describe("postevent.new", function()
  helper.guard()

  local mistakes = {
    timeout = { 0, -1, "5", 0 / 0, 1 / 0, 86401, false },
    connect_timeout = { 0, -1, {} },
    attempts = { 0, 1.5, -3, "3", 101 },
    headers = { "X: y", { "X: y" }, { ["X y"] = "z" }, { ["X\r\n"] = "z" }, { X = "a\r\nB: c" }, { X = "a\0b" },
      { X = 5 }, { Authorization = "hunter2" }, { ["content-TYPE"] = "text/plain" } },
    authorization = { "", "Basic a\r\nX: y", "Basic hunter2\n", "a\0b", 7, true },
    user = { "", "a:b", 5 },
    password = { "hunter2" },
    tls = { true, { verfy = true }, { verify = 1 }, { ca_file = "/not/there" }, { key_file = "/dev/null" }, { 1 } },
    proxy = { "", 5, "ftp://proxy", "http://a b/" },
    http_version = { "3", 2, 1.1, "2" },
    allow_http = { 1, "yes" },
    user_agent = { "", "a\nb", 5 },
    accept_codes = { {}, 1100, { "1100" }, { 1.5 }, { 1100, x = 1 }, { 1100, nil, 1200 } },
    max_event_bytes = { 0, -1, 1.5, "1" },
    common = { "x", { a = print }, { a = 0 / 0 }, { [1] = "x" }, { a = "\255" } },
    stamp = { 1, "no" },
    id_attribute = { "", 5, ("x"):rep(51), true, "eventDateTime", "event_name", "\255", "a b" },
    before_send = { "f", {} },
    mode = { "test", true, "" },
    log = { "stdout", "", true, {} },
    definitions = { 5, true, "/not/there.json", "{", "[]", "{}", {}, { e = {} }, { e = "x" }, { e = { c = 5 } } },
    validation = { "loud", true },
    unknown_events = { "warn", false },
    unknown_attributes = { "warn", true },
    max_in_flight = { 0, 1001, 1.5, "16", 0 / 0 },
    results = { -1, 0.5, 1000001, false },
    queue = { 100, { max_events = 0 }, { max_events = 2 ^ 31 + 1 }, { max_events = "10" }, { max_bytes = 1023 },
      { max_bytes = 1 / 0 }, { overflow = "drop" }, { overflow = true }, { wait = 0 }, { wait = -1 },
      { max_event = 5 }, { 5 } },
    retry = { true, { initial = 0 }, { initial = "1" }, { max = 0 }, { max = 86401 }, { max_age = 0 },
      { max_age = 367 * 86400 }, { max_age = 1 / 0 }, { ambiguous = "no" }, { attempts = 3 } },
    rate_limit = { 10, {}, { burst = 5 }, { per_second = 0 }, { per_second = -1 }, { per_second = 1e7 },
      { per_second = 0 / 0 }, { per_second = 10, burst = 0 }, { per_second = 10, burst = 1.5 }, { per_minute = 60 } },
    url = { 5, "", "example.com", "ftp://example.com/", "https://a:hunter2@example.com/", "https://example.com/a b",
      "/x" },
  }
  for name, values in pairs(mistakes) do
    it("names the option when it is wrong: " .. name, function()
      for _, value in ipairs(values) do
        local message = message_of(with(name, value))
        assert.truthy(message:find(name, 1, true), message .. " does not name " .. name)
        assert.truthy(message:find("options_spec.lua", 1, true) or message:find "^postevent.new: ", message)
      end
    end)
  end

  it("raises at the line that called it", function()
    local ok, message = pcall(function()
      postevent.new { url = URL, timeout = -1 }
    end)
    assert.is_false(ok)
    assert.truthy(message:find "options_spec%.lua:%d+: postevent%.new: timeout: expected .*, got %-1$")
  end)

  it("refuses an unknown option and knows what was meant", function()
    assert.truthy(message_of(with("timout", 1)):find("unknown option: timout, did you mean timeout?", 1, true))
    assert.truthy(message_of(with("usr_agent", "x")):find("did you mean user_agent?", 1, true))
    assert.truthy(message_of(with("colour", 1)):find("unknown option: colour$"))
    assert.truthy(message_of({ url = URL, tls = { ca_fil = "x" } }):find("tls.ca_fil, did you mean ca_file?", 1, true))
    assert.truthy(message_of({ URL }):find("unknown option: 1", 1, true))
  end)

  it("names the field of a table of options", function()
    local messages = {
      ["queue.max_events: expected a whole number from 1 to 2147483648, got 0"] = { queue = { max_events = 0 } },
      ['queue.overflow: expected "reject", "drop_oldest", "wait", got "drop" (did you mean "drop_oldest"?)'] = {
        queue = { overflow = "drop" } },
      ["unknown option: queue.max_event, did you mean max_events?"] = { queue = { max_event = 5 } },
      ["queue: expected a table, got 100"] = { queue = 100 },
      ["spool.max_bytes: must hold two events of max_event_bytes and 65536 bytes more"] = {
        max_event_bytes = 600000, spool = { path = "x", max_bytes = 1048576 },
      },
      ["queue.max_bytes: must hold an event of max_event_bytes and 1024 bytes more"] = { queue = { max_bytes = 9999 } },
      ["retry.max_age: expected a number of seconds above 0, at most a year, got 0"] = { retry = { max_age = 0 } },
      ["retry.max: must not be less than retry.initial"] = { retry = { initial = 31 } },
      ["unknown option: retry.attempts, it is written attempts = ..., outside of retry"] = { retry = { attempts = 3 } },
      ["rate_limit.per_second: missing"] = { rate_limit = { burst = 5 } },
      ["rate_limit.per_second: expected a number above 0, at most 1000000, got -1"] = {
        rate_limit = { per_second = -1 },
      },
    }
    for expected, options in pairs(messages) do
      options.url = URL
      local message = message_of(options)
      assert.equal(expected, message:match "postevent%.new: (.*)$")
    end
  end)

  it("takes what track can be told", function()
    for _, options in ipairs {
      { max_in_flight = 1, results = 0 }, { max_in_flight = 1000, results = 1000000 },
      { queue = {}, retry = {} }, { queue = { max_events = 1, overflow = "wait", wait = 0.001 } },
      { queue = { max_events = 2 ^ 31, max_bytes = 2 ^ 40 } }, { queue = { overflow = "drop_oldest" } },
      { queue = { max_bytes = 1026 }, max_event_bytes = 2 },
      { retry = { initial = 0.001, max = 0.001, max_age = 0.001, ambiguous = false } },
      { retry = { initial = 60, max = 60, max_age = 366 * 86400 } },
      { rate_limit = { per_second = 0.1 } }, { rate_limit = { per_second = 1000000, burst = 1000000 } },
    } do
      options.url = URL
      postevent.new(options):close()
      options.url, options.mode = nil, "off"
      postevent.new(options):close()
    end
  end)

  it("tells of tls.verify in each client's log, and never in the definitions that they share", function()
    local definitions = postevent.definitions { e = { c = "customer" } }
    for _ = 1, 2 do
      local lines = {}
      local function log(_, line)
        lines[#lines + 1] = line
      end
      postevent.new({ url = URL, tls = { verify = false }, definitions = definitions, log = log }):close()
      assert.equal(1, #lines)
      assert.truthy(lines[1]:find("tls.verify is false", 1, true))
    end
    assert.same({}, definitions.warnings)
  end)

  it("C1, C2: refuses HTTP/2, and says why", function()
    local message = message_of { url = URL, http_version = "2" }
    assert.truthy(message:find('http_version: expected "1.1", got "2" (over HTTP/2 libcurl does not', 1, true), message)
    postevent.new({ url = URL, http_version = "1.1" }):close()
  end)

  it("wants a table, and a url to send to", function()
    assert.truthy(message_of(nil):find("expected a table of options", 1, true))
    assert.truthy(message_of(URL):find("expected a table of options", 1, true))
    assert.truthy(message_of({}):find("url: missing", 1, true))
  end)

  it("refuses both authorization and user", function()
    local message = message_of { url = URL, authorization = "Basic hunter2", user = "u", password = "hunter2" }
    assert.truthy(message:find("authorization", 1, true) and message:find("user", 1, true))
  end)

  it("sends no credentials in the clear to another machine unless it is told to", function()
    local far = "http://example.com/x"
    for _, options in ipairs { { authorization = "Basic hunter2" }, { user = "u", password = "hunter2" } } do
      options.url = far
      assert.truthy(message_of(options):find("allow_http", 1, true))
      options.allow_http = true
      postevent.new(options):close()
      options.allow_http, options.url = nil, "http://127.0.0.1:1/x"
      postevent.new(options):close()
    end
    postevent.new({ url = far }):close()
  end)

  it("sends none through a proxy that is not this machine, in the clear", function()
    local here = { url = "http://localhost/x", user = "u", password = "hunter2", proxy = "http://proxy.example:3128" }
    assert.truthy(message_of(here):find("allow_http", 1, true))
    here.proxy = "http://127.0.0.1:3128"
    postevent.new(here):close()
    here.url, here.proxy = URL, "http://proxy.example:3128"
    postevent.new(here):close()
  end)

  it("reads the options raw, as they were checked", function()
    local message = message_of(setmetatable({}, { __index = { url = URL } }))
    assert.truthy(message:find("url: missing", 1, true))
    local client = postevent.new(setmetatable({ url = "http://far.example/x" }, { __index = { allow_http = true } }))
    assert.is_false((pcall(client.set_authorization, client, "Basic hunter2")))
    client:close()
  end)

  it("shows no secret that is of the wrong type", function()
    local message = message_of { url = URL, tls = { key_password = 13371337 } }
    assert.is_nil(message:find("1337", 1, true))
  end)

  it("holds set_authorization to the same rules", function()
    local client = postevent.new { url = "http://example.com/x" }
    local close_client = client
    for _, arguments in ipairs { { "Basic hunter2" }, { "u", "hunter2" } } do
      local ok, message = pcall(client.set_authorization, client, arguments[1], arguments[2])
      assert.is_false(ok)
      assert.truthy(message:find("allow_http", 1, true))
      posting.assert_no_secret(message)
    end
    close_client:close()
    client = postevent.new { url = URL }
    for _, value in ipairs { "", "a\nhunter2", 5, {} } do
      local ok, message = pcall(client.set_authorization, client, value)
      assert.is_false(ok)
      assert.truthy(message:find("authorization", 1, true))
      posting.assert_no_secret(message)
    end
    assert.is_false((pcall(client.set_authorization, client)))
    assert.is_false((pcall(client.set_authorization, client, "us:er", "hunter2")))
    assert.is_false((pcall(client.set_authorization, client, "user", nil)))
    assert.is_true(client:set_authorization "Basic hunter2")
    assert.is_true(client:set_authorization("u", "hunter2"))
    posting.assert_no_secret(tostring(client))
    client:close()
    local done, message, code = client:set_authorization "Basic hunter2"
    assert.is_nil(done)
    assert.equal("closed", code)
    posting.assert_no_secret(message)
  end)

  it("does not read the environment's proxy, nor write to stdout or stderr", function()
    local status, output, errors = helper.run_lua({ code = [[
      local client = require("postevent").new { url = "http://127.0.0.1:1/", attempts = 1 }
      local _, message = client:post { event_name = "x" }
      assert(message:find "port 1 " or message:find "127%.0%.0%.1:1 ", message) -- by libcurl's version
      client:close()
    ]] }, {}, { env = { http_proxy = "http://127.0.0.1:2", all_proxy = "http://127.0.0.1:2" } })
    assert.same({ 0, "", "" }, { status, output, errors })
  end)

  it("tells what it is without a path or a credential", function()
    local client = postevent.new { url = URL, user = "u", password = "hunter2" }
    assert.equal("postevent.client (live, https://api.example.com)", tostring(client))
    client:close()
    assert.equal("postevent.client (live, https://api.example.com, closed)", tostring(client))
  end)

  it("says what this build has", function()
    assert.truthy(postevent.version:find "^%d+%.%d+%.%d+$")
    assert.truthy(postevent.features.curl:find "^%d+%.%d+")
    assert.is_string(postevent.features.tls)
    assert.is_boolean(postevent.features.http2)
  end)

  it("does nothing at require: no thread, no descriptor, no global", function()
    local status, output, errors = helper.run_lua { code = [[
      local process = require "support.process"
      local before, fds = {}, process.fd_count()
      for name in pairs(_G) do before[name] = true end
      require "postevent"
      for name in pairs(_G) do assert(before[name], name) end
      assert(process.fd_count() == fds and process.thread_count() == 1)
      io.write "fine"
    ]] }
    assert.same({ 0, "fine", "" }, { status, output, errors })
  end)
end)
