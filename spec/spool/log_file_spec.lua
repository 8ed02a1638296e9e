-- Somebody removes the log of a running program's file, or its index, or cuts the log off: SQLite goes on writing
-- without a word. Nothing that is in memory is lost, what is lost is counted, and the client says so.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local children = require "support.children"
local files = require "support.files"
local helper = require "support.helper"
local rude = require "support.rude"
local spooling = require "support.spooling"
local tracking = require "support.tracking"

local function start(url, directory, max_events)
  return spooling.client(url, { path = directory, wait = true }, { queue = { max_events = max_events } })
end

-- Each event that counts as delivered has a result of its own, and came.
local function assert_delivered(client, server, count)
  local came, ids = spooling.arrived(server), {}
  for result in client:results() do
    if result.outcome == "delivered" then
      assert.truthy(came[result.event_id], result.event_id)
      assert.is_nil(ids[result.event_id], result.event_id)
      ids[result.event_id], count = true, count - 1
    end
  end
  assert.equal(0, count)
end

-- What somebody does to the file: a command of the shell, in the directory.
local DEEDS = {
  ["its log is removed"] = "rm *-wal",
  ["its log is another file"] = "cp *-wal x; mv x $(ls *-wal)",
  ["its index is removed"] = "rm *-shm",
  ["its log is emptied"] = "truncate -s 0 *-wal",
  ["its log is cut in the middle"] = "truncate -s 20000 *-wal",
  ["its log is rubbish that is shorter"] = "echo rubbish >$(ls *-wal)",
}

for what, deed in pairs(DEEDS) do
  describe("a running program's file, when " .. what .. ",", function()
    helper.guard()

    local server, directory
    before_each(function()
      server = rude.start("script", { script = spooling.CLOSED })
      directory = files.new_path "spool"
    end)

    local function do_it()
      local status, _, errors = children.run { "sh", "-c", "cd " .. directory .. " && " .. deed }
      assert.equal(0, status, errors)
    end

    it("is made again from memory, and the next process finds all of it", function()
      local client = start(server.url, directory, 1000)
      spooling.track(client, 1, 50)
      do_it()
      spooling.track(client, 51, 60)
      spooling.wait_for(client, function(stats)
        return spooling.works(stats) and stats.spool.damaged == 1
      end, "another file")
      local _, _, _, detail = client:close(0)
      assert.same({ 60, 60 }, { detail.remaining, detail.kept })
      local after = start(server.url, directory, 1000)
      server:set "open"
      assert(after:start())
      assert(after:flush(10))
      assert.same({ 60, 60, 0 }, { after:stats().restored, after:stats().delivered, after:stats().dropped })
      assert_delivered(after, server, 60)
    end)

    it("loses nothing that is not counted, where events are on disk alone", function()
      local client = start(server.url, directory, 20)
      spooling.track(client, 1, 200)
      do_it()
      spooling.track(client, 201, 210)
      spooling.wait_for(client, function(stats)
        return spooling.works(stats) and stats.spool.damaged == 1
      end, "another file")
      server:set "open"
      assert(client:flush(10))
      local stats = tracking.assert_balanced(client:stats())
      assert.same({ 210, 0 }, { stats.delivered + stats.dropped, stats.pending })
      assert.equal(stats.dropped, stats.dropped_by.spool or 0)
      assert_delivered(client, server, stats.delivered)
      local is_cut = what:find "log" and not what:find "removed" and not what:find "another"
      assert.is_true(is_cut or stats.dropped == 0, stats.dropped)
      client:close(1)
    end)

    it("tells of what was lost before the program ends", function()
      local client = start(server.url, directory, 20)
      spooling.track(client, 1, 200)
      do_it()
      spooling.track(client, 201, 210)
      spooling.wait_for(client, function(stats)
        return spooling.works(stats) and stats.spool.damaged == 1
      end, "another file")
      local _, _, _, detail = client:close(0)
      local stats = tracking.assert_balanced(client:stats())
      assert.same({ detail.kept, 210 }, { detail.remaining, detail.kept + stats.dropped })
      local after = start(server.url, directory, 1000)
      server:set "open"
      assert(after:start())
      assert(after:flush(10))
      assert.same({ detail.kept, 0 }, { after:stats().delivered, after:stats().dropped })
    end)

    it("is made again by close", function()
      local client = start(server.url, directory, 1000)
      spooling.track(client, 1, 50)
      do_it()
      local _, _, _, detail = client:close(0)
      assert.same({ 50, 50 }, { detail.remaining, detail.kept })
      local after = start(server.url, directory, 1000)
      server:set "open"
      assert(after:start())
      assert(after:flush(10))
      assert.equal(50, tracking.assert_balanced(after:stats()).delivered)
    end)
  end)
end
