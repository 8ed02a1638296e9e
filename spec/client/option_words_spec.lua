-- A7: what a mistake in the options is told in: the value, where it is no secret, and what was probably meant.
local helper = require "support.helper"
local locale = require "support.locale"
local posting = require "support.posting"
local postevent = require "postevent"

local URL = "https://api.example.com/eucrm/webhooks/1"
local SECRET = "hunter2"

-- The words after "postevent.new: ".
local function words_of(options)
  options.url = options.url or URL
  local ok, message = pcall(postevent.new, options)
  assert.is_false(ok, "the options were accepted")
  posting.assert_no_secret(message)
  return message:match "postevent%.new: (.*)$"
end

local function assert_said(cases)
  for expected, options in pairs(cases) do
    assert.equal(expected, words_of(options))
  end
end

describe("A7: a mistake in the options", function()
  helper.guard()

  it("shows the value", function()
    local LOG = 'log: expected a function, "stderr" or false, got '
    assert_said {
      ['queue.overflow: expected "reject", "drop_oldest", "wait", got "drop" (did you mean "drop_oldest"?)'] = {
        queue = { overflow = "drop" } },
      ['mode: expected "live", "record", "off", got "a\\u001b[2Jb"'] = { mode = "a\27[2Jb" },
      ['id_attribute: expected at most 50 characters, got "' .. ("x"):rep(200) .. '..."'] = {
        id_attribute = ("x"):rep(201) },
      ["user_agent: expected text, got empty text"] = { user_agent = "" },
      ["before_send: expected a function, got 5"] = { before_send = 5 },
      [LOG .. "\"stdout\" (stdout is the program's; a function may write there)"] = { log = "stdout" },
      [LOG .. "a userdata (stdout is the program's; a function may write there)"] = { log = io.stdout },
      [LOG .. '"syslog"'] = { log = "syslog" }, [LOG .. "empty text"] = { log = "" },
      [LOG .. 'a userdata ("stderr" is a text)'] = { log = io.stderr },
      [LOG .. "true"] = { log = true },
      ["queue: expected a table, got 100"] = { queue = 100 },
      ["retry: expected a table, got 5"] = { retry = 5 },
      ["stamp: expected true or false, got a function"] = { stamp = print },
    }
  end)

  it("names the file, and why it cannot be read", function()
    local directory = helper.new_directory()
    local file = helper.new_file "x"
    local missing = directory .. "/" .. ("deep"):rep(20) .. "/no.pem"
    assert_said {
      [('tls.ca_file: expected a file that can be read, got "%s" (No such file or directory)'):format(missing)] = {
        tls = { ca_file = missing } },
      [('tls.key_file: expected a file that can be read, got "%s" (Is a directory)'):format(directory)] = {
        tls = { key_file = directory } },
      [('tls.ca_path: expected a directory that can be read, got "%s" (Not a directory)'):format(file)] = {
        tls = { ca_path = file } },
      ["tls.ca_file: no certificate in PEM (-----BEGIN CERTIFICATE-----)"] = { tls = { ca_file = file } },
      ["tls.ca_path: no certificate in PEM (-----BEGIN CERTIFICATE-----)"] = { tls = { ca_path = directory } },
    }
  end)

  it("shows no secret, nor what stands where one may", function()
    local KEY = "-----BEGIN PRIVATE KEY-----\n" .. SECRET .. "\n"
    for _, options in ipairs {
      { url = "https://me:" .. SECRET .. "@example.com/\n" }, { url = "example.com/" .. SECRET },
      { proxy = "http://me:" .. SECRET .. "@a b" }, { authorization = "me:" .. SECRET },
      { authorization = SECRET .. "\n" }, { authorization = "=" .. SECRET .. " x" },
      { user = "me:x", password = SECRET }, { user = "me\n", password = SECRET }, { password = SECRET },
      { user = "me", password = SECRET .. "\n" }, { headers = "Authorization: " .. SECRET },
      { headers = { Cookie = SECRET .. "\n" } }, { tls = SECRET }, { tls = { key_password = SECRET .. "\n" } },
      { tls = { key_file = KEY } }, { tls = { cert_file = "-----BEGIN X " .. SECRET } }, { common = SECRET },
      { before_send = SECRET }, { tls = { [KEY] = 1 }, mode = KEY },
    } do
      words_of(options)
    end
  end)

  it("tells a number and a boolean from their texts", function()
    assert_said {
      ['attempts: expected a whole number from 1 to 100, got "5" (a number is written without quotes)'] = {
        attempts = "5" },
      ['rate_limit.per_second: expected a number above 0, at most 1000000, got "2.5" '
        .. "(a number is written without quotes)"] = { rate_limit = { per_second = "2.5" } },
      ['tls.verify: expected true or false, got "false" (false is written without quotes)'] = {
        tls = { verify = "false" } },
      ['attempts: expected a whole number from 1 to 100, got "many"'] = { attempts = "many" },
    }
  end)

  it("knows milliseconds", function()
    assert_said {
      ["timeout: expected a number of seconds above 0, at most 600, got 15000 (seconds, not milliseconds: 15?)"] = {
        timeout = 15000 },
      ["connect_timeout: expected a number of seconds above 0, at most 600, got 2500 "
        .. "(seconds, not milliseconds: 2.5?)"] = { connect_timeout = 2500 },
      ["retry.max: expected a number of seconds above 0, at most 3600, got 30000 "
        .. "(seconds, not milliseconds: 30?)"] = { retry = { max = 30000 } },
      ["timeout: expected a number of seconds above 0, at most 600, got -15000"] = { timeout = -15000 },
      ["rate_limit.per_second: expected a number above 0, at most 1000000, got 2000000"] = {
        rate_limit = { per_second = 2000000 } },
    }
  end)

  it("knows what stands elsewhere, and what is nearly an option", function()
    assert_said {
      ["unknown option: max_events, it is written queue = { max_events = ... }"] = { max_events = 5 },
      ["unknown option: queue.wait, it is written queue = { wait = ... }"] = { ["queue.wait"] = 5 },
      ["unknown option: key_password, it is written tls = { key_password = ... }"] = { key_password = SECRET },
      ["unknown option: queue.max_age, it is written retry = { max_age = ... }, outside of queue"] = {
        queue = { max_age = 5 } },
      ["unknown option: tls.proxy, it is written proxy = ..., outside of tls"] = { tls = { proxy = "x" } },
      ["unknown option: maxEvents, did you mean queue = { max_events = ... }?"] = { maxEvents = 5 },
      ["unknown option: connectTimeout, did you mean connect_timeout?"] = { connectTimeout = 5 },
      ["unknown option: retry.maxage, did you mean max_age?"] = { retry = { maxage = 5 } },
      ["unknown option: x"] = { x = 5 },
      ["unknown option: \\u001b[2J"] = { ["\27[2J"] = 5 },
      ["unknown option: " .. ("n"):rep(200) .. "..."] = { [("n"):rep(5000)] = 5 },
    }
  end)

  -- What users of other clients write: the option that they mean; "": there is none, and no hint leads astray.
  local OTHERS = {
    [""] = {
      max_in_flight = "concurrency max_concurrency parallelism workers num_threads pool_size max_connections",
      user = "username", password = "pass passwd pwd", headers = "header extra_headers customHeaders",
      authorization = "auth api_key apiKey token access_token bearer_token write_key",
      url = "endpoint host hostname port uri base_url address server webhook_url dsn",
      ["timeout, in seconds"] = "timeout_ms timeoutMs timeout_seconds request_timeout_ms",
      ["connect_timeout, in seconds"] = "connect_timeout_ms connection_timeout_millis",
      timeout = "request_timeout read_timeout", connect_timeout = "connection_timeout",
      attempts = "retries max_retries maxRetries num_retries max_attempts retry_count",
      proxy = "http_proxy https_proxy proxy_url proxies", log = "logger log_level debug verbose",
      ["tls = { verify = ... }"] = "verify_ssl ssl_verify insecure rejectUnauthorized tls_verify",
      ["tls = { ca_file = ... }"] = "ca cafile ca_cert ca_bundle", ["tls = { cert_file = ... }"] = "cert client_cert",
      ["tls = { key_file = ... }"] = "client_key private_key", tls = "ssl", relay = "redis",
      ["queue = { max_events = ... }"] = "queue_size max_queue_size buffer_size capacity queue_max_events",
      ["queue = { overflow = ... }"] = "on_full overflow_policy",
      ["retry = { initial = ... }"] = "initial_backoff retry_delay backoff", ["retry = { max = ... }"] = "max_backoff",
      ["retry = { max_age = ... }"] = "ttl expires", ["rate_limit = { per_second = ... }"] = "rate rps qps throttle",
      ["spool = { path = ... }"] = "spool_dir storage_path data_dir", common = "default_attributes tags context",
      definitions = "schema schemas", validation = "validate strict", mode = "enabled dry_run test",
      before_send = "beforeSend transform middleware hooks", id_attribute = "event_id idempotency_key",
      [false] = [[batch_size batchSize flush_interval flushInterval flush_at linger_ms compression gzip format delay
        pool path size max secret key user_id environment sample_rate keepalive callback on_error version time interval
        stats release compress database project http foo persist_ed ts wait required deadline agent name]],
    },
    rate_limit = { per_second = "rate rps limit requests max requestsPerSecond", burst = "bucket_size",
      [false] = "interval enabled foo" },
    retry = { ["attempts = ..."] = "count retries max_retries maxAttempts", initial = "delay backoff base",
      max = "max_delay max_backoff", max_age = "timeout ttl", [false] = "enabled jitter factor" },
    queue = { max_events = "size max max_size capacity limit length", overflow = "policy strategy on_full mode",
      wait = "timeout", max_bytes = "bytes max_memory", [false] = "enabled name" },
    tls = { ca_file = "ca cafile ca_cert", cert_file = "cert", key_file = "key", verify = "verify_peer insecure",
      key_password = "password passphrase pass", [false] = "version ciphers hostname foo" },
    spool = { path = "dir directory file", max_bytes = "size max_size", max_age = "ttl", [false] = "enabled" },
    relay = { url = "host port username password db", stream = "key queue", max_length = "maxlen max",
      [false] = "enabled foo" },
  }

  for group, cases in pairs(OTHERS) do
    it("A7: names the option that another client calls something else, or none: "
      .. (group ~= "" and group or "options"), function()
      for meant, names in pairs(cases) do
        for name in names:gmatch "%S+" do
          local options = group == "" and { [name] = 5 } or { [group] = { [name] = 5 } }
          local given = group == "" and name or group .. "." .. name
          assert.equal(("unknown option: %s%s"):format(given, meant and (", did you mean %s?"):format(meant) or ""),
            words_of(options))
        end
      end
    end)
  end

  it("A7: has no name for an option that is one's own, and knows each that it names", function()
    local properties, others = require "postevent.options.properties", require "postevent.options.others"
    local known = {}
    for _, property in ipairs(properties) do
      known[property.name] = true
    end
    for name, full in pairs(others.anywhere) do
      assert.is_nil(known[name], name)
      assert.is_true(full == false or known[full], name)
    end
    for group, names in pairs(others.inside) do
      for name, option in pairs(names) do
        assert.is_nil(known[group .. "." .. name], name)
        assert.is_true(option == false or known[group .. "." .. option] or known[option], name)
      end
    end
  end)

  it("knows an authorization without its scheme", function()
    local BASIC = 'authorization: expected a scheme and its value ("Basic dXNlcjpwYXNz", "Bearer ...")'
    assert_said {
      [BASIC .. "; for a user and a password there are `user` and `password`"] = { authorization = "me:" .. SECRET },
      [BASIC] = { authorization = "aHVudGVyMg==" },
    }
    assert.equal(BASIC, words_of { authorization = "  " })
    for _, value in ipairs {
      "Basic eDp5", "basic  eDp5 ", "Basic eDpf_-", "Bearer a.b-c", "Bearer 1|x:y", 'Digest username="x", uri="/"',
      "Negotiate", "AWS4-HMAC-SHA256 Credential=x, Signature=y",
    } do
      postevent.new({ url = URL, authorization = value }):close()
    end
  end)

  it("knows what cannot stand behind a scheme, and says what can", function()
    local PAIR = 'authorization: expected user:password in base64 behind "Basic"; for a user and a password there '
      .. "are `user` and `password`"
    local VALUE = 'authorization: expected a value behind the scheme ("Basic dXNlcjpwYXNz", "Bearer ...")'
    for value, expected in pairs {
      ["Basic me:" .. SECRET] = PAIR, ["basic me:" .. SECRET] = PAIR, ["Basic Basic eDp5"] = PAIR,
      ["Basic <" .. SECRET .. ">"] = PAIR, ["Basic ..."] = PAIR, ["Basic eDp5=="] = nil, ["Basic =="] = PAIR,
      ["Basic"] = VALUE, ["Basic "] = VALUE, ["BEARER"] = VALUE, ["Digest"] = VALUE,
      ["Bearer Bearer " .. SECRET] = 'authorization: expected one token, without blanks, behind "Bearer"',
      ["Authorization: Basic eDp5"] = "authorization: expected the header's value alone, without its name",
    } do
      assert.equal(expected, words_of { authorization = value })
      local client = postevent.new { url = URL }
      local ok, message = pcall(client.set_authorization, client, value)
      client:close()
      assert.is_false(ok)
      assert.truthy(message:find(expected, 1, true), message)
    end
  end)

  it("says why another version of HTTP is none", function()
    local OTHER = 'http_version: expected "1.1", got %s (%s)'
    local HTTP2 = "over HTTP/2 libcurl does not tell what the server never took from what may have arrived"
    assert_said {
      [OTHER:format("2", HTTP2)] = { http_version = 2 }, [OTHER:format('"2"', HTTP2)] = { http_version = "2" },
      [OTHER:format('"2.0"', HTTP2)] = { http_version = "2.0" },
      [OTHER:format('"h2"', HTTP2)] = { http_version = "h2" },
      [OTHER:format('"HTTP/2"', HTTP2)] = { http_version = "HTTP/2" },
      [OTHER:format("1.1", "in quotes")] = { http_version = 1.1 },
      [OTHER:format('"HTTP/1.1"', "the number alone")] = { http_version = "HTTP/1.1" },
      [OTHER:format('"3"', "no other version is offered")] = { http_version = "3" },
      [OTHER:format("true", "no other version is offered")] = { http_version = true },
    }
  end)

  it("A5: writes numbers with a point under a locale that has a comma", function()
    local done, reason = locale.with_decimal_comma(function()
      local TIMEOUT = "timeout: expected a number of seconds above 0, at most 600, got "
      assert_said {
        [TIMEOUT .. "1000.5 (seconds, not milliseconds: 1.0005?)"] = { timeout = 1000.5 },
        [TIMEOUT .. "-0.25"] = { timeout = -0.25 },
        ["attempts: expected a whole number from 1 to 100, got 1.5"] = { attempts = 1.5 },
        [('http_version: expected "1.1", got 1.1 (in quotes)')] = { http_version = 1.1 },
      }
      assert.truthy(words_of({ timeout = 0 / 0 }):find("got %-?nan"))
      return true
    end)
    if not done then
      pending(reason)
    end
  end)
end)

