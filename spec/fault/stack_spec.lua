-- Little stack: the host's, on which `post` runs, and the sender's. A reply may be nested as deep as its length allows.
if not require("support.where").is("lua5.4", "luajit") then
  return
end

local helper = require "support.helper"
local rude = require "support.rude"

local SCRIPT = [[
local postevent = require "postevent"
local client = postevent.new { url = arg[1], attempts = 1 }
local _, message, code = client:post { event_name = "e" }
assert(code == "bad_reply", message)
assert(client:track { event_name = "e" })
client:flush(0.2)
while not client:stats().last_error do
  client:flush(0.05)
end
assert(client:stats().last_error.code == "bad_reply", client:stats().last_error.message)
client:close(0)
]]

local DEPTH = 8000

local KINDS = {
  ["lists"] = ("["):rep(DEPTH) .. ("]"):rep(DEPTH),
  ["lists that do not end"] = ("["):rep(60000),
  ["objects"] = ('{"a":'):rep(DEPTH) .. "1" .. ("}"):rep(DEPTH),
  ["both"] = ('[{"a":'):rep(DEPTH / 2) .. ("}]"):rep(DEPTH / 2),
  ["within the documented one"] = '{"status":{"code":1100,"message":' .. ("["):rep(DEPTH) .. ("]"):rep(DEPTH) .. "}}",
}

describe("a nested reply", function()
  helper.guard()

  if (os.getenv "LD_PRELOAD" or "") ~= "" then
    return pending "a sanitizer needs a stack of its own"
  end

  for kind, body in pairs(KINDS) do
    it("D1: is bad_reply under 64 KiB of stack: " .. kind, function()
      local server = rude.start("answer", { reply = { body = body } })
      local path = helper.new_file(SCRIPT, "script.lua")
      local status, output, errors = helper.run({
        "sh", "-c", 'ulimit -s 64 && exec "$@"', "sh", helper.lua(), path, server.url,
      })
      assert.equal(0, status, output .. errors)
    end)
  end
end)
