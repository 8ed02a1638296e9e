-- A7: what a mistake in the options is told in: the value, where it is no secret, and what was probably meant.
local helper = require "support.helper"
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
    assert_said {
      ['queue.overflow: expected "reject", "drop_oldest", "wait", got "drop"'] = { queue = { overflow = "drop" } },
      ['mode: expected "live", "record", "off", got "a\\u001b[2Jb"'] = { mode = "a\27[2Jb" },
      ['id_attribute: expected at most 50 characters, got "' .. ("x"):rep(200) .. '..."'] = {
        id_attribute = ("x"):rep(201) },
      ["user_agent: expected text, got empty text"] = { user_agent = "" },
      ["before_send: expected a function, got 5"] = { before_send = 5 },
      ['log: expected a function, "stderr" or false, got text'] = { log = "stdout" },
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
      { before_send = SECRET }, { log = SECRET }, { tls = { [KEY] = 1 }, mode = KEY },
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

  it("knows an authorization without its scheme", function()
    local BASIC = 'authorization: expected a scheme and its value ("Basic dXNlcjpwYXNz", "Bearer ...")'
    assert_said {
      [BASIC .. "; for a user and a password there are `user` and `password`"] = { authorization = "me:" .. SECRET },
      [BASIC] = { authorization = "aHVudGVyMg==" },
    }
    assert.equal(BASIC, words_of { authorization = "  " })
    for _, value in ipairs { "Basic eDp5", "Bearer a.b-c", 'Digest username="x", uri="/"', "Negotiate" } do
      postevent.new({ url = URL, authorization = value }):close()
    end
  end)
end)

describe("A7: a call with the wrong sign", function()
  helper.guard()

  -- What f(...) raises, without its position in this file.
  local function raised_by(f, ...)
    local ok, message = pcall(f, ...)
    assert.is_false(ok)
    return (message:gsub("^[^ ]*option_words_spec%.lua:%d+: ", ""))
  end

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
