-- What a machine does to a spool under a running program: a file system that is read-only, a directory that its user
-- may not enter or that is another one now, a disk that stands still, a parent that is gone.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local children = require "support.children"
local documents = require "support.documents"
local files = require "support.files"
local helper = require "support.helper"
local posting = require "support.posting"
local process = require "support.process"
local rude = require "support.rude"
local tracking = require "support.tracking"
local waiting = require "support.waiting"

-- Answers 503 until it is told to be open.
local CLOSED = "if request.mode ~= 'open' then return { status = 503 } end"

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

local function run(...)
  local status, output, errors = children.run({ ... })
  assert(status == 0, errors)
  return output
end

-- A client in this process, at this directory.
local function start(url, directory)
  local client = posting.client(url, {
    retry = { initial = 0.01, max = 0.05 }, spool = { path = directory }, id_attribute = "external_event_id",
  })
  helper.defer(function()
    client:close(0)
  end)
  return client
end

local function track(client, first, last)
  for number = first, last do
    assert(client:track { event_name = "e", external_event_id = "e" .. number })
  end
end

local function wait_for(client, state)
  waiting.wait_until(function()
    local stats = tracking.assert_balanced(client:stats())
    return stats.spool.state == state and (state ~= "works" or stats.spool.uncommitted == 0)
  end, 10, state)
  return client:stats().spool.last_error
end

-- Each of them came; that it counts once, the client's numbers say.
local function assert_came(server, prefix, count)
  local came = {}
  for _, arrival in ipairs(server:arrivals()) do
    came[arrival.id] = true
  end
  for number = 1, count do
    assert.is_true(came[prefix .. number], prefix .. number)
  end
end

-- With what may fail: events 1 to 20 before it is mended, 21 to 40 behind it, all delivered in the end.
local function goes_on(server, client, state, mend)
  track(client, 1, 20)
  local trouble = wait_for(client, state)
  mend()
  track(client, 21, 40)
  wait_for(client, "works")
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
    local server = rude.start("script", { script = CLOSED })
    local mount = files.new_path "mount"
    run("mkdir", mount)
    if children.run { "mount", "-t", "tmpfs", "-o", "ro", "tmpfs", mount } ~= 0 then
      return pending "no right to mount"
    end
    helper.defer(function()
      run("umount", "-l", mount)
    end)
    local client = start(server.url, mount .. "/spool")
    local trouble = goes_on(server, client, "fails", function()
      run("mount", "-o", "remount,rw", mount)
    end)
    assert.truthy(trouble.message:find("Read-only file system", 1, true), trouble.message)
  end)

  it("that its user may not enter goes on in memory, and returns when it may", function()
    local server = rude.start("script", { script = CLOSED })
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
    run("chmod", "777", shared)
    run("chmod", "644", script)
    local status, _, errors = children.run { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
      children.lua(), script, server.url, shared .. "/spool" }
    if errors:find("setresuid", 1, true) or errors:find("setgroups", 1, true) then
      return pending "no right to be another user"
    end
    assert.equal(0, status, errors)
    server:set "open"
    local client = start(server.url, shared .. "/spool") -- root, for whom nobody's files are another user's
    assert(client:start())
    assert(client:flush(10))
    local count = select(2, run("ls", shared .. "/spool"):gsub("%.spool\n", ""))
    assert.is_true(count >= 1 or client:stats().restored == 40)
  end)

  it("whose directory is another one now begins a file there, and loses nothing", function()
    local server = rude.start("script", { script = CLOSED })
    local directory = files.new_path "spool"
    local client = start(server.url, directory)
    track(client, 1, 20)
    wait_for(client, "works")
    run("sh", "-c", ("mv %s %s.away && mkdir -m 700 %s"):format(directory, directory, directory))
    track(client, 21, 40)
    waiting.wait_until(function()
      tracking.assert_balanced(client:stats())
      return run("ls", directory):find ".spool\n" and client:stats().spool.uncommitted == 0
    end, 10, "a file in the new directory")
    server:set "open"
    assert(client:flush(10))
    assert.equal(40, tracking.assert_balanced(client:stats()).delivered)
    assert_came(server, "e", 40)
  end)

  it("whose directory is a file goes on in memory, and returns when that is gone", function()
    local server = rude.start("script", { script = CLOSED })
    local directory = files.write(files.new_path "spool", "")
    local client = start(server.url, directory)
    local trouble = goes_on(server, client, "fails", function()
      run("rm", directory)
    end)
    assert.equal("it is no directory", trouble.message)
    assert_came(server, "e", 40)
  end)
end)

-- fsync and the writes of SQLite, which wait while the file STALL exists.
local STALLING = [[
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
static void stall(void) {
  const struct timespec pause = {0, 5000000};
  const char *file = getenv("STALL");
  while (file && access(file, F_OK) == 0) nanosleep(&pause, NULL);
}
ssize_t pwrite64(int to, const void *bytes, size_t size, off64_t at) {
  stall();
  return ((ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64"))(to, bytes, size, at);
}
ssize_t pwrite(int to, const void *bytes, size_t size, off_t at) { return pwrite64(to, bytes, size, at); }
int fdatasync(int of) {
  stall();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(of);
}
int fsync(int of) {
  stall();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(of);
}
]]

describe("a program whose disk stands still", function()
  helper.guard()

  it("closes in the time that it was given, ends, and leaves what was on disk", function()
    local server = rude.start("script", { script = CLOSED })
    local directory, stall = files.new_path "spool", files.new_path "stall"
    local library = files.new_path "stalling" .. ".so"
    local status, _, errors = helper.run { "cc", "-shared", "-fPIC", "-o", library, helper.new_file(STALLING, ".c"),
      "-ldl" }
    assert.equal(0, status, errors)
    local preload = ((os.getenv "LD_PRELOAD" or "") .. ":" .. library):gsub("^:", "")
    local output
    status, output, errors = helper.run_lua({ code = PRELUDE .. [[
      forking.track(client, "before", 20)
      wait_for "works"
      io.open(os.getenv "STALL", "w"):close()
      forking.track(client, "behind", 20)
      local begin = process.now()
      local ok, message, code, detail = client:close(1)
      local took = process.now() - begin
      assert(not ok and code == "timeout", tostring(code))
      assert(took < 3, took .. " s")
      print(detail.remaining, detail.kept)
    ]] }, { server.url, directory }, { env = { LD_PRELOAD = preload, STALL = stall }, timeout = 15 })
    assert.equal(0, status, errors)
    local remaining, kept = output:match "^(%d+)\t(%d+)\n$"
    assert.equal("40", remaining, output)
    assert.is_true(tonumber(kept) >= 20 and tonumber(kept) <= 40)
    os.remove(stall)
    server:set "open"
    local client = start(server.url, directory)
    assert(client:start())
    assert(client:flush(10))
    assert_came(server, "before", 20)
    local restored = tracking.assert_balanced(client:stats()).restored
    assert.is_true(restored >= tonumber(kept), restored .. " restored of " .. kept)
  end)
end)

describe("a child of a program with a spool", function()
  helper.guard()

  -- SQLite forbids to carry a database over a fork, and its parent's the child still has open.
  it("that outlives its parent has a file of its own, and leaves its parent's to another process", function()
    local server = rude.start("script", { script = CLOSED })
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
    assert_came(server, "child", 20)
    local client = start(server.url, directory)
    assert(client:start())
    assert(client:flush(10))
    assert.equal(20, tracking.assert_balanced(client:stats()).restored)
    assert_came(server, "parent", 20)
    client:close(1)
    assert.equal("", run("ls", directory))
  end)
end)
