-- The end of the program, however it comes: no crash, no long wait, and what can be delivered is delivered.
if not require("support.where").is("lua5.1", "lua5.4", "luajit") then
  return
end

local certificates = require "support.certificates"
local helper = require "support.helper"
local nginx = require "support.nginx"
local rude = require "support.rude"

local name = os.getenv "POSTEVENT_LUA"
local RUNS = (name == "lua5.4" or name == "luajit") and 300 or 30
local EVENTS = 30

-- Programs that end while events go out, one after the other: children of one that has the module and no client yet.
local ENDS = [[
local postevent = require "postevent"
local process = require "support.process"
local url, ca_file, ending, runs, events = arg[1], arg[2], arg[3], tonumber(arg[4]), tonumber(arg[5])

local endings = {
  ["os.exit"] = function() os.exit(0) end,
  ["os.exit with its state"] = function() os.exit(0, true) end,
  ["os.exit in a coroutine"] = function() coroutine.wrap(function() os.exit(0) end)() end,
  ["a collected client and os.exit"] = function(holder)
    holder.client = nil
    collectgarbage()
    os.exit(0)
  end,
  ["an error"] = function() error("this is the end", 0) end,
  ["the end of the script"] = function() end,
  ["os.exit in a forked child"] = function()
    local pid = process.fork()
    if pid ~= 0 then
      process.wait(pid)
    end
    os.exit(0)
  end,
}

local function ends_well(how, number)
  return how == "exited" and number == (ending == "an error" and 1 or 0)
end

-- Tracks and is gone; `run` is the number of the program.
local function live(run)
  local holder = { client = postevent.new { url = url, tls = { ca_file = ca_file }, id_attribute = "id" } }
  for i = 1, events do
    assert(holder.client:track { event_name = "e", id = run .. "-" .. i })
  end
  if run % 10 == 0 then -- a connection of post's, too
    assert(holder.client:post { event_name = "e", id = run .. "-posted" })
  end
  process.sleep(run % 30 * 2e-4)
  _G.holder = holder
  endings[ending](holder)
end

local slowest = 0
for run = 1, runs do
  local pid = assert(process.fork())
  if pid == 0 then
    return live(run)
  end
  local start = process.now()
  local how, number = process.wait(pid, 20)
  local took = process.now() - start
  slowest = math.max(slowest, took)
  if took >= 0.9 then -- what a program's end waits
    print("late " .. run)
  end
  if not ends_well(how, number) then
    print(("run %d %s, %s"):format(run, tostring(how), tostring(number)))
    break
  end
end
print(("%.3f"):format(slowest))
io.stdout:flush()
process._exit(0)
]]

-- A host that closes its Lua state in an exit handler of its own, which runs after ours.
local HOST = [[
require("support.process").close_at_exit()
]] .. ENDS:gsub("\nfor run = 1.*", [[

live(tonumber(runs))
]])

-- So many clients, each with an event in flight or none, and the end of the state: how long it takes.
local MANY = [[
local postevent = require "postevent"
local process = require "support.process"
local url, count, tracks, ending = arg[1], tonumber(arg[2]), arg[3] == "track", arg[4]
local clients = {}
local start
-- Older than every client: finalized after them, but before the sentinel, which is older still.
local function finish()
  io.stderr:write(("%.3f\n"):format(process.now() - start))
end
_G.older = newproxy and newproxy(true) or setmetatable({}, { __gc = finish })
if newproxy then
  getmetatable(_G.older).__gc = finish
end
for i = 1, count do
  clients[i] = postevent.new { url = url }
  assert(clients[i]:start())
  if tracks then
    assert(clients[i]:track { event_name = "e", id = i })
  end
end
if tracks then -- all of them, in the middle of it
  for _, client in ipairs(clients) do
    while client:stats().in_flight == 0 do
      process.sleep(0.001)
    end
  end
end
start = process.now()
io.stdout:write(("%.6f"):format(start))
io.stdout:flush()
if ending == "os.exit" then
  os.exit(0)
end
]]

-- An object of the program that tells its end with a client that is older, or younger, than itself.
local LAST_WORDS = [[
local postevent = require "postevent"
local url, order = arg[1], arg[2]
local client
local function say()
  local ticket, _, code = client:track { event_name = "e", id = "last words" }
  assert(ticket or code == "closed")
  io.stdout:write(ticket and "taken" or code)
end
local function leave()
  local object = newproxy and newproxy(true) or setmetatable({}, { __gc = say })
  if newproxy then
    getmetatable(object).__gc = say
  end
  return object
end
if order == "younger" then
  client = postevent.new { url = url }
  _G.object = leave()
else
  _G.object = leave()
  client = postevent.new { url = url }
end
assert(client:track { event_name = "e", id = "first words" })
]]

