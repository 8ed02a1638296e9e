-- Finalizers that use the client: inside track and results, as inside post (finalizer_spec.lua); and after it was
-- collected itself.
local helper = require "support.helper"

local PRELUDE = [[
local postevent = require "postevent"
local tracking = require "support.tracking"
if _VERSION == "Lua 5.4" then
  collectgarbage(arg[2] == "generational" and "generational" or "incremental", 1, 1000, 1)
else
  collectgarbage("setpause", 1)
  collectgarbage("setstepmul", 100000)
end

-- Calls `action` when the collector finds what this leaves behind, or returns.
local function leave(action)
  if newproxy then
    local proxy = newproxy(true)
    getmetatable(proxy).__gc = action
    return proxy
  end
  return setmetatable({}, { __gc = action })
end
]]

-- Tracks and reads results inside track and inside results.
local TRACK = PRELUDE .. [[
local client = postevent.new { url = arg[1], id_attribute = "id", results = 100000, queue = { max_events = 1000,
  overflow = "wait", wait = 60 } }
local seen, read, depth, inner = {}, 0, 0, 0

local function read_all()
  for result in client:results() do
    assert(not seen[result.ticket] and result.outcome == "delivered")
    assert(result.event_id:match "^%l+" == result.event_name, result.event_id)
    seen[result.ticket] = true
    read = read + 1
  end
end

for i = 1, 3000 do
  leave(function()
    if depth == 0 then
      depth, inner = 1, inner + 1
      assert(client:track { event_name = "inner", id = "inner_" .. i })
      read_all()
      client:stats()
      depth = 0
    end
  end)
  assert(client:track { event_name = "outer", id = "outer_" .. i })
  if i % 10 == 0 then
    read_all()
  end
end
depth = 1
assert(inner > 100, inner)
assert(client:flush(60))
read_all()
assert(read == 3000 + inner, read)
assert(tracking.assert_balanced(client:stats()).delivered == read)
assert(client:close())
]]

-- Reads all results inside a loop that is to have three, and whose body makes more of them.
local BOUND = PRELUDE .. [[
local client = postevent.new { url = arg[1], results = 1000 }
local function read_all()
  local result
  repeat
    result = client:results()(client)
  until not result
end
for _ = 1, 60 do
  for _ = 1, 4 do
    assert(client:track { event_name = "e" })
  end
  assert(client:flush(60))
  leave(read_all)
  local read = 0
  for _ in client:results(3) do
    read = read + 1
    assert(read <= 3, "more than three")
    assert(client:track { event_name = "e" } and client:flush(60))
  end
end
assert(client:close())
]]

local CLOSE = PRELUDE .. [[
if jit then
  jit.off() -- LuaJIT 2.1.0-beta3 does not leave a compiled loop over `next` while the collector is due at every step
end
local refused = 0
for i = 1, 300 do
  local client = postevent.new { url = "http://127.0.0.1:1/", definitions = { outer = { who = "customer" } } }
  leave(function()
    client:close(0)
  end)
  for _ = 1, i % 50 do
    local garbage = {} -- luacheck: ignore
  end
  for _ = 1, 3 do
    local ticket, message, code = client:track { event_name = "outer", who = "w" .. i }
    assert(ticket or code == "closed", message)
    refused = refused + (ticket and 0 or 1)
    for result in client:results() do
      error(result.outcome)
    end
  end
  tracking.assert_balanced(client:stats())
  client:close(0)
end
io.write(refused)
]]

-- The state ends, and finalizers run in the order that Lua chooses: the client's comes first.
local AFTERWARDS = [[
local client
local function use()
  local ticket, _, code, detail = client:track { event_name = "e" }
  assert(ticket == nil and code == "closed" and detail.sent == false)
  assert(select(3, client:post { event_name = "e" }) == "closed")
  assert(select(3, client:encode { event_name = "e" }) == "closed")
  assert(select(3, client:start()) == "closed")
  assert(select(3, client:set_authorization "Basic eA==") == "closed")
  for _ in client:results() do
    error "a result"
  end
  assert(client:flush(1) and client:close(1))
  assert(client:stats().state == "closed" and client:metrics():find("postevent_calls_total 0", 1, true))
  assert(tostring(client):find("closed", 1, true))
  io.write "used"
end
if newproxy then
  KEEP = newproxy(true)
  getmetatable(KEEP).__gc = use
else
  KEEP = setmetatable({}, { __gc = use })
end
local log = arg[2] == "log" and print or nil
client = require("postevent").new { url = arg[1], log = log }
if arg[2] ~= "unused" then
  client:track { event_name = "e" }
end
]]

describe("a finalizer that uses a client with track", function()
  helper.guard()

  local function run(code, ...)
    local status, output, errors = helper.run_lua({ code = code }, { ... }, { leaks = false })
    assert.equal(0, status, errors)
    return output
  end

  for _, mode in ipairs { "incremental", "generational" } do
    it("and reads all results inside a loop over a few leaves that its bound: " .. mode, function()
      run(BOUND, helper.start_sandbox().url, mode)
    end)

    it("and results inside track and results gets every event through, and every result once: " .. mode, function()
      local sandbox = helper.start_sandbox()
      run(TRACK, sandbox.url, mode)
      for _, record in ipairs(sandbox:events()) do
        assert.equal(record.event.event_name, record.event.id:match "^%l+")
      end
      assert.is_nil(sandbox:log():find " 400 ", 1, true)
    end)

    it("and closes it while it tracks, crashes nothing: " .. mode, function()
      run(CLOSE, "", mode)
    end)
  end

  for _, way in ipairs { "used", "unused", "log" } do
    it("after it was collected is told that it is closed: " .. way, function()
      local told = way == "log" and "warn\tan event was refused: the client is closed\n" or ""
      assert.equal(told .. "used", run(AFTERWARDS, "http://127.0.0.1:1/", way))
    end)
  end
end)
