-- What a program that was killed has left, and then something happened to: its log holds what was committed last.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local cjson = require "cjson"
local command = require "support.command"
local files = require "support.files"
local helper = require "support.helper"
local posting = require "support.posting"
local rude = require "support.rude"
local spooled = require "support.spooled"
local tracking = require "support.tracking"

local EVENTS = 50

local function flip(bytes, at)
  return bytes:sub(1, at - 1) .. string.char((bytes:byte(at) + 16) % 256) .. bytes:sub(at + 1)
end

local function run(...)
  local status, output, errors = command.run { "spool", ... }
  return status, output .. errors
end

-- A server that is open, and a directory with what a killed program has left: the path of its file.
local function leave()
  local server = rude.start("script", { script = spooled.script })
  local directory = files.new_path "spool"
  local path = spooled.kill(server.url, directory, EVENTS)
  server:set "open"
  return server, directory, path
end

-- Delivers; returns what it says, and how many events came.
local function deliver(server, directory)
  local came = #server:arrivals()
  local status, said = run("deliver", directory, "--url", server.url)
  assert.equal(1, status, said)
  local arrived = #server:arrivals() - came
  assert.equal(arrived, tonumber(said:match "(%d+) delivered"), said)
  return said, arrived
end

describe("a log of a killed program", function()
  helper.guard()

  for name, remove in pairs {
    ["whose file is gone"] = { "" }, ["whose file and lock are gone"] = { "", ".lock" },
    ["whose file and index are gone"] = { "", "-shm" },
  } do
    it(name .. " is named by list, delivered, and set aside", function()
      local server, directory, path = leave()
      for _, suffix in ipairs(remove) do
        assert(os.remove(path .. suffix))
      end
      local status, said = run("list", directory)
      assert.equal(1, status, said)
      assert.truthy(said:find(path .. ": it is damaged: it is gone, and its log is there", 1, true), said)
      assert.is_true(files.exists(path .. "-wal"))
      local arrived
      said, arrived = deliver(server, directory)
      assert.equal(EVENTS, arrived)
      assert.truthy(said:find(path .. ".damaged: it was damaged", 1, true), said)
      assert.equal(1, cjson.decode((spooled.command(0, nil, "list", directory, "--json"))).damaged)
    end)
  end

  -- `all`: nothing is lost; `counted`: what is lost is counted.
  for name, case in pairs {
    ["with a bit changed in the middle"] = { counted = true, change = function(log)
      local at = 32 + 4120 * math.floor(#log / 4120 / 2) + 2000
      return flip(log, at)
    end },
    ["with a bit changed in its first bytes"] = { all = true, change = function(log) return flip(log, 18) end },
    ["with its first bytes overwritten"] = { all = true, change = function(log)
      return ("rubbish!"):rep(4) .. log:sub(33)
    end },
    ["with a bit changed in its last page"] = { change = function(log) return flip(log, #log - 100) end },
    ["with a page overwritten"] = { change = function(log)
      return log:sub(1, 32 + 4120 * 30) .. ("\0"):rep(4120) .. log:sub(33 + 4120 * 31)
    end },
    ["that is cut to its half"] = { change = function(log) return log:sub(1, math.floor(#log / 2)) end },
    ["that is cut by its last page"] = { change = function(log) return log:sub(1, -4121) end },
    ["that was emptied"] = { change = function() return "" end },
    ["that is gone"] = { change = function() end },
  } do
    it(name .. " is named by list, and told of by deliver, which sends what can be read and keeps it", function()
      local server, directory, path = leave()
      local changed = case.change(files.read(path .. "-wal"))
      assert(os.remove(path .. "-wal"))
      if changed then
        files.write(path .. "-wal", changed)
      end
      for _ = 1, 2 do -- to look changes nothing
        local status, said = run("list", directory)
        assert.equal(1, status, said)
        assert.truthy(said:find(path .. ": it is damaged: its log is not whole", 1, true), said)
        assert.is_nil(said:find("nobody knows", 1, true), said)
        assert.truthy(said:find("1 of them cannot be looked into: what is in it is not counted", 1, true), said)
      end
      local said, arrived = deliver(server, directory)
      local unreadable = tonumber(said:match "(%d+) unreadable") or 0
      assert.truthy(said:find(path .. ".damaged: it was damaged", 1, true), said)
      assert.is_true(not case.all or arrived == EVENTS, said)
      assert.is_true(not case.counted or arrived + unreadable == EVENTS and arrived > EVENTS - 10, said)
      assert.is_true(arrived + unreadable == EVENTS or said:find("nobody knows how many more", 1, true) ~= nil, said)
      assert.equal(changed, changed and files.read(path .. ".damaged-wal"))
      assert.is_false(files.exists(path .. "-wal"))
      assert.equal(0, (run("purge", directory, "--damaged", "--yes")))
      assert.is_false(files.exists(path .. ".damaged-wal"))
    end)
  end

  it("that was damaged is told of in the log and the stats of a client that takes it over", function()
    local server, directory, path = leave()
    local log = files.read(path .. "-wal")
    files.write(path .. "-wal", log:sub(1, math.floor(#log / 2)))
    local client, lines = posting.client(server.url, { spool = { path = directory } })
    assert(client:start())
    assert(client:flush(10))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 1, 1 }, { stats.spool.damaged, stats.spool.uncounted })
    client:close(1)
    local all = table.concat(lines, "\n")
    assert.truthy(all:find("that nobody could count", 1, true), all)
    assert.truthy(all:find(path:match "[^/]*$", 1, true), all)
  end)
end)
