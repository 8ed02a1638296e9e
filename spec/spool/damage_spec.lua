-- A spool's file that is not what it was: cut off, overwritten, emptied, rubbish. Whoever looks says that it is
-- damaged, and leaves it as it is; whoever delivers names it, sets it aside, delivers what can be read, and counts the
-- rest.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local command = require "support.command"
local cjson = require "cjson"
local files = require "support.files"
local helper = require "support.helper"
local spooled = require "support.spooled"
local tracking = require "support.tracking"

local EVENTS, PAGE = 100, 4096

-- A server that is open, and a directory with one file of a program that has ended: its path, and its bytes.
local function leave()
  local server, directory = spooled.leave(0)
  local client = spooled.start(server.url, directory)
  spooled.track(client, 1, EVENTS, { text = ("x"):rep(500) })
  client:close(0)
  server:set "open"
  local path = directory .. "/" .. spooled.list(directory).files[1].file
  return server, directory, path, files.read(path)
end

local function zeros(bytes, from, count)
  return bytes:sub(1, from) .. ("\0"):rep(count) .. bytes:sub(from + count + 1)
end

-- What is done to the file; `known`: it still tells how many events were in it; `all`: all of them can be read.
local DAMAGES = {
  ["cut to its half"] = { known = true, change = function(bytes) return bytes:sub(1, math.floor(#bytes / 2)) end },
  ["cut to two thirds of a page"] = { change = function(bytes) return bytes:sub(1, 2700) end },
  ["cut to a page"] = { change = function(bytes) return bytes:sub(1, PAGE) end },
  ["cut by a byte"] = { known = true, change = function(bytes) return bytes:sub(1, -2) end },
  ["with a page of zeros in the middle"] = { known = true, change = function(bytes)
    return zeros(bytes, math.floor(#bytes / PAGE / 2) * PAGE, PAGE)
  end },
  ["with its last page overwritten"] = { known = true, change = function(bytes)
    return bytes:sub(1, -PAGE - 1) .. ("rubbish!"):rep(PAGE / 8)
  end },
  ["with rubbish in its first page"] = { change = function(bytes) return ("rubbish!"):rep(PAGE / 8)
    .. bytes:sub(PAGE + 1) end },
  ["full of rubbish"] = { change = function(bytes) return ("rubbish!"):rep(#bytes / 8) end },
  ["emptied"] = { change = function() return "" end },
}

local function run(...)
  local status, output, errors = command.run { "spool", ... }
  return status, output, errors, output .. errors
end

describe("a spool's file that is", function()
  helper.guard()

  for name, damage in pairs(DAMAGES) do
    it(name .. " is named, left by list and export, and set aside by deliver, which counts", function()
      local server, directory, path, bytes = leave()
      files.write(path, damage.change(bytes))
      local before = files.read(path)

      local status, _, _, said = run("list", directory)
      assert.equal(1, status, said)
      assert.truthy(said:find(path .. ": it is damaged", 1, true), said)
      local _, output = run("list", directory, "--json")
      local file = cjson.decode(output).files[1]
      assert.equal("damaged", file.state)
      assert.equal(damage.known and EVENTS or nil, file.expected)
      assert.equal(file.pending, cjson.decode(output).pending)
      assert.is_true(not damage.known or file.pending > 0 and file.pending <= EVENTS)
      local exported
      status, exported, _, said = run("export", directory)
      assert.equal(1, status, said)
      assert.equal(file.pending, #spooled.ids_of(exported))
      assert.equal(before, files.read(path))

      local came = #server:arrivals()
      status, _, _, said = run("deliver", directory, "--url", server.url)
      assert.equal(1, status, said)
      assert.truthy(said:find(path .. ".damaged: it was damaged", 1, true), said)
      local delivered = tonumber(said:match "(%d+) delivered")
      assert.equal(file.pending, delivered, said)
      assert.equal(delivered, #server:arrivals() - came)
      if damage.known then
        assert.equal(EVENTS, delivered + (tonumber(said:match "(%d+) unreadable") or 0), said)
      else
        assert.truthy(said:find("nobody knows how many", 1, true), said)
      end
      assert.is_true(files.exists(path .. ".damaged"))
      assert.is_false(files.exists(path))
      assert.equal(0, (run("list", directory)))
    end)
  end

  it("emptied, while its log is there, has all its events still", function()
    local server, directory = spooled.leave(0)
    local client = spooled.start(server.url, directory)
    spooled.track(client, 1, 20)
    local path = directory .. "/" .. spooled.list(directory).files[1].file
    local bytes, log = files.read(path), files.read(path .. "-wal")
    client:close(0)
    assert(#bytes > 0 and #log > 0)
    files.write(path, "")
    files.write(path .. "-wal", log)
    server:set "open"
    local status, _, _, said = run("deliver", directory, "--url", server.url)
    assert.equal(1, status, said)
    assert.truthy(said:find("20 delivered", 1, true), said)
    assert.truthy(said:find(".damaged: it was damaged", 1, true), said)
  end)

  it("damaged where its dead events are is told of, and so is how many were lost", function()
    local server, directory = spooled.leave(0)
    local client = spooled.start(server.url, directory)
    server:set "refuse"
    spooled.track(client, 1, EVENTS, { text = ("x"):rep(500) })
    client:flush(10)
    client:close(0)
    server:set "open"
    local path = directory .. "/" .. spooled.list(directory).files[1].file
    local bytes = files.read(path)
    files.write(path, zeros(bytes, math.floor(#bytes / PAGE / 2) * PAGE, PAGE))
    local _, output, _, said = run("list", directory, "--json")
    local file = cjson.decode(output).files[1]
    assert.same({ "damaged", EVENTS }, { file.state, file.expected_dead }, said)
    assert.is_true(file.dead > 0 and file.dead < EVENTS)
    _, output = run("list", directory)
    assert.truthy(output:find(("%d of its %d dead"):format(file.dead, EVENTS), 1, true), output)
    local status
    status, _, _, said = run("deliver", directory, "--url", server.url)
    assert.equal(1, status, said)
    assert.truthy(said:find(("%d dead events could not be kept"):format(EVENTS - file.dead), 1, true), said)
    assert.truthy(said:find(("; dead events that were not kept: %d"):format(EVENTS - file.dead), 1, true), said)
    assert.equal(file.dead, spooled.list(directory).dead)
  end)

  it("no file of ours at all is set aside, too", function()
    local server, directory = spooled.leave(3)
    server:set "open"
    for name, content in pairs { ["a.spool"] = "", ["b-1.spool"] = ("rubbish"):rep(1000) } do
      files.write(directory .. "/" .. name, content)
    end
    local status, _, _, said = run("deliver", directory, "--url", server.url)
    assert.equal(1, status, said)
    assert.truthy(said:find("3 delivered", 1, true), said)
    for _, name in ipairs { "a.spool", "b-1.spool" } do
      assert.truthy(said:find(directory .. "/" .. name .. ".damaged: it was damaged", 1, true), said)
    end
  end)

  it("damaged is told by a client that takes it over, in its log and its stats", function()
    local server, directory, path, bytes = leave()
    files.write(path, DAMAGES["cut to its half"].change(bytes))
    files.write(directory .. "/x.spool", "rubbish")
    local lines = {}
    local client = require("support.posting").client(server.url, {
      spool = { path = directory }, id_attribute = "external_event_id",
      log = function(_, message) lines[#lines + 1] = message end,
    })
    assert(client:start())
    assert(client:flush(10))
    local stats = tracking.assert_balanced(client:stats())
    assert.equal(EVENTS, stats.restored)
    assert.equal(EVENTS, stats.delivered + stats.dropped_by.spool)
    assert.same({ 2, 1 }, { stats.spool.damaged, stats.spool.uncounted })
    client:close(1)
    local all = table.concat(lines, "\n")
    assert.truthy(all:find(("%d, and others that nobody could count"):format(stats.dropped_by.spool), 1, true), all)
    assert.truthy(all:find("x.spool", 1, true), all)
  end)
end)
