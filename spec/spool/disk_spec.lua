-- A disk that fails stops no delivery: the client goes on in memory, says so, and returns to the spool when it can.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local children = require "support.children"
local command = require "support.command"
local files = require "support.files"
local helper = require "support.helper"
local rude = require "support.rude"
local spooled = require "support.spooled"
local spooling = require "support.spooling"
local tracking = require "support.tracking"

local function finish(client, count)
  assert(client:flush(10))
  local stats = tracking.assert_balanced(client:stats())
  assert.equal(count, stats.delivered)
  return stats
end

local function files_in(directory)
  local list = {}
  for name in children.must("ls", directory):gmatch "%S+" do
    list[#list + 1] = directory .. "/" .. name
  end
  return list
end

describe("a spool", function()
  helper.guard()

  it("is a directory of 0700 with files of 0600, made by the first event and empty at the end", function()
    local server = rude.start "answer"
    local directory = files.new_path "spool"
    local client = spooling.client(server.url, { path = directory })
    assert.is_false(files.exists(directory .. "/."))
    spooling.track(client, 1, 10)
    finish(client, 10)
    assert.equal("700\n", children.must("stat", "-c", "%a", directory))
    for _, path in ipairs(files_in(directory)) do
      assert.equal("600\n", children.must("stat", "-c", "%a", path))
    end
    client:close()
    assert.same({}, files_in(directory))
  end)

  it("that cannot be made leaves events in memory, and says why", function()
    local server = rude.start "answer"
    local client = spooling.client(server.url, { path = "/proc/no/such" })
    spooling.track(client, 1, 10)
    local stats = finish(client, 10)
    assert.equal("fails", stats.spool.state)
    assert.equal("the directory cannot be made: No such file or directory", stats.spool.last_error.message)
  end)

  it("that is required and cannot be made refuses events that wait for it", function()
    local server = rude.start "answer"
    local client = spooling.client(server.url, { path = "/proc/no/such", wait = true })
    local ticket, message, code = client:track { event_name = "e" }
    assert.same({ nil, "the event could not be written to the spool", "spool" }, { ticket, message, code })
    local stats = tracking.assert_balanced(client:stats())
    assert.equal(0, stats.pending)
    assert.equal(1, stats.refused.spool)
    local other = spooling.client(server.url, { path = "/proc/no/such", wait = true, required = false })
    spooling.track(other, 1, 3)
    finish(other, 3)
  end)

  it("whose file is removed begins another one, and loses nothing", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory = files.new_path "spool"
    local client = spooling.client(server.url, { path = directory, wait = true }, { queue = { max_events = 20 } })
    spooling.track(client, 1, 60)
    spooling.wait_for(client, spooling.works, "the events to be on disk")
    children.must("sh", "-c", "rm " .. directory .. "/*")
    spooling.track(client, 61, 100)
    spooling.wait_for(client, spooling.works, "the spool to work again")
    server:set "open"
    local stats = finish(client, 100)
    assert.equal(0, stats.dropped)
  end)

  it("whose directory is removed begins another one, and loses nothing", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory = files.new_path "spool"
    local client = spooling.client(server.url, { path = directory, wait = true }, { queue = { max_events = 20 } })
    spooling.track(client, 1, 60)
    spooling.wait_for(client, spooling.works, "the events to be on disk")
    -- In one go: a client that finds its file gone makes another one.
    children.must("mv", directory, directory .. ".gone")
    children.must("rm", "-r", directory .. ".gone")
    spooling.track(client, 61, 70)
    spooling.wait_for(client, spooling.works, "the spool to work again")
    server:set "open"
    finish(client, 70)
  end)

  it("on a disk that is full goes on in memory, and returns when there is room", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local mount = files.new_path "mount"
    children.must("mkdir", mount)
    if children.run { "mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", mount } ~= 0 then
      return -- no right to
    end
    helper.defer(function()
      children.must("umount", "-l", mount)
    end)
    local client = spooling.client(server.url, { path = mount .. "/spool" })
    local text = ("x"):rep(1000)
    for number = 1, 600 do
      assert(client:track { event_name = "e", external_event_id = "e" .. number, text = text })
    end
    local stats = spooling.wait_for(client, function(stats)
      return stats.spool.state == "full"
    end, "the disk to be full")
    assert.truthy(stats.spool.last_error.message:find "full")
    children.must("mount", "-o", "remount,size=20m", mount)
    spooling.wait_for(client, spooling.works, "the spool to work again")
    server:set "open"
    finish(client, 600)
  end)

  it("on a disk that is full says so of what another has left there, and takes it over when there is room", function()
    local server = rude.start("script", { script = spooled.script })
    local mount = files.new_path "mount"
    children.must("mkdir", mount)
    if children.run { "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount } ~= 0 then
      return -- no right to
    end
    helper.defer(function()
      children.must("umount", "-l", mount)
    end)
    local path = spooled.kill(server.url, mount .. "/spool", 20)
    assert(os.remove(path .. "-shm")) -- for which there is no room then
    children.must("truncate", "-s", "1", path .. ".lock") -- nor any in reserve
    assert(children.run { "dd", "if=/dev/zero", "of=" .. mount .. "/all", "bs=4k" } ~= 0)
    local status, _, errors = command.run { "spool", "list", mount .. "/spool" }
    assert.equal(1, status)
    assert.truthy(errors:find(path .. ": the disk is full", 1, true), errors)
    local client = spooling.client(server.url, { path = mount .. "/spool" })
    assert(client:start())
    local stats = spooling.wait_for(client, function(stats)
      return stats.spool.state == "full"
    end, "the disk to be full")
    assert.same({ 0, "the disk is full" }, { stats.spool.barred, stats.spool.last_error.message })
    server:set "open"
    assert(os.remove(mount .. "/all"))
    spooling.wait_for(client, function()
      return client:stats().delivered == 20
    end, "the events of the other")
  end)
end)