-- What f(...) raises, without its position in this file.
local function raised_by(f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok, "it raised nothing")
  return (message:gsub("^[^ ]*option_words_spec%.lua:%d+: ", ""))
end

describe("A7: what is needed to mend a mistake", function()
  helper.guard()

  it("is the text that was meant, whatever its case, blanks and last letters", function()
    for option, cases in pairs {
      mode = { LIVE = "live", Record = "record", recor = "record", [" off"] = "off", offf = "off" },
      validation = { Strict = "strict", WARN = "warn" }, unknown_events = { Allow = "allow" },
      unknown_attributes = { ERROR = "error" }, invalid_utf8 = { Replace = "replace", repalce = "replace" },
      log = { STDERR = "stderr", ["std-err"] = "stderr" }, proxy = { Environment = "environment" },
    } do
      for given, meant in pairs(cases) do
        local words = words_of { [option] = given }
        assert.equal(('(did you mean "%s"?)'):format(meant), words:match "%(did.*$", words)
        assert.equal(option, words:match "^[%w_]+")
      end
    end
    assert_said {
      ['queue.overflow: expected "reject", "drop_oldest", "wait", got "Drop-Oldest" (did you mean "drop_oldest"?)'] = {
        queue = { overflow = "Drop-Oldest" } },
      ['spool.sync: expected "normal", "full", got "FULL" (did you mean "full"?)'] = {
        spool = { path = "x", sync = "FULL" } },
      ['mode: expected "live", "record", "off", got "5"'] = { mode = "5" },
      ["stamp: expected true or false, got \"TRUE\" (true is written without quotes)"] = { stamp = "TRUE" },
    }
  end)

  it("is the item of a list that will not do", function()
    local WHOLE = "accept_codes[%d]: expected a whole number, got %s"
    assert_said {
      [WHOLE:format(1, '"1100" (a number is written without quotes)')] = { accept_codes = { "1100" } },
      [WHOLE:format(2, "1.5")] = { accept_codes = { 1100, 1.5 } },
      [WHOLE:format(1, "a table")] = { accept_codes = { {} } },
      ["accept_codes: expected a list of whole numbers, got 1100 (a list of one is written { ... })"] = {
        accept_codes = 1100 },
      ["accept_codes: expected a list of whole numbers, got a table"] = { accept_codes = {} },
      ['headers: [1] has no name; a header is written ["Name"] = "value"'] = { headers = { "X-A: " .. SECRET } },
      ["headers: X-A: expected text without control characters (CR, LF, NUL, ...), got a number"] = {
        headers = { ["X-A"] = 5 } },
    }
  end)

  it("is what was given, but of a secret only its kind", function()
    assert_said {
      ["authorization: expected text, got empty text"] = { authorization = "" },
      ["authorization: expected text, got a number"] = { authorization = 5 },
      ["user: expected text, got a boolean"] = { user = true, password = "x" },
      ["password: expected text, got a table"] = { user = "me", password = {} },
      ["definitions: expected the name of a file, JSON, or a table, got empty text"] = { definitions = "" },
      ["definitions: expected the name of a file, JSON, or a table, got 5"] = { definitions = 5 },
      ["timeout: expected a number of seconds above 0, at most 600, got 1000000"] = { timeout = 1e6 },
    }
    assert.truthy(words_of({ timeout = -0 / 0 }):find "got %-?nan$")
  end)

  it("is the option without which another does nothing", function()
    assert_said {
      ['queue.wait: needs queue.overflow = "wait"'] = { queue = { wait = 5 } },
      ["spool.required: needs spool.wait = true"] = { spool = { path = "x", required = false } },
      ["tls.key_file: needs tls.cert_file"] = { tls = { key_file = "/dev/null" } },
      ["tls.key_password: needs tls.cert_file"] = { tls = { key_password = SECRET } },
    }
    assert.equal('queue.wait: needs queue.overflow = "wait"', words_of { queue = { wait = 5, overflow = "reject" } })
    postevent.new({ url = URL, queue = { wait = 5, overflow = "wait" } }):close()
  end)

  it("is told of what a method is given, too", function()
    local client = postevent.new { mode = "record" }
    local MODE, PENDING = 'set_mode: mode: expected "live", "record", "off", got ',
      'set_mode: pending: expected "keep", "send", "drop", got '
    assert.equal(MODE .. '"Live" (did you mean "live"?)', raised_by(client.set_mode, client, "Live"))
    assert.equal(MODE .. "5", raised_by(client.set_mode, client, 5))
    assert.equal(MODE .. "nil", raised_by(client.set_mode, client))
    assert.equal(MODE .. "empty text", raised_by(client.set_mode, client, ""))
    assert.equal(PENDING .. '"DROP" (did you mean "drop"?)', raised_by(client.set_mode, client, "off", "DROP"))
    assert.equal(PENDING .. "true", raised_by(client.set_mode, client, "off", true))
    assert.equal("set_common: common: expected a table, got 5", raised_by(client.set_common, client, 5))
    assert.equal("set_authorization: authorization: expected text, got a number",
      raised_by(client.set_authorization, client, 5))
    assert.equal("set_authorization: password: expected text, got a number",
      raised_by(client.set_authorization, client, "me", 5))
    assert.equal("metrics: labels: expected a table, got text", raised_by(client.metrics, client, "shop"))
    for _, method in ipairs { "flush", "close" } do
      for given, said in pairs { soon = '"soon"', [-1] = "-1", [1 / 0] = "inf", [false] = "false", [{}] = "a table" } do
        assert.equal(("%s: seconds: expected a number from 0 to 31622400, got %s"):format(method, said),
          raised_by(client[method], client, given))
      end
      assert.truthy(raised_by(client[method], client, 0 / 0):find "got %-?nan$")
    end
    assert.equal("results: max: expected a number, 0 or more, got -1", raised_by(client.results, client, -1))
    for _, method in ipairs { "post", "track", "encode" } do
      for given, said in pairs { [SECRET] = "text", [5] = "5", [true] = "true", [print] = "a function" } do
        assert.equal(("%s: event: expected a table of attributes, got %s"):format(method, said),
          raised_by(client[method], client, given))
      end
      assert.equal(method .. ": event: expected a table of attributes, got no value", raised_by(client[method], client))
    end
    client:close()
  end)

  it("is nothing where nothing is near", function()
    assert_said {
      ["unknown option: tls.foo"] = { tls = { foo = 1 } }, ["unknown option: queue.1"] = { queue = { "a" } },
      ['log: expected a function, "stderr" or false, got "x"'] = { log = "x" },
    }
  end)
end)

