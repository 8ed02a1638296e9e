-- What the log is told of a spool: that it fails and works again, files that are not as they should be.
local where = require "support.where"
if not where.spools() then
  return
end

local children = require "support.children"
local files = require "support.files"
local helper = require "support.helper"
local rude = require "support.rude"
local tracking = require "support.tracking"
local waiting = require "support.waiting"

local REFUSE = "if request.mode ~= 'open' then return { status = 503 } end"

local function start(url, directory)
  local lines = {}
  local client = tracking.new {
    url = url, spool = { path = directory }, id_attribute = "external_event_id",
    log = function(level, message)
      lines[#lines + 1] = level .. ": " .. message
    end,
  }
  return client, lines
end

-- Waits until the log has that line, asking as a program does that calls now and then.
local function wait_for(client, lines, wanted)
  waiting.wait_until(function()
    client:stats()
    for _, line in ipairs(lines) do
      if line:find(wanted, 1, true) then
        return true
      end
    end
  end, 10, wanted)
end

-- Leaves a file with that many events in the directory, and returns its path.
local function leave(url, directory, count)
  local client = start(url, directory)
  for _ = 1, count do
    assert(client:track { event_name = "e", text = ("x"):rep(500) })
  end
  assert.equal(count, (select(4, client:close(0))).kept)
  local _, names = children.run { "sh", "-c", "ls " .. directory .. "/*.spool" }
  return (names:match "[^\n]+")
end

local function overwrite(path, at, bytes)
  local file = assert(io.open(path, "r+b"))
  assert(file:seek("set", at))
  assert(file:write(bytes))
  assert(file:close())
end

describe("the log of a client with a spool", function()
  helper.guard()

  it("is told that it fails, and why, and that it works again", function()
    local server, directory = rude.start "answer", files.new_path "spool"
    helper.write_file(directory, "in the way")
    local client, lines = start(server.url, directory)
    assert(client:track { event_name = "e" } and client:flush(5))
    wait_for(client, lines, "it is no directory")
    assert.truthy(lines[1]:find("^warn: the spool fails, %d pending in memory alone: it is no directory$"), lines[1])
    assert(os.remove(directory))
    wait_for(client, lines, "info: the spool works again; before: it is no directory")
    assert.equal(1, tracking.assert_balanced(client:stats()).spool.failures)
    client:close()
  end)

  it("is not told of one that works", function()
    local server = rude.start "answer"
    local client, lines = start(server.url, files.new_path "spool")
    assert(client:track { event_name = "e" } and client:flush(5))
    client:close()
    assert.same({}, lines)
  end)

  it("is told of a file that is damaged, and of events that cannot be read", function()
    local server = rude.start("script", { script = REFUSE })
    local directory = files.new_path "spool"
    local path = leave(server.url, directory, 40)
    overwrite(path, 3 * 4096, ("\255"):rep(2 * 4096))
    server:set "open"
    local client, lines = start(server.url, directory)
    assert(client:start() and client:flush(5))
    wait_for(client, lines, "warn: files of the spool that were damaged, and set aside as *.damaged: 1;")
    local stats = tracking.assert_balanced(client:stats())
    assert.equal(1, stats.spool.damaged)
    assert.is_true(files.exists(path .. ".damaged"))
    client:close()
  end)

  it("is told of a file that a newer version has written, which stays as it is", function()
    local server = rude.start("script", { script = REFUSE })
    local directory = files.new_path "spool"
    local path = leave(server.url, directory, 3)
    overwrite(path, 60, "\0\0\0\2") -- SQLite's user_version
    local before = helper.read_file(path)
    local client, lines = start(server.url, directory)
    assert(client:start() and client:flush(5))
    local line = "a newer version of postevent has written, and this one leaves alone: 1"
    wait_for(client, lines, line)
    assert.equal(1, client:stats().spool.newer)
    assert.equal(before, helper.read_file(path))
    client:close()
    assert.equal(before, helper.read_file(path))
  end)

  it("is told once of files for another url, and of those that it cannot open", function()
    local server = rude.start("script", { script = REFUSE })
    local directory = files.new_path "spool"
    local path = leave(server.url, directory, 3)
    local other, lines = start(server.url .. "/", directory)
    assert(other:start() and other:flush(5))
    wait_for(other, lines, "warn: files of the spool that are for another url")
    assert.same({ 1, 0 }, { other:stats().spool.elsewhere, other:stats().restored })
    other:close()
    assert(children.run { "rm", path .. ".lock" } == 0)
    assert(children.run { "mkdir", path .. ".lock" } == 0) -- even root cannot lock that
    local client
    client, lines = start(server.url, directory)
    assert(client:start() and client:flush(5))
    wait_for(client, lines, "warn: files of the spool that this process cannot open, and leaves alone ("
      .. path:match "[^/]+$" .. ": it cannot be locked: its .lock is no plain file): 1")
    assert.same({ 1, 0, 0 }, { client:stats().spool.barred, client:stats().spool.elsewhere, client:stats().restored })
    client:close()
  end)
end)
