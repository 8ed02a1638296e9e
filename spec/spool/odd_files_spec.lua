-- What is no plain file, under the name of a spool's: a pipe, a directory, a device, a socket, a link. Nobody waits for
-- it or is confused by it; it is named, and what is beside it is delivered.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local children = require "support.children"
local command = require "support.command"
local files = require "support.files"
local helper = require "support.helper"
local posting = require "support.posting"
local spooled = require "support.spooled"

local function run(...)
  local status, output, errors = children.run({ ... })
  assert(status == 0, output .. errors)
end

-- Its path has 107 bytes at most.
local SOCKET = "chdir shift; IO::Socket::UNIX->new(Local => shift, Listen => 1) or die $!"

local KINDS = {
  pipe = function(path) run("mkfifo", path) end,
  directory = function(path) run("mkdir", path) end,
  link = function(path) run("ln", "-s", "/dev/null", path) end,
  socket = function(path) run("perl", "-MIO::Socket::UNIX", "-e", SOCKET, path:match "(.*)/(.*)") end,
}
if children.run { "mknod", files.new_path "device", "c", "1", "5" } == 0 then -- root may
  KINDS.device = function(path) run("mknod", path, "c", "1", "5") end -- /dev/zero: it has no end
end

local function spool(...)
  local status, output, errors = command.run({ "spool", ... }, { timeout = 20 })
  return status, output .. errors
end

-- A server that is open; a directory with a file of three events, and the path of it.
local function leave()
  local server, directory = spooled.leave(3)
  server:set "open"
  return server, directory, directory .. "/" .. spooled.list(directory).files[1].file
end

describe("in a spool's directory", function()
  helper.guard()

  for kind, make in pairs(KINDS) do
    it("a " .. kind .. " with the name of a file is named, and nobody waits for it", function()
      local server, directory = leave()
      local odd = directory .. "/a.spool"
      make(odd)
      local status, said = spool("list", directory)
      assert.equal(1, status, said)
      assert.truthy(said:find("3 pending", 1, true), said)
      assert.truthy(said:find(odd .. ": it is no plain file", 1, true), said)
      assert.equal(1, (spool("retry", directory, "--all")))
      assert.equal(1, (spool("export", directory)))
      status, said = spool("deliver", directory, "--url", server.url)
      assert.equal(75, status, said) -- nobody knows what is there
      assert.truthy(said:find("3 delivered", 1, true), said)
      assert.truthy(said:find(odd .. ": it is no plain file", 1, true), said)
    end)

    it("a " .. kind .. " with the name of a log whose file is not there is named, and stays", function()
      local server, directory = leave()
      local odd = directory .. "/a.spool-wal"
      make(odd)
      local status, said = spool("list", directory)
      assert.equal(1, status, said)
      assert.truthy(said:find(directory .. "/a.spool: its -wal is no plain file", 1, true), said)
      status, said = spool("deliver", directory, "--url", server.url)
      assert.equal(75, status, said) -- nobody knows what is there
      assert.truthy(said:find("3 delivered", 1, true), said)
      assert.equal(0, (children.run { "test", kind == "link" and "-L" or "-e", odd }))
    end)

    for _, suffix in ipairs { ".lock", "-wal", "-shm" } do
      it("a " .. kind .. " with the name of a file's " .. suffix .. " is named, and nobody waits for it", function()
        local server, directory, path = leave()
        os.remove(path .. suffix)
        make(path .. suffix)
        local words = ("its %s is no plain file"):format(suffix)
        local status, said = spool("list", directory)
        assert.equal(1, status, said)
        assert.truthy(said:find(path .. ": " .. words, 1, true), said)
        status, said = spool("deliver", directory, "--url", server.url)
        assert.equal(75, status, said)
        assert.truthy(said:find(words, 1, true), said)
        assert.truthy(said:find("0 delivered", 1, true), said)
        assert.is_nil(said:find("running program", 1, true), said)
        status, said = spool("purge", directory, "--pending", "--yes")
        assert.equal(1, status, said)
      end)
    end
  end

  it("a client goes on beside pipes, and tells of them", function()
    local server, directory, path = leave()
    os.remove(path .. ".lock")
    KINDS.pipe(path .. ".lock")
    KINDS.pipe(directory .. "/b.spool")
    KINDS.pipe(directory .. "/c.spool.lock")
    local client = posting.client(server.url, { spool = { path = directory, wait = true } })
    assert(client:track { event_name = "e" })
    assert(client:flush(10))
    local stats = client:stats()
    files.write(directory .. "/d.spool", "rubbish")
    KINDS.pipe(directory .. "/d.spool.lock")
    local status, said = spool("list", directory)
    assert.equal(1, status, said)
    for _, name in ipairs { "/b.spool: it is no plain file", "/d.spool: its .lock is no plain file" } do
      assert.truthy(said:find("postevent: " .. directory .. name, 1, true), said)
    end
    assert.same({ 1, "works", 2 }, { stats.delivered, stats.spool.state, stats.spool.barred })
    assert.truthy(stats.spool.last_error.message:find("no plain file", 1, true), stats.spool.last_error.message)
    client:close(0)
  end)
end)