describe("A7: a call with the wrong sign", function()
  helper.guard()

  it("is told of the dot", function()
    assert.equal("postevent.new: called with a colon; it is postevent.new(...), with a dot", raised_by(function()
      return (postevent:new { url = URL })
    end))
    assert.equal("postevent.definitions: called with a colon; it is postevent.definitions(...), with a dot",
      raised_by(function()
        return (postevent:definitions { e = { c = "customer" } })
      end))
  end)

  it("is told of the colon, whatever the method", function()
    local client = postevent.new { mode = "record" }
    for _, method in ipairs { "post", "track", "encode", "results", "flush", "stats", "close", "start", "recorded",
      "set_authorization", "metrics" } do
      local message = raised_by(function()
        local _ = client[method] { event_name = "e" }
      end)
      local wanted = "expected a client"
      assert.truthy(message:find(wanted, 1, true), message)
      assert.truthy(message:find("called with a colon: client:", 1, true), message)
    end
    assert.equal("post: expected a client, got table; methods are called with a colon: client:post(...)",
      raised_by(function()
        local _ = client.post { event_name = "e" }
      end))
    assert.equal("track: expected a client, got no value; methods are called with a colon: client:track(...)",
      raised_by(function()
        local _ = client.track()
      end))
    client:close()
  end)
end)

