-- A disk that fails stops no delivery: the client goes on in memory, says so, and returns to the spool when it can.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local children = require "support.children"
local files = require "support.files"
local helper = require "support.helper"
local posting = require "support.posting"
local rude = require "support.rude"
local tracking = require "support.tracking"
local waiting = require "support.waiting"

local function start(url, spool, options)
  local all = { retry = { initial = 0.01, max = 0.05 }, spool = spool, id_attribute = "external_event_id" }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local client, log = posting.client(url, all)
  helper.defer(function()
    client:close(0)
  end)
  return client, log
end

local function track(client, first, last)
  for number = first, last do
    assert(client:track { event_name = "e", external_event_id = "e" .. number })
  end
end

local function wait_for(client, condition, what)
  local stats
  waiting.wait_until(function()
    stats = tracking.assert_balanced(client:stats())
    return condition(stats)
  end, 10, what)
  return stats
end

local function works(stats)
  return stats.spool.state == "works" and stats.spool.uncommitted == 0
end

local function finish(client, count)
  assert(client:flush(10))
  local stats = tracking.assert_balanced(client:stats())
  assert.equal(count, stats.delivered)
  return stats
end

local function run(...)
  local status, output, errors = children.run({ ... })
  assert(status == 0, errors)
  return output
end

local function files_in(directory)
  local list = {}
  for name in run("ls", directory):gmatch "%S+" do
    list[#list + 1] = directory .. "/" .. name
  end
  return list
end

describe("a spool", function()
  helper.guard()

  it("is a directory of 0700 with files of 0600, made by the first event and empty at the end", function()
    local server = rude.start "answer"
    local directory = files.new_path "spool"
    local client = start(server.url, { path = directory })
    assert.is_false(files.exists(directory .. "/."))
    track(client, 1, 10)
    finish(client, 10)
    assert.equal("700\n", run("stat", "-c", "%a", directory))
    for _, path in ipairs(files_in(directory)) do
      assert.equal("600\n", run("stat", "-c", "%a", path))
    end
    client:close()
    assert.same({}, files_in(directory))
  end)

  it("that cannot be made leaves events in memory, and says why", function()
    local server = rude.start "answer"
    local client = start(server.url, { path = "/proc/no/such" })
    track(client, 1, 10)
    local stats = finish(client, 10)
    assert.equal("fails", stats.spool.state)
    assert.equal("the directory cannot be made: No such file or directory", stats.spool.last_error.message)
  end)

  it("that is required and cannot be made refuses events that wait for it", function()
    local server = rude.start "answer"
    local client = start(server.url, { path = "/proc/no/such", wait = true })
    local ticket, message, code = client:track { event_name = "e" }
    assert.same({ nil, "the event could not be written to the spool", "spool" }, { ticket, message, code })
    local stats = tracking.assert_balanced(client:stats())
    assert.equal(0, stats.pending)
    assert.equal(1, stats.refused.spool)
    local other = start(server.url, { path = "/proc/no/such", wait = true, required = false })
    track(other, 1, 3)
    finish(other, 3)
  end)

  it("whose file is removed begins another one, and loses nothing", function()
    local server = rude.start("script", { script = "if request.mode ~= 'open' then return { status = 503 } end" })
    local directory = files.new_path "spool"
    local client = start(server.url, { path = directory, wait = true }, { queue = { max_events = 20 } })
    track(client, 1, 60)
    wait_for(client, works, "the events to be on disk")
    run("sh", "-c", "rm " .. directory .. "/*")
    track(client, 61, 100)
    wait_for(client, works, "the spool to work again")
    server:set "open"
    local stats = finish(client, 100)
    assert.equal(0, stats.dropped)
  end)

  it("whose directory is removed begins another one, and loses nothing", function()
    local server = rude.start("script", { script = "if request.mode ~= 'open' then return { status = 503 } end" })
    local directory = files.new_path "spool"
    local client = start(server.url, { path = directory, wait = true }, { queue = { max_events = 20 } })
    track(client, 1, 60)
    wait_for(client, works, "the events to be on disk")
    run("rm", "-r", directory)
    track(client, 61, 70)
    wait_for(client, works, "the spool to work again")
    server:set "open"
    finish(client, 70)
  end)

  it("on a disk that is full goes on in memory, and returns when there is room", function()
    local server = rude.start("script", { script = "if request.mode ~= 'open' then return { status = 503 } end" })
    local mount = files.new_path "mount"
    run("mkdir", mount)
    if children.run { "mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", mount } ~= 0 then
      return -- no right to
    end
    helper.defer(function()
      run("umount", "-l", mount)
    end)
    local client = start(server.url, { path = mount .. "/spool" })
    local text = ("x"):rep(1000)
    for number = 1, 600 do
      assert(client:track { event_name = "e", external_event_id = "e" .. number, text = text })
    end
    local stats = wait_for(client, function(stats)
      return stats.spool.state == "full"
    end, "the disk to be full")
    assert.truthy(stats.spool.last_error.message:find "full")
    run("mount", "-o", "remount,size=20m", mount)
    wait_for(client, works, "the spool to work again")
    server:set "open"
    finish(client, 600)
  end)
end)
