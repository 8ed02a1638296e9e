-- A disk that goes bad under a running program (support.bad_disk): it stands still, is read-only, has no locks.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local bad_disk = require "support.bad_disk"
local children = require "support.children"
local documents = require "support.documents"
local helper = require "support.helper"
local posting = require "support.posting"
local rude = require "support.rude"
local spooling = require "support.spooling"
local tracking = require "support.tracking"

local PRELUDE = [[
local bad_disk = require "support.bad_disk"
local forking = require "support.forking"
local postevent = require "postevent"
local process = require "support.process"
local tracking = require "support.tracking"
local waiting = require "support.waiting"
local url, directory = arg[1], os.getenv "BAD_DISK_SPOOL"
local function new(more, required)
  return postevent.new { url = url, authorization = "]] .. documents.authorization .. [[",
    id_attribute = "external_event_id", retry = { initial = 0.002, max = 0.05 }, queue = { max_events = 40 },
    spool = { path = directory, wait = more == "wait", required = required } }
end
local function wait_for(client, state)
  return waiting.wait_until(function()
    local spool = tracking.assert_balanced(client:stats()).spool
    return spool.state == state and (state ~= "works" or spool.uncommitted == 0) and spool
  end, 20, state)
end
-- A client with forty events that another one has left, half of them on disk alone, and nine of its own.
local function fill()
  local before = new()
  forking.track(before, "e", 40)
  wait_for(before, "works")
  before:close(0)
  local client = new()
  assert(client:start())
  waiting.wait_until(function() return client:stats().restored == 40 end, 10, "what is there")
  forking.track(client, "f", 9)
  wait_for(client, "works")
  return client
end
]]

-- Runs the script; returns what it has printed, and its disk.
local function run(server, script)
  local ran = bad_disk.run({ code = PRELUDE .. script }, { server.url }, { timeout = 60 })
  assert.equal(0, ran.status, ran.errors)
  return ran.output, ran.spool
end

-- The next process delivers what is there. Returns how many were restored.
local function deliver_the_rest(server, directory)
  local client = posting.client(server.url, { spool = { path = directory }, id_attribute = "external_event_id" })
  server:set "open"
  assert(client:start())
  assert(client:flush(10))
  local restored = tracking.assert_balanced(client:stats()).restored
  assert(client:close(1))
  assert.equal("", children.must("ls", directory))
  return restored
end

describe("a program whose disk", function()
  helper.guard()

  it("becomes read-only goes on in memory, says so, and returns to its file", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local _, directory = run(server, [[
      local client = fill()
      bad_disk.be "read-only"
      forking.track(client, "g", 6)
      local why = wait_for(client, "fails").last_error.message
      assert(why:find("Read-only file system", 1, true), why)
      local at = client:stats().spool.last_error.at
      waiting.wait_until(function() return client:stats().spool.last_error.at > at end, 10, "another try")
      why = client:stats().spool.last_error.message
      assert(why:find("Read-only file system", 1, true), why)
      bad_disk.cease "read-only"
      forking.track(client, "h", 6)
      assert(wait_for(client, "works").damaged == 0)
      local ok, _, _, detail = client:close(0)
      local stats = tracking.assert_balanced(client:stats())
      assert(not ok and detail.kept == 61, detail.kept)
      assert(stats.dropped == 0 and stats.spool.failures == 1)
    ]])
    assert.equal(61, deliver_the_rest(server, directory))
    spooling.assert_arrived(server, "e", 40)
    spooling.assert_arrived(server, "f", 9)
    spooling.assert_arrived(server, "g", 6)
    spooling.assert_arrived(server, "h", 6)
  end)

  it("has no locks goes on in memory, says so, and leaves nothing there", function()
    local server = rude.start "answer"
    local _, directory = run(server, [[
      bad_disk.be "no-locks"
      local client = new()
      forking.track(client, "e", 20)
      local why = wait_for(client, "fails").last_error.message
      assert(why == "no file can be locked there: No locks available", why)
      assert(client:flush(10))
      assert(client:stats().delivered == 20)
      local waits = new "wait"
      local ticket, message, code = waits:track { event_name = "e" }
      assert(not ticket and code == "spool", message)
      local may = new("wait", false)
      forking.track(may, "f", 5)
      assert(may:close(5))
      assert(waits:close(5))
      assert(client:close(5))
    ]])
    assert.equal("", children.must("ls", directory))
    spooling.assert_arrived(server, "e", 20)
    spooling.assert_arrived(server, "f", 5)
  end)

  it("loses its locks goes on in memory, says so, and returns to its file", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local _, directory = run(server, [[
      local client = fill()
      bad_disk.be "no-locks"
      forking.track(client, "g", 6)
      wait_for(client, "fails")
      bad_disk.cease "no-locks"
      forking.track(client, "h", 6)
      assert(wait_for(client, "works").damaged == 0)
      local ok, _, _, detail = client:close(0)
      local stats = tracking.assert_balanced(client:stats())
      assert(not ok and detail.kept == 61, detail.kept)
      assert(stats.dropped == 0)
    ]])
    deliver_the_rest(server, directory)
    spooling.assert_arrived(server, "e", 40)
    spooling.assert_arrived(server, "g", 6)
    spooling.assert_arrived(server, "h", 6)
  end)

  it("has no locks says so, too, where there is what others have left", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local _, directory = run(server, [[
      local before = new()
      forking.track(before, "e", 40)
      wait_for(before, "works")
      before:close(0)
      bad_disk.be "no-locks"
      local client = new()
      assert(client:start())
      local why = wait_for(client, "fails").last_error.message
      assert(why:find("No locks available", 1, true), why)
      bad_disk.cease "no-locks"
      waiting.wait_until(function() return client:stats().restored > 0 end, 10, "what is there")
      wait_for(client, "works")
      client:close(0)
    ]])
    deliver_the_rest(server, directory)
    spooling.assert_arrived(server, "e", 40)
  end)

  it("stands still closes in the time that it was given, ends, and leaves what was on disk", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local output, directory = run(server, [[
      local client = fill()
      bad_disk.be "stall"
      forking.track(client, "g", 9)
      local begin = process.now()
      local ok, message, code, detail = client:close(1)
      local took = process.now() - begin
      assert(not ok and code == "timeout", tostring(code))
      assert(took < 3, took .. " s")
      tracking.assert_balanced(client:stats())
      print(detail.remaining, detail.kept)
    ]])
    local remaining, kept = output:match "^(%d+)\t(%d+)\n$"
    assert.equal("58", remaining)
    assert.is_true(tonumber(kept) >= 49 and tonumber(kept) <= 58, output)
    local restored = deliver_the_rest(server, directory)
    assert.is_true(restored >= tonumber(kept), restored .. " restored of " .. kept)
    spooling.assert_arrived(server, "e", 40)
  end)

  it("stands still ends without a close, in its second, and leaves what was on disk", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local _, directory = run(server, [[
      local client = fill()
      bad_disk.be "stall"
      forking.track(client, "g", 9)
      os.exit(0)
    ]])
    deliver_the_rest(server, directory)
    spooling.assert_arrived(server, "e", 40)
  end)
end)