describe("the end of the program", function()
  helper.guard()
  local sandbox, server, ca_file

  setup(function()
    ca_file = certificates.get().ca_file
    sandbox = helper.start_sandbox()
    server = nginx.start { { tls = true, proxy_to = sandbox.base, extra = "keepalive_requests 7;\n" } }
  end)

  before_each(function()
    sandbox:reset()
  end)

  -- Those of the runs in `late` may be missing.
  local function assert_all_came(first, last, late)
    local ids = {}
    for _, record in ipairs(sandbox:events()) do
      local id = record.event.id
      assert.is_nil(ids[id], id .. " came twice")
      assert.is_truthy(id:find "^%d+%-posted$" or id:find "^%d+%-%d+$", id)
      ids[id] = true
    end
    for run = first, last do
      for i = 1, EVENTS do
        assert.is_true(ids[run .. "-" .. i] or late[run], ("event %d of run %d did not come"):format(i, run))
      end
    end
  end

  -- The runs that took all their time: where the machine is that busy, what is lost is said. Few are.
  local function late_runs(output, runs)
    local late, count = {}, 0
    for run in output:gmatch "late (%d+)" do
      late[tonumber(run)] = true
      count = count + 1
    end
    assert.is_true(count <= math.max(2, runs / 20), output)
    return late, count
  end

  local function try(ending, runs)
    local status, output, errors = helper.run_lua({ code = ENDS }, {
      server.url .. helper.documents.path, ca_file, ending, tostring(runs), tostring(EVENTS),
    }, { timeout = 120 })
    assert.equal(0, status, errors)
    assert.is_nil(output:find "run", output .. errors)
    local late, count = late_runs(output, runs)
    if ending ~= "an error" then
      local said, lines = errors:gsub("postevent: %d+ events? were lost when this program ended[^\n]*\n", "")
      assert.equal("", said)
      assert.is_true(lines <= count, errors)
    end
    assert.is_true(tonumber(output:match "([%d.]+)\n$") < 2, output)
    assert_all_came(1, runs, late)
  end

  it("by os.exit() while events go out over TLS crashes nothing, and they are delivered", function()
    try("os.exit", RUNS)
  end)

  for _, ending in ipairs {
    "os.exit with its state", "os.exit in a coroutine", "a collected client and os.exit", "an error",
    "the end of the script", "os.exit in a forked child",
  } do
    it("crashes nothing, and the events are delivered: " .. ending, function()
      try(ending, 15)
    end)
  end

  it("by a host that closes its Lua state in an exit handler crashes nothing", function()
    for run = 9, 12 do
      local status, _, errors = helper.run_lua({ code = HOST }, {
        server.url .. helper.documents.path, ca_file, "os.exit", tostring(run), tostring(EVENTS),
      })
      assert.equal(0, status, errors)
      assert.equal("", errors)
    end
    assert_all_came(9, 12, {})
  end)

  -- Seconds from the last line of the script to the end of the process, and to the end of the last client's __gc.
  local function time_end(url, count, tracks, ending)
    local status, output, errors = helper.run_lua({ code = MANY }, { url, tostring(count), tracks, ending })
    local now = helper.process.now()
    assert.equal(0, status, errors)
    return now - tonumber(output), tonumber(errors)
  end

  for _, ending in ipairs { "the end of the script", "os.exit" } do
    it("takes a second in all with 200 clients whose server never answers: " .. ending, function()
      local silent = rude.start "never_answer"
      local elapsed, collected = time_end(silent.url, 200, "track", ending)
      assert.is_true(elapsed < 1.9, ("took %.3f s"):format(elapsed))
      assert.is_true(not collected or collected < 0.3, ("__gc waited: %s s"):format(tostring(collected)))
      assert.is_true(silent:requests() > 0) -- on a busy machine not each of them got so far
    end)

    it("takes a second in all with clients that cannot connect: " .. ending, function()
      local elapsed = time_end(rude.black_hole().url, 20, "track", ending)
      assert.is_true(elapsed < 1.9, ("took %.3f s"):format(elapsed))
    end)

    it("takes little with 200 clients that are idle: " .. ending, function()
      local elapsed = time_end(server.url, 200, "start", ending)
      assert.is_true(elapsed < 0.9, ("took %.3f s"):format(elapsed))
    end)
  end

  it("lets an object that is finalized before its client say its last words, and refuses one after it", function()
    for order, answer in pairs { younger = "taken", older = "closed" } do
      sandbox:reset()
      local status, output, errors = helper.run_lua({ code = LAST_WORDS }, { sandbox.url, order })
      assert.equal(0, status, errors)
      assert.equal("", errors)
      assert.equal(answer, output)
      assert.equal(order == "younger" and 2 or 1, #sandbox:events())
    end
  end)
end)
