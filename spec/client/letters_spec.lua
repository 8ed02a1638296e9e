-- A host whose locale has other letters than ours: nothing that is read, refused, sent or hidden depends on it.
local children = require "support.children"
local helper = require "support.helper"
local locale = require "support.locale"
local postevent = require "postevent"
local rude = require "support.rude"
local sample = require "postevent.cli.sample"
local sandbox = require "postevent.sandbox"
local socket = require "socket"

local URL = "https://api.example.com/eucrm/webhooks/1"

-- A test that runs under a locale in which the capital of i is not I.
local function turkish(name, test)
  it(name, function()
    local done, why = locale.with_turkish_letters(function()
      test()
      return true
    end)
    if not done then
      pending(why)
    end
  end)
end

local function message_of(options)
  options.url = options.url or URL
  local ok, message = pcall(postevent.new, options)
  if ok then
    message:close()
    return nil
  end
  return message:match "postevent%.new: (.*)$"
end

describe("a locale with other letters", function()
  helper.guard()

  local TYPES = { "customer:mobile", "customer:email", "string", "double", "integer", "boolean", "date", "tillcode",
    "couponcode", "groupid", "productsku", "productbrand", "productcategory", "currencycode" }

  turkish("changes no type of the short form, in small letters or in capitals", function()
    for _, kind in ipairs(TYPES) do
      for _, written in ipairs { kind, "CUSTOMER:MOBILE", "INTEGER", "Tillcode" } do
        local definitions = postevent.definitions { e = { c = "customer", x = written, y = { "enum", "i", "I" } } }
        local client = postevent.new { mode = "record", definitions = definitions }
        local event, unmade = sample.make(definitions.events[1])
        assert.same({}, unmade)
        assert.truthy(client:encode(event))
        event.x = {}
        local _, message = client:encode(event)
        assert.truthy(message:find("^x: expected "), written)
        client:close()
      end
    end
    local found = postevent.definitions { e = { c = "Customer:MOBILE", i = "Integer" } }
    assert.equal("INTEGER", found.events[1].attributes[2].type)
    local client = postevent.new { mode = "record", definitions = found }
    local _, message = client:encode { event_name = "e", c = "x", i = 1 }
    assert.equal('c: "x" is not a mobile number (5 to 20 digits)', message)
    client:close()
  end)

  turkish("changes no type and no flag of the platform's form", function()
    local client = postevent.new { mode = "record", definitions = { eventName = "e", fields = {
      { name = "c", type = "customer", attributes = { identifierType = "EMAIL", isPsiData = "TRUE" } },
      { name = "i", type = "integer", attributes = { isRequired = "False" } },
    } } }
    local _, message = client:encode { event_name = "e", c = "x", i = 1.5 }
    assert.equal("i: expected a whole number, got a fraction; c: the value is not an e-mail address",
      message:gsub("^(c: .*); (i: .*)$", "%2; %1"))
    client:close()
  end)

  turkish("changes nothing about headers", function()
    assert.equal("headers: AUTHORIZATION is set by the client; use `authorization`",
      message_of { headers = { AUTHORIZATION = "x" } })
    assert.equal("headers: x-id is given twice, in capitals and in small letters",
      message_of { headers = { ["X-ID"] = "1", ["x-id"] = "2" } })
    assert.truthy(message_of { headers = { ["X-\221"] = "1" } }:find("must be a token", 1, true))
    assert.truthy(message_of { authorization = "BASIC ?" }:find("base64", 1, true))
    assert.truthy(message_of { authorization = "B\221 x" }:find("a scheme and its value", 1, true))
  end)

  turkish("changes nothing about names, addresses and the one that was meant", function()
    assert.truthy(message_of { mode = "LIVE" }:find('did you mean "live"?', 1, true))
    assert.truthy(message_of { MAXINFLIGHT = 5 }:find("did you mean max_in_flight?", 1, true))
    assert.truthy(message_of { id_attribute = "\221d" }:find("letters, digits and _", 1, true))
    local client = postevent.new { mode = "record" }
    assert.is_false((pcall(client.metrics, client, { ["\221"] = "x" })))
    client:close()
    if postevent.features.redis then
      client = postevent.new { relay = { url = "UNIX:///tmp/not.there", stream = "s" } }
      client:close()
      client = postevent.new { relay = { url = "REDIS://%6C%6F%63%61%6C%68%6F%73%74", stream = "s" } }
      client:close()
    end
  end)

  turkish("hides a credential all the same", function()
    local server = rude.start("answer", { reply = {
      status = 403, body = '{"status":{"code":403,"message":"no someone, no pa55w0rd, no s1gned"}}',
    } })
    local client = postevent.new {
      url = server.url, attempts = 1, authorization = "BASIC " .. "c29tZW9uZTpwYTU1dzByZA==",
      headers = { ["X-SIGNED-BY"] = "s1gned" },
    }
    local _, message, _, detail = client:post { event_name = "e" }
    local told = message .. tostring(detail.reply and detail.reply.status.message)
    for _, secret in ipairs { "pa55w0rd", "s1gned" } do
      assert.is_nil(told:find(secret, 1, true), told)
    end
    client:close()
    server:stop()
  end)

  turkish("lets no request with two codings through to a sandbox that the program has started", function()
    local started = assert(sandbox.start {})
    local connection = assert(socket.connect("127.0.0.1", started.port))
    connection:settimeout(10)
    assert(connection:send("POST /eucrm/webhooks/sandbox HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
      .. ("TRANSFER-ENCODING: chunked\r\n"):rep(2) .. "\r\n1d\r\n{\"event_name\":\"e\",\"age\":2000}\r\n0\r\n\r\n"))
    assert.truthy(assert(connection:receive "*l"):find " 400 ")
    connection:close()
    started:stop()
  end)
end)

describe("what is said of letters", function()
  it("is said in one place: nothing else asks the C library or Lua, and so the locale", function()
    local _, found = children.run { "grep", "-rnE",
      "strn?casecmp|\\<(to(lower|upper)|is(alpha|alnum|upper|lower|space|punct|print|graph|cntrl|blank)) ?\\(", "csrc" }
    assert.equal("", found)
    _, found = children.run { "grep", "-rnE", ":(lower|upper)\\(|string\\.(lower|upper)", "lua", "bin" }
    assert.equal("", found)
  end)
end)
