-- Little stack: the host's, on which `post` runs, and the sender's. A reply may be nested as deep as its length allows,
-- and so may whatever else comes from outside.
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

-- Prints what became of each.
local READS = [=[
local postevent = require "postevent"
local DEPTH = 8000
local function say(...)
  io.write(tostring((...)), " ", tostring((select(2, ...))):match("[^:]*$"), "\n")
end
say(pcall(postevent.definitions, ("["):rep(DEPTH) .. ("]"):rep(DEPTH)))
say(pcall(postevent.definitions, ('{"a":'):rep(DEPTH) .. "1" .. ("}"):rep(DEPTH)))
local event = { event_name = "e" }
local inner = event
for i = 1, DEPTH do
  inner[i % 2 == 0 and "a" or 1] = {}
  inner = inner[i % 2 == 0 and "a" or 1]
end
event.a = { event[1] }
event[1] = nil
say(pcall(postevent.new, { mode = "record", common = { b = event.a } }))
local client = postevent.new { mode = "record" }
say(client:encode(event))
event.a = { event }
say(client:encode(event))
client:close()
]=]

-- PCRE2's compiler goes into groups, and along those that stand in a row behind a quantifier.
local PATTERNS = [=[
local postevent = require "postevent"
for _, count in ipairs { 50, 249, 1200, 20000 } do
  for _, pattern in ipairs {
    ("("):rep(count) .. "a" .. (")"):rep(count), ("(?:"):rep(count) .. "a" .. (")*"):rep(count),
    ("(?="):rep(count) .. "a" .. (")"):rep(count), ("(a|"):rep(count) .. "b" .. (")"):rep(count),
    "a*" .. ("(?:b|)"):rep(count), "a*" .. ("(?:b)?"):rep(count), "(?<=" .. ("(?:a|b)"):rep(count) .. ")",
    ("(?:"):rep(count), ("a*b*"):rep(count), ("a|"):rep(count), ("[ab]?"):rep(count),
  } do
    local read = postevent.definitions { e = { c = "customer", x = { type = "string?", regex = pattern } } }
    local client = postevent.new { mode = "record", definitions = read, log = function() end }
    client:encode { event_name = "e", c = "1", x = ("ab"):rep(10000) }
    client:close()
  end
end
print "read"
]=]

-- What the script writes under so many KiB of stack.
local function run_on_stack(kib, script)
  local path = helper.new_file(script, "script.lua")
  local status, output, errors = helper.run({
    "sh", "-c", ('ulimit -s %d && exec "$@"'):format(kib), "sh", helper.lua(), path,
  })
  assert.equal(0, status, output .. errors)
  return output
end

describe("what nests", function()
  helper.guard()

  if (os.getenv "LD_PRELOAD" or "") ~= "" then
    return pending "a sanitizer needs a stack of its own"
  end

  it("E2: is refused under 64 KiB of stack: definitions, events", function()
    local deep = " tables nest too deeply, or a table contains itself\n"
    local too_many = "false  found too many nested data structures (65)\n"
    assert.equal(too_many:rep(2) .. "false " .. deep .. ("nil " .. deep):rep(2), run_on_stack(64, READS))
  end)

  it("E2: is compiled or left out under 64 KiB of stack: patterns", function()
    assert.equal("read\n", run_on_stack(64, PATTERNS))
  end)
end)
