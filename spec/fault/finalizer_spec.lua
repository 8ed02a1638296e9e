-- Lua runs finalizers inside nearly every call of its interface, so inside post and encode too: one that closes the
-- client, or posts with it, must not touch what the call works with.
local helper = require "support.helper"
local where = require "support.where"

-- In the older ones each allocation is a whole collection.
local ROUNDS = where.is("lua5.4", "luajit") and 1500 or 200

local PRELUDE = ("local ROUNDS = %d\n"):format(ROUNDS) .. [[
local postevent = require "postevent"
if _VERSION == "Lua 5.4" then
  collectgarbage(arg[2] == "generational" and "generational" or "incremental", 1, 1000, 1)
else
  collectgarbage("setpause", 1)
  collectgarbage("setstepmul", 100000)
end

-- Calls `action` when the collector finds what this returns, which is usually left behind.
local function leave(action)
  if newproxy then
    local left = newproxy(true)
    getmetatable(left).__gc = action
    return left
  end
  return setmetatable({}, { __gc = action })
end
]]

local ENCODE = PRELUDE .. [[
local client = postevent.new { url = "http://127.0.0.1:1/", stamp = false }
local inner = { event_name = "inner", list = { 1, 2, 3 }, bad = arg[3] and print or nil }
for i = 1, ROUNDS do
  leave(function()
    client:encode(inner)
  end)
  local name = "outer_" .. i
  local body = client:encode { event_name = name }
  assert(body == '{"event_name":"' .. name .. '"}', body)
  local refused, message = client:encode { event_name = name, bad = 0 / 0, ["worse_" .. i] = print }
  assert(refused == nil and message:find("worse_" .. i, 1, true) and message:find("bad: ", 1, true), message)
end
client:close()
]]

-- LuaJIT 2.1.0-beta3 hangs, without any C of ours, in a compiled loop over `next` while its collector is driven so.
local CLOSE = PRELUDE .. [[
if jit then
  jit.off()
end
for i = 1, ROUNDS do
  local client = postevent.new { url = "http://127.0.0.1:1/", attempts = 1, id_attribute = "id" }
  leave(function()
    client:close()
  end)
  for _ = 1, i % 50 do
    local garbage = {} -- luacheck: ignore
  end
  local _, message, code, detail = client:post { event_name = "outer", id = i }
  assert(code == "closed" or (code == "unreachable" and detail.event_id == tostring(i)), message)
  client:close()
end
]]

local POST = PRELUDE .. [[
local client = postevent.new { url = arg[1], id_attribute = "id" }
local depth = 0
for i = 1, ROUNDS do
  leave(function()
    if depth == 0 then
      depth = 1
      client:post { event_name = "inner", id = "inner_" .. i }
      depth = 0
    end
  end)
  local id = "outer_" .. i
  local reply = assert(client:post { event_name = "outer", id = id })
  assert(reply.event_id == id and reply.status.message == "Event is pushed to transformation state")
  assert(#reply.requestId == 36)
end
client:close()
]]

-- What is made first is finalized last: then the client has been collected, and something still calls it.
local COLLECTED = PRELUDE .. [[
local client
kept = leave(function()
  for name, method in pairs(getmetatable(client).__index) do
    for _, argument in ipairs { { event_name = "e" }, "live", 1, false } do
      pcall(method, client, argument)
    end
  end
  io.write(tostring(client))
end)
client = postevent.new { url = "http://127.0.0.1:1/", mode = arg[2] }
]]

describe("a finalizer that uses the client", function()
  helper.guard()

  local function run(code, ...)
    local status, _, errors = helper.run_lua({ code = code }, { ... }, { timeout = 120 })
    assert.equal(0, status, errors)
  end

  it("D7: after that was collected crashes nothing, whatever the method", function()
    for _, mode in ipairs { "live", "record", "off" } do
      local status, output, errors = helper.run_lua({ code = COLLECTED }, { "", mode })
      assert.equal(0, status, errors)
      assert.truthy(output:find("closed", 1, true), output)
    end
  end)

  -- The others have no second mode.
  for _, mode in ipairs(where.is "lua5.4" and { "incremental", "generational" } or { "incremental" }) do
    it("while it encodes changes nothing: " .. mode, function()
      run(ENCODE, "", mode)
      run(ENCODE, "", mode, "bad")
    end)

    it("to close it while it posts crashes nothing: " .. mode, function()
      run(CLOSE, "", mode)
    end)

    it("to post while it posts gets its own reply, and every event arrives whole: " .. mode, function()
      local sandbox = helper.start_sandbox()
      run(POST, sandbox.url, mode)
      local outer = 0
      for _, record in ipairs(sandbox:events()) do
        assert.equal(record.event.event_name, record.event.id:match "^%l+")
        outer = outer + (record.event.event_name == "outer" and 1 or 0)
      end
      assert.equal(ROUNDS, outer)
      assert.is_nil(sandbox:log():find " 400 ", 1, true)
    end)
  end
end)
