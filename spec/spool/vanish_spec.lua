-- A directory that goes away under a running program, or is another thing meanwhile, while events are on disk alone:
-- they are behind the file that is open. Nothing is lost, nothing that is sound is set aside as damaged, and what
-- `close` says is kept is there for the next process.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local children = require "support.children"
local documents = require "support.documents"
local files = require "support.files"
local helper = require "support.helper"
local process = require "support.process"
local rude = require "support.rude"
local spooling = require "support.spooling"
local tracking = require "support.tracking"
local waiting = require "support.waiting"

-- In one go: a client that finds its file gone makes another one.
local function remove(directory)
  children.must("mv", directory, directory .. ".gone")
  children.must("rm", "-r", directory .. ".gone")
end

local function start(url, directory)
  return spooling.client(url, { path = directory }, { queue = { max_events = 40 } })
end

local function wait_for(client, state)
  return spooling.wait_for(client, spooling[state], state)
end

-- A client, and its log, with forty events that another one has left, and twenty of its own: these, and half of those,
-- are on disk alone.
local function fill(url, directory)
  local before = start(url, directory)
  spooling.track(before, 1, 40)
  wait_for(before, "works")
  before:close(0)
  local client, log = start(url, directory)
  assert(client:start())
  tracking.wait_for(client, { restored = 40 })
  for first = 41, 51, 10 do
    spooling.track(client, first, first + 9)
    wait_for(client, "works")
  end
  assert.equal(39, client:stats().spool.on_disk)
  return client, log
end

-- The log says it, with numbers or without, in its time: a line a second.
local function wait_for_line(client, log, line)
  waiting.wait_until(function()
    client:stats()
    for _, logged in ipairs(log) do
      if logged:gsub("%d+", "N"):find(line, 1, true) then
        return true
      end
    end
  end, 10, line)
end

local function deliver(server, client, count)
  server:set "open"
  assert(client:flush(10))
  local stats = tracking.assert_balanced(client:stats())
  assert.same({ count, 0, 0 }, { stats.delivered, stats.dropped, stats.spool.damaged })
  spooling.assert_arrived(server, "e", count)
end

-- `take` takes the directory away and `give` gives it back: six events come between the two, six behind.
-- With `logs`, what the log is told of it is waited for.
local function goes_on(take, give, why, directory, logs)
  local server = rude.start("script", { script = spooling.CLOSED })
  local client, log = fill(server.url, directory)
  take()
  spooling.track(client, 61, 66)
  local trouble = wait_for(client, "fails").spool.last_error.message
  assert.equal(why, trouble)
  if logs then
    wait_for_line(client, log, "warn: the spool fails, N pending in memory alone: " .. why)
  end
  give()
  spooling.track(client, 67, 72)
  wait_for(client, "works")
  if logs then
    wait_for_line(client, log, "info: the spool works again; before: " .. why)
  end
  deliver(server, client, 72)
  client:close(1)
  assert.equal("", children.must("ls", directory))
end

describe("a spool whose directory", function()
  helper.guard()

  local directory
  before_each(function()
    directory = files.new_path "spool"
  end)

  -- In its place is something else, without a moment at which there is nothing: it would be made again.
  local function exchange(other)
    return function()
      assert(process.exchange(directory, other))
    end
  end

  it("is renamed away and a file in its place loses nothing, and returns to it", function()
    local swap = exchange(files.write(files.new_path "file", ""))
    goes_on(swap, swap, "it is no directory", directory, true)
  end)

  -- `other` in its place, which goes again.
  local function is_replaced_by(other)
    goes_on(function()
      exchange(other)()
      children.must("rm", "-r", other)
    end, function()
      children.must("rm", directory)
    end, "it is no directory", directory)
  end

  it("is removed and a file in its place loses nothing, and begins another one", function()
    is_replaced_by(files.write(files.new_path "file", ""))
  end)

  it("is removed and a symbolic link in its place loses nothing, and writes to no other", function()
    local other, link = files.new_directory(), files.new_path "link"
    children.must("ln", "-s", other, link)
    is_replaced_by(link)
    assert.equal("", children.must("ls", other))
  end)

  -- A spool on a file system of its own; `cover` mounts another one over it, which is read-only. False: no right to.
  local function mount()
    local at = directory
    children.must("mkdir", at)
    if children.run { "mount", "-t", "tmpfs", "tmpfs", at } ~= 0 then
      return false
    end
    helper.defer(function()
      while children.run { "umount", "-l", at } == 0 do end -- what covers it, too
    end)
    directory = at .. "/spool"
    return function()
      children.must("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", at)
    end, at
  end

  it("is covered by a file system that is read-only loses nothing, and returns when that can be written", function()
    local cover, at = mount()
    if not cover then
      return pending "no right to mount"
    end
    goes_on(cover, function()
      children.must("mount", "-o", "remount,rw", at)
    end, "the directory cannot be made: Read-only file system", directory)
  end)

  it("is covered by another file system for a while returns to its file", function()
    local cover, at = mount()
    if not cover then
      return pending "no right to mount"
    end
    goes_on(cover, function()
      children.must("umount", at)
    end, "the directory cannot be made: Read-only file system", directory)
  end)

  it("is removed while nothing happens is made again by close, for the next process", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local client = fill(server.url, directory)
    remove(directory)
    local _, _, _, detail = client:close(0)
    assert.same({ 60, 60 }, { detail.remaining, detail.kept })
    tracking.assert_balanced(client:stats())
    local after = start(server.url, directory)
    assert(after:start())
    deliver(server, after, 60)
    assert.equal(60, after:stats().restored)
  end)

  it("is removed for good keeps nothing, and close says so", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local client = fill(server.url, directory)
    local other = files.write(files.new_path "file", "")
    exchange(other)()
    children.must("rm", "-r", other)
    local _, _, _, detail = client:close(0)
    assert.same({ 60, nil }, { detail.remaining, detail.kept })
    local stats = tracking.assert_balanced(client:stats())
    assert.equal("it is no directory", stats.spool.last_error.message)
  end)
end)

