-- What a machine does to a spool under a running program: a file system that is read-only, a directory that its user
-- may not enter or that is another one now, a parent that is gone. A disk that is bad: spec/spool/bad_disk_spec.lua.
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

local PRELUDE = [[
local forking = require "support.forking"
local postevent = require "postevent"
local process = require "support.process"
local tracking = require "support.tracking"
local waiting = require "support.waiting"
local url, directory = arg[1], arg[2]
local client = postevent.new { url = url, authorization = "]] .. documents.authorization .. [[",
  id_attribute = "external_event_id", retry = { initial = 0.002, max = 0.05 }, spool = { path = directory } }
local function wait_for(state)
  waiting.wait_until(function()
    local spool = tracking.assert_balanced(client:stats()).spool
    return spool.state == state and (state ~= "works" or spool.uncommitted == 0)
  end, 10, state)
  return client:stats().spool
end
]]

-- With what may fail: events 1 to 20 before it is mended, 21 to 40 behind it, all delivered in the end.
local function goes_on(server, client, mend)
  spooling.track(client, 1, 20)
  local trouble = spooling.wait_for(client, spooling.fails, "a failure").spool.last_error
  mend()
  spooling.track(client, 21, 40)
  spooling.wait_for(client, spooling.works, "the spool")
  server:set "open"
  assert(client:flush(10))
  local stats = tracking.assert_balanced(client:stats())
  assert.equal(40, stats.delivered)
  assert.equal(0, stats.dropped)
  return trouble
end

describe("a spool", function()
  helper.guard()

  it("on a file system that is read-only goes on in memory, and returns when that can be written", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local mount = files.new_path "mount"
    children.must("mkdir", mount)
    if children.run { "mount", "-t", "tmpfs", "-o", "ro", "tmpfs", mount } ~= 0 then
      return pending "no right to mount"
    end
    helper.defer(function()
      children.must("umount", "-l", mount)
    end)
    local client = spooling.client(server.url, { path = mount .. "/spool" })
    local trouble = goes_on(server, client, function()
      children.must("mount", "-o", "remount,rw", mount)
    end)
    assert.truthy(trouble.message:find("Read-only file system", 1, true), trouble.message)
  end)

  it("that its user may not enter goes on in memory, and returns when it may", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local shared = assert(process.temporary_directory "/tmp/postevent-shared-") -- the run's own is for its user alone
    helper.defer(function()
      assert(children.run { "rm", "-r", shared } == 0)
    end)
    local script = files.write(shared .. "/nobody.lua", PRELUDE .. [[
      assert(os.execute("mkdir -m 0 " .. directory))
      forking.track(client, "closed", 20)
      local why = wait_for("fails").last_error.message
      assert(why == "the directory is not ours to write to", why)
      assert(os.execute("chmod 700 " .. directory))
      forking.track(client, "opened", 20)
      wait_for "works"
      local ok, _, _, detail = client:close(0)
      assert(not ok and detail.remaining == 40 and detail.kept == 40)
    ]])
    children.must("chmod", "777", shared)
    children.must("chmod", "644", script)
    local status, _, errors = children.run { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
      children.lua(), script, server.url, shared .. "/spool" }
    if errors:find("setresuid", 1, true) or errors:find("setgroups", 1, true) then
      return pending "no right to be another user"
    end
    assert.equal(0, status, errors)
    server:set "open"
    -- Root, for whom nobody's files are another user's.
    local client = spooling.client(server.url, { path = shared .. "/spool" })
    assert(client:start())
    assert(client:flush(10))
    local count = select(2, children.must("ls", shared .. "/spool"):gsub("%.spool\n", ""))
    assert.is_true(count >= 1 or client:stats().restored == 40)
  end)

  it("whose directory is another one now begins a file there, and loses nothing", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory = files.new_path "spool"
    local client = spooling.client(server.url, { path = directory })
    spooling.track(client, 1, 20)
    spooling.wait_for(client, spooling.works, "the spool")
    assert(process.exchange(directory, files.new_directory()))
    spooling.track(client, 21, 40)
    waiting.wait_until(function()
      tracking.assert_balanced(client:stats())
      return children.must("ls", directory):find ".spool\n" and client:stats().spool.uncommitted == 0
    end, 10, "a file in the new directory")
    server:set "open"
    assert(client:flush(10))
    assert.equal(40, tracking.assert_balanced(client:stats()).delivered)
    spooling.assert_arrived(server, "e", 40)
  end)

  it("whose directory is a file goes on in memory, and returns when that is gone", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory = files.write(files.new_path "spool", "")
    local client = spooling.client(server.url, { path = directory })
    local trouble = goes_on(server, client, function()
      children.must("rm", directory)
    end)
    assert.equal("it is no directory", trouble.message)
    spooling.assert_arrived(server, "e", 40)
  end)
end)

describe("a child of a program with a spool", function()
  helper.guard()

  -- SQLite forbids to carry a database over a fork, and its parent's the child still has open.
  it("that outlives its parent has a file of its own, and leaves its parent's to another process", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory, done = files.new_path "spool", files.new_path "done"
    local status = helper.run_lua({ code = PRELUDE .. [[
      forking.track(client, "parent", 20)
      wait_for "works"
      local parent = process.getpid()
      forking.fork(function()
        process.outlive() -- and not for long, whatever happens
        assert(client:stats().pending == 0)
        process.kill(parent, "SIGKILL")
        waiting.wait_until(function() return not io.open("/proc/" .. parent .. "/stat") end, 10, "its end")
        forking.track(client, "child", 20)
        assert(client:flush(20))
        local stats = tracking.assert_balanced(client:stats())
        assert(stats.accepted == 20 and stats.restored == 0 and stats.delivered == 20)
        client:close(5)
        io.open(arg[3], "w"):close()
      end)
      process.sleep(20)
    ]] }, { server.url, directory, done })
    assert.equal(128 + 9, status)
    server:set "open"
    waiting.wait_until(function()
      return files.exists(done)
    end, 20, "the child to be done")
    spooling.assert_arrived(server, "child", 20)
    local client = spooling.client(server.url, { path = directory })
    assert(client:start())
    assert(client:flush(10))
    assert.equal(20, tracking.assert_balanced(client:stats()).restored)
    spooling.assert_arrived(server, "parent", 20)
    client:close(1)
    assert.equal("", children.must("ls", directory))
  end)
end)