describe("A7: before_send that returns something else", function()
  helper.guard()

  it("is named by its file and line", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local client = postevent.new { mode = "record", before_send = function() return 5 end }
    local ok, message = pcall(client.post, client, { event_name = "e" })
    assert.is_false(ok)
    local expected = ("option_words_spec.lua:%d: before_send must return a table or nil, got a number"):format(line)
    assert.equal(expected, message:sub(-#expected))
    client:close()
  end)
end)

-- A program that ends with an error has its message on a terminal.
describe("F2: what a mistake in the options is told in", function()
  helper.guard()

  local ODD = "a\27[2J\194\155\226\128\174\226\128\139\243\160\128\129z"
  local SHOWN = "a\\u001b[2J\\u009b\\u202e\\u200b\\udb40\\udc01z"

  local function assert_shown(message)
    assert.is_nil(message:find "[%c\128-\255]", message)
    assert.truthy(message:find(SHOWN, 1, true), message)
  end

  it("is text, whatever the name of a file has in it, and what is in the file", function()
    local function definitions(text)
      return { definitions = helper.new_file(text, ODD .. ".json") }
    end
    for _, options in ipairs {
      { definitions = "/nowhere/" .. ODD }, definitions "no JSON", definitions("[" .. ("["):rep(99)),
      definitions('{"' .. ODD:gsub("\27", "\\u001b") .. '": 1}'),
      { definitions = { e = { [ODD] = "nosuch" } } }, { definitions = { [ODD] = { a = "customer", b = { "enum" } } } },
      { tls = { ca_file = "/nowhere/" .. ODD } }, { [ODD] = 1 }, { mode = ODD },
    } do
      assert_shown(words_of(options))
    end
    local ok, message = pcall(postevent.definitions, "/nowhere/" .. ODD)
    assert.is_false(ok)
    assert_shown(message)
  end)

  it("is text in the warnings about definitions too", function()
    local lines = {}
    local client = postevent.new { url = URL, log = function(_, line) lines[#lines + 1] = line end,
      definitions = { eventName = "e", fields = { { name = ODD, type = "NOSUCH" } } } }
    client:close()
    assert_shown(table.concat(lines, " "))
  end)
end)