describe("a program that is not root", function()
  helper.guard()

  it("and may not enter its directory for a while loses nothing, and returns to its file", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local shared = assert(process.temporary_directory "/tmp/postevent-shared-") -- the run's own is for its user alone
    helper.defer(function()
      assert(children.run { "rm", "-r", shared } == 0)
    end)
    local script = files.write(shared .. "/nobody.lua", [[
      local forking = require "support.forking"
      local postevent = require "postevent"
      local tracking = require "support.tracking"
      local waiting = require "support.waiting"
      local url, directory = arg[1], arg[2]
      local function new() return postevent.new { url = url, authorization = "]] .. documents.authorization .. [[",
        id_attribute = "external_event_id", retry = { initial = 0.002, max = 0.05 }, queue = { max_events = 40 },
        spool = { path = directory } } end
      local client = new()
      local function wait_for(state)
        return waiting.wait_until(function()
          local spool = tracking.assert_balanced(client:stats()).spool
          return spool.state == state and (state ~= "works" or spool.uncommitted == 0) and spool
        end, 10, state)
      end
      forking.track(client, "e", 40)
      wait_for "works"
      client:close(0)
      client = new()
      assert(client:start())
      waiting.wait_until(function() return client:stats().restored == 40 end, 10, "what is there")
      forking.track(client, "f", 9)
      wait_for "works"
      assert(os.execute("chmod 0 " .. directory))
      forking.track(client, "closed", 6)
      local why = wait_for("fails").last_error.message
      assert(why == "the directory is not ours to write to", why)
      assert(os.execute("chmod 700 " .. directory))
      forking.track(client, "opened", 6)
      assert(wait_for("works").damaged == 0)
      local ok, _, _, detail = client:close(0)
      assert(not ok and detail.remaining == 61 and detail.kept == 61)
    ]])
    children.must("chmod", "777", shared)
    children.must("chmod", "644", script)
    local status, _, errors = children.run { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
      children.lua(), script, server.url, shared .. "/spool" }
    if errors:find("setresuid", 1, true) or errors:find("setgroups", 1, true) then
      return pending "no right to be another user"
    end
    assert.equal(0, status, errors)
    assert.truthy(children.must("ls", shared .. "/spool"):find "^(%S+%.spool)\n%1%.lock\n(%S+%.spool)\n%2%.lock\n$")
    local client = start(server.url, shared .. "/spool") -- root may read them
    assert(client:start())
    server:set "open"
    assert(client:flush(10))
    assert.equal(61, tracking.assert_balanced(client:stats()).restored)
    spooling.assert_arrived(server, "e", 40)
  end)

  -- What left memory for the disk between the copy of the old file and the new one would be in neither.
  it("loses nothing of what is tracked while its file is made again", function()
    local server = rude.start "never_answer"
    for round = 1, 60 do
      local directory = files.new_path "spool"
      local client = spooling.client(server.url, { path = directory },
        { max_in_flight = 1, queue = { max_events = 100 } })
      spooling.track(client, 1, 90)
      wait_for(client, "works")
      assert(os.rename(directory, directory .. ".gone"))
      for i = 91, 150 do
        client:track { event_name = "e", external_event_id = "e" .. i }
        local till = process.now() + round * 5e-6
        repeat until process.now() >= till
      end
      wait_for(client, "works")
      assert.equal(0, tracking.assert_balanced(client:stats()).dropped, "round " .. round)
      client:close(0)
    end
  end)
end)
