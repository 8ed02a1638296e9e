-- F1: a server that quotes what it was sent, in any way of writing, in every kind of answer: no credential, and no part
-- of one, is in any text that the module, the command or the sandbox lets out.
if not require("support.where").is("lua5.4", "luajit") then
  return
end

local cjson = require "cjson"
local command = require "support.command"
local helper = require "support.helper"
local postevent = require "postevent"
local proxy = require "support.proxy"
local rude = require "support.rude"
local writings = require "support.writings"

-- The server's side: what the event asks for, or else what the request came with, in every text of the reply.
local ECHO = [[
  local say = "not for " .. (request.event.say or request.authorization)
  local body = { message = say, [say] = { say, { [say] = say } }, requestId = say }
  if request.event.code ~= 0 then
    body.status = { code = request.event.code, message = say, [say] = say }
  end
  return { status = request.event.status, body = require("cjson").encode(body) }
]]

local ANSWERS = { { 200, 1100 }, { 200, 7305 }, { 400, 0 }, { 401, 0 }, { 403, 0 }, { 404, 0 }, { 407, 0 }, { 429, 0 },
  { 500, 0 }, { 503, 7301 } }

local PASSWORD = 'w\195\164nder\195\156/" +&1'
local BASIC = "Basic " .. writings.base64("someone:" .. PASSWORD)

-- What is given to `new`, and which parts of it nobody may see.
local GIVEN = {
  ["a header's value"] = { { authorization = BASIC }, { BASIC:sub(7), "someone", PASSWORD } },
  ["a user"] = { { user = "someone", password = PASSWORD }, { BASIC:sub(7), "someone", PASSWORD } },
  ["a token"] = { { authorization = "Bearer abc.def-123_X" }, { "abc.def-123_X" } },
  ["a digest"] = {
    { authorization = 'Digest username="mufasa", realm="api", response="6629fae49393", cnonce=0a4f113b' },
    { "mufasa", "6629fae49393", "0a4f113b" },
  },
  ["headers"] = {
    { headers = { ["x-api-key"] = "k3y-of-ours", Cookie = "lang=de; sid=c00k1es", ["X-Our-Authorization"] = BASIC,
      ["X-Tenant"] = "4b1f0c3e-77aa-4c40-9f38-2d7cf0f3c2a1" } },
    { "k3y-of-ours", "c00k1es", "someone", PASSWORD, "4b1f0c3e-77aa-4c40-9f38-2d7cf0f3c2a1" },
  },
}

