-- F1: a server that quotes what it was sent, in any encoding, in every kind of answer: no credential, and no part of
-- one, is in any text that the module lets out.
if not require("support.where").is("lua5.4", "luajit") then
  return
end

local cjson = require "cjson"
local helper = require "support.helper"
local postevent = require "postevent"
local process = helper.process
local rude = require "support.rude"

-- The server's side: every part of the credential, in the encoding that the event asks for, in every text of the reply.
local ECHO = [[
  local sent = request.authorization
  local token = sent:match "%S+$"
  local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  local function decode(text)
    local held, bits, out = 0, 0, {}
    for digit in text:gmatch "[%w+/]" do
      held, bits = held * 64 + digits:find(digit, 1, true) - 1, bits + 6
      if bits >= 8 then
        bits = bits - 8
        out[#out + 1] = string.char(math.floor(held / 2 ^ bits) % 256)
        held = held % 2 ^ bits
      end
    end
    return table.concat(out)
  end
  local function encode(text)
    local held, bits, out = 0, 0, {}
    for i = 1, #text do
      held, bits = held * 256 + text:byte(i), bits + 8
      while bits >= 6 do
        bits = bits - 6
        local digit = math.floor(held / 2 ^ bits) % 64
        out[#out + 1] = digits:sub(digit + 1, digit + 1)
        held = held % 2 ^ bits
      end
    end
    if bits > 0 then
      local digit = math.floor(held * 2 ^ (6 - bits)) % 64
      out[#out + 1] = digits:sub(digit + 1, digit + 1)
    end
    return table.concat(out)
  end
  local function each(format)
    return function(text)
      return (text:gsub(".", function(c) return format:format(c:byte()) end))
    end
  end
  local encodings = {
    raw = function(text) return text end, percent = each "%%%02X", lower_percent = each "%%%02x", json = each "\\u%04x",
    html = each "&#%d;", html_hex = each "&#x%X;", c = each "\\x%02x", hex = each "%02x", upper = string.upper,
    base64 = encode,
    form = function(text)
      return (text:gsub("[^%w ]", function(c) return ("%%%02X"):format(c:byte()) end):gsub(" ", "+"))
    end,
  }
  local how = encodings[request.event.how]
  local pair = decode(token)
  local parts = { how(sent), how(token), how(pair), how(pair:match "^(.-):" or ""), how(pair:match ":(.*)$" or "") }
  local text = "not for " .. table.concat(parts, " nor ")
  local body = { status = { code = request.event.code, message = text }, requestId = text }
  if request.event.status >= 400 and request.event.code == 0 then
    body = { message = text }
  end
  return { status = request.event.status, body = require("cjson").encode(body) }
]]

local ENCODINGS = {
  "raw", "percent", "lower_percent", "json", "html", "html_hex", "c", "hex", "upper", "base64", "form",
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

-- What of a text would give the secret away: it is looked for decoded, in small letters, without what stands between.
local function assert_hidden(secrets, ...)
  local text = table.concat(flatten({ ... }, {}), "\n")
  local plain = text:gsub("\\u00(%x%x)", "%%%1"):gsub("\\x(%x%x)", "%%%1"):gsub("&#x(%x+);", "%%%1")
    :gsub("&#(%d+);", function(digits)
      return ("%%%02x"):format(tonumber(digits))
    end)
    :gsub("%%(%x%x)", function(digits)
      return string.char(tonumber(digits, 16))
    end)
  for _, secret in ipairs(secrets) do
    local hex = secret:gsub(".", function(c)
      return ("%02x"):format(c:byte())
    end)
    for _, form in ipairs { secret, hex } do
      assert(not plain:lower():find(form:lower(), 1, true), secret .. " shows: " .. text)
      assert(not text:lower():find(form:lower(), 1, true), secret .. " shows: " .. text)
    end
  end
end

describe("F1: a server that quotes the credentials", function()
  helper.guard()

  local CREDENTIALS = {
    { { authorization = "Basic c29tZW9uZTp3b25kZXIvIiAr" }, { "c29tZW9uZTp3b25kZXIvIiAr", "someone", 'wonder/" +' } },
    { { user = "someone", password = 'wonder/" +' },
      { "c29tZW9uZTp3b25kZXIvIiAr", "someone", 'wonder/" +', "d29uZGVyLyIgK" } },
  }
  local ANSWERS = { { 200, 1100 }, { 200, 7305 }, { 400, 0 }, { 403, 0 }, { 404, 0 }, { 429, 0 }, { 500, 0 } }

  for i, case in ipairs(CREDENTIALS) do
    it("shows none of it in what post tells: " .. (i == 1 and "a header" or "a user"), function()
      local server = rude.start("script", { script = ECHO })
      local lines = {}
      local options = { url = server.url, attempts = 1, log = function(_, line) lines[#lines + 1] = line end }
      for name, value in pairs(case[1]) do
        options[name] = value
      end
      local client = postevent.new(options)
      for _, answer in ipairs(ANSWERS) do
        for _, how in ipairs(ENCODINGS) do
          local reply, message, code, detail = client:post {
            event_name = "e", external_event_id = how, how = how, status = answer[1], code = answer[2],
          }
          assert_hidden(case[2], reply, message, code, detail)
          local said = reply or detail.reply
          assert(said.status.message:find("***", 1, true), how .. ": " .. cjson.encode { said, message })
        end
      end
      assert_hidden(case[2], lines, tostring(client), client:stats(), client:metrics())
      client:close()
    end)
  end

  it("shows none of it in results, stats, metrics and log", function()
    local server = rude.start("script", { script = ECHO })
    local lines = {}
    for _, answer in ipairs(ANSWERS) do
      local client = postevent.new {
        url = server.url, user = "someone", password = 'wonder/" +', retry = { initial = 0.01, max = 0.02 },
        log = function(_, line) lines[#lines + 1] = line end,
      }
      for _, how in ipairs(ENCODINGS) do
        assert(client:track {
          event_name = "e", external_event_id = how, how = how, status = answer[1], code = answer[2],
        })
      end
      helper.wait_until(function()
        return client:stats().attempts >= 3
      end, 5)
      local flushed, message = client:flush(0.05)
      assert_hidden(CREDENTIALS[2][2], client:stats(), client:metrics(), { flushed, message })
      for result in client:results() do
        assert_hidden(CREDENTIALS[2][2], result)
      end
      client:close(0)
      assert_hidden(CREDENTIALS[2][2], lines)
    end
    assert.is_true(process.now() > 0)
  end)
end)