local function flatten(value, out)
  if type(value) == "table" then
    for key, inner in pairs(value) do
      flatten(key, out)
      flatten(inner, out)
    end
  else
    out[#out + 1] = tostring(value)
  end
  return out
end

-- In none of the texts, however deep, is a secret, nor what the server wrote for it.
local function assert_hidden(secrets, how, ...)
  local text = table.concat(flatten({ ... }, {}), "\n")
  for _, secret in ipairs(secrets) do
    for _, form in ipairs { secret, writings.all[how](secret), writings.base64(secret) } do
      assert(not text:lower():find(form:lower(), 1, true), how .. ": " .. secret .. " shows: " .. text)
    end
  end
end

local function event_for(how, secrets, answer, i)
  local parts = {}
  for j, secret in ipairs(secrets) do
    parts[j] = writings.list[how](secret)
  end
  return {
    event_name = "e", external_event_id = how .. "/" .. i, say = table.concat(parts, " nor "),
    status = answer[1], code = answer[2],
  }
end

local function options_for(given, url, lines)
  local options = { url = url, attempts = 1, log = function(_, line) lines[#lines + 1] = line end }
  for name, value in pairs(given) do
    options[name] = value
  end
  return options
end

describe("F1: a server that quotes the credentials", function()
  helper.guard()

  for kind, given in pairs(GIVEN) do
    it("shows none of it in what post tells: " .. kind, function()
      local server, lines = rude.start("script", { script = ECHO }), {}
      local client = postevent.new(options_for(given[1], server.url, lines))
      for i, answer in ipairs(ANSWERS) do
        for _, how in ipairs(writings.names) do
          local reply, message, code, detail = client:post(event_for(how, given[2], answer, i))
          assert_hidden(given[2], how, reply, message, code, detail)
          local said = reply or detail.reply
          assert(said.status.message:find("***", 1, true), how .. ": " .. cjson.encode { said, message })
          assert_hidden(given[2], how, lines, tostring(client), client:stats(), client:metrics())
        end
      end
      client:close()
    end)
  end

  it("shows none of it in results, stats, metrics and log", function()
    local given = GIVEN["a user"]
    for i, answer in ipairs(ANSWERS) do
      local server, lines = rude.start("script", { script = ECHO }), {}
      local options = options_for(given[1], server.url, lines)
      options.attempts, options.retry = nil, { initial = 0.01, max = 0.02 }
      local client = postevent.new(options)
      for _, how in ipairs(writings.names) do
        assert(client:track(event_for(how, given[2], answer, i)))
      end
      helper.wait_until(function() -- one holds the others back, where it was not welcome
        return client:stats().attempts >= 1 and client:stats().in_flight == 0
      end, 10)
      local flushed, message = client:flush(0.05)
      for result in client:results() do
        local how = result.event_id:match "^[^/]*"
        assert_hidden(given[2], how, result.message, result.reply)
      end
      client:close(0)
      for _, how in ipairs(writings.names) do
        assert_hidden(given[2], how, client:stats(), client:metrics(), { flushed, message }, lines)
      end
      server:stop()
    end
  end)

  it("shows none of what it really was sent", function()
    local server, lines = rude.start("script", { script = ECHO }), {}
    for _, kind in ipairs { "a header's value", "a user", "a token", "a digest" } do
      local given = GIVEN[kind]
      local client = postevent.new(options_for(given[1], server.url, lines))
      local _, message, _, detail = client:post { event_name = "e", external_event_id = "1", status = 403, code = 0 }
      assert.truthy(message:find("not for ***", 1, true), message)
      assert_hidden(given[2], "raw", message, detail, lines)
      client:close()
    end
  end)

  it("shows none of the credentials that were replaced", function()
    local server, lines = rude.start("script", { script = ECHO }), {}
    local given = { { authorization = "Bearer old-and-gone" }, { "old-and-gone" } }
    local client = postevent.new(options_for(given[1], server.url, lines))
    for i, how in ipairs(writings.names) do
      client:set_authorization "Bearer old-and-gone"
      client:post(event_for(how, given[2], { 200, 1100 }, i))
      client:set_authorization("someone", "new-and-here")
      local _, message, _, detail = client:post(event_for(how, { "old-and-gone", "new-and-here" }, { 403, 0 }, i))
      assert_hidden({ "old-and-gone", "new-and-here" }, how, message, detail)
    end
    client:close()
  end)

  -- The texts of all that a client told of an event whose reply quotes `secrets`: one that it posts and one that it
  -- tracks.
  local function what_is_told(client, secrets, i)
    local texts = { { client:post(event_for("raw", secrets, { 200, 7305 }, i)) } }
    assert(client:track(event_for("raw", secrets, { 200, 7305 }, i)))
    assert(client:flush())
    for result in client:results() do
      texts[#texts + 1] = result
    end
    assert.equal(2, #texts)
    return texts
  end

  it("shows none of the four that were replaced last, nor one that was given again", function()
    local server, lines = rude.start("script", { script = ECHO }), {}
    for _, names in ipairs { { "first", "second", "third", "fourth", "fifth" }, { "first", "second", "second" },
      { "first", "second", "second", "second", "second", "third", "third" } } do
      local secrets = { names[1] .. "-pass" }
      local client = postevent.new(options_for({ user = "someone", password = secrets[1] }, server.url, lines))
      what_is_told(client, secrets, 1)
      for i = 2, #names do
        client:set_authorization("someone", names[i] .. "-pass")
        secrets[#secrets + 1] = names[i] .. "-pass"
        assert_hidden(secrets, "raw", what_is_told(client, secrets, i), lines)
      end
      client:close()
    end
  end)

  -- As a number, as text, with zeros before it, or without; and in the numbers of its bytes.
  local CODES = {
    ["123456789012"] = { 123456789012, "123456789012", "000123456789012", "4950515253545556" },
    ["0023456789"] = { "0023456789", 23456789, -23456789 },
    ["73"] = {}, -- too short to be a secret
    ["7308"] = { 7308, "7308", "07308" },
  }

  it("shows none of it in a status code", function()
    local server, lines = rude.start("script", { script = ECHO }), {}
    for password, codes in pairs(CODES) do
      local client = postevent.new(options_for({ user = "someone", password = password }, server.url, lines))
      for i, code in ipairs(codes) do
        local event = { event_name = "e", external_event_id = tostring(i), say = "x", status = 200, code = code }
        local _, message, _, detail = client:post(event)
        assert.is_nil(detail.reply.status.code)
        local text = table.concat(flatten({ message, detail.reply, lines }, {}), "\n")
        assert(not text:find(tostring(code):match "[1-9]%d*", 1, true), text)
        assert(client:track(event))
      end
      assert(client:flush())
      for result in client:results() do
        assert.is_nil(result.reply.status.code)
      end
      local event = { event_name = "e", external_event_id = "0", say = "x", status = 200, code = 7305 }
      assert.equal(7305, select(4, client:post(event)).reply.status.code)
      client:close()
    end
  end)

  it("shows the code of a delivery, whatever the password is", function()
    local server = rude.start("script", { script = ECHO })
    local client = postevent.new { url = server.url, user = "someone", password = "1100" }
    local event = { event_name = "e", external_event_id = "1", say = "x", status = 200, code = 1100 }
    assert.equal(1100, assert(client:post(event)).status.code)
    client:close()
  end)

  it("shows none of the proxy's", function()
    local server, lines = rude.start("script", { script = ECHO }), {}
    local between = proxy.start { user = "proxy-user", password = "pr0xyw0rd" }
    local secrets = { "proxy-user", "pr0xyw0rd" }
    local options = options_for({ proxy = between.url:gsub("//", "//proxy%%2Duser:pr0xyw0rd@") }, server.url, lines)
    for i, how in ipairs(writings.names) do
      local client = postevent.new(options) -- tinyproxy may close what is kept alive under the next request
      local reply = assert(client:post(event_for(how, secrets, { 200, 1100 }, i)))
      assert_hidden(secrets, how, reply, lines)
      client:close()
    end
  end)

  it("shows none of it in what the command says", function()
    local server = rude.start("script", { script = ECHO })
    local given = GIVEN["a header's value"]
    for i, how in ipairs(writings.names) do
      local event = event_for(how, given[2], ANSWERS[i % #ANSWERS + 1], i)
      local _, output, errors = command.run({ "post", "--json", helper.new_file(cjson.encode(event)) },
        { env = { POSTEVENT_URL = server.url, POSTEVENT_AUTHORIZATION = BASIC } })
      assert_hidden(given[2], how, output, errors)
      assert.truthy((output .. errors):find("***", 1, true), output .. errors)
    end
  end)

  it("shows none of it where the answer is in Latin-1, nor where the whole of it is shown", function()
    local given = GIVEN["a user"]
    for _, how in ipairs { "latin1", "misread", "misread_as_windows", "quoted_printable" } do
      local said = '{"message":"' .. writings.all[how]("someone:" .. PASSWORD:gsub('"', "")) .. '"}'
      local reply = ("HTTP/1.1 403 Forbidden\r\nX-User: %s\r\nContent-Length: %d\r\n\r\n%s")
        :format(writings.all[how](PASSWORD), #said, said)
      local server = rude.start("raw", { reply = reply })
      local client = postevent.new { url = server.url, user = "someone", password = PASSWORD, attempts = 1 }
      local _, message, _, detail = client:post { event_name = "e" }
      client:close()
      local _, output, errors = command.run({ "post", "--verbose", "event_name=e" },
        { env = { POSTEVENT_URL = server.url, POSTEVENT_AUTHORIZATION = BASIC } })
      assert_hidden(given[2], how, message, detail, output, errors)
      assert(not (message .. output .. errors):find "nder", message .. output .. errors)
      server:stop()
    end
  end)

  it("shows none of it in the words of a page, wherever these end", function()
    for _, password in ipairs { "geheimn\195\164chste", "geh<im", "geheimnis\27[2J", "gehei\nmnis" } do
      for _, page in ipairs { "<html><title>%s</title>", "%s", ("x"):rep(156) .. "%s", "{%s" } do
        local said = page:format(password)
        local server = rude.start("sequence", { replies = { { status = 403, body = said } } })
        local basic = "Basic " .. writings.base64("someone:" .. password)
        local client = postevent.new { url = server.url, authorization = basic, attempts = 1 }
        local _, message, _, detail = client:post { event_name = "e" }
        client:close()
        local text = table.concat(flatten({ message, detail }, {}), " ")
        assert(not text:find("geh", 1, true), text)
        server:stop()
      end
    end
  end)

  it("leaves what is no secret", function()
    local server, lines = rude.start("script", { script = ECHO }), {}
    local client = postevent.new(options_for({ user = "a", password = "dev" }, server.url, lines))
    local words = "a banana, a device: Event is pushed to transformation state %zz &nosuch; \\"
    local event = { event_name = "e", external_event_id = "1", status = 200, code = 1100, say = words }
    local reply = assert(client:post(event))
    assert.equal("not for " .. words, reply.status.message)
    client:close()
  end)
end)
