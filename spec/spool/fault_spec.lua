-- What may happen to a program with a spool that is not the disk's doing: forks, other users, other endpoints, the
-- clock, changes of the mode, queues that overflow. What the server received is compared by id.
if not require("support.where").is("lua5.4", "luajit") or not require("support.where").spools() then
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

-- How often the other threads of this process have slept.
local function switches()
  local count, own = 0, process.getpid()
  for _, thread in ipairs(process.threads()) do
    local status = files.read_if_there(("/proc/self/task/%d/status"):format(thread))
    count = count + (thread ~= own and tonumber(status:match "\nvoluntary_ctxt_switches:%s*(%d+)") or 0)
  end
  return count
end

local function run_lua(code, ...)
  local status, _, errors = children.run_lua({ code = code }, { ... })
  assert(status == 0, errors)
end

local PRELUDE = [[
local forking = require "support.forking"
local postevent = require "postevent"
local process = require "support.process"
local tracking = require "support.tracking"
local url, directory = arg[1], arg[2]
local function new(options)
  local all = { url = url, authorization = "]] .. documents.authorization .. [[", id_attribute = "external_event_id",
    retry = { initial = 0.002, max = 0.05 }, queue = { max_events = 100 }, spool = { path = directory, wait = true } }
  for name, value in pairs(options or {}) do all[name] = value end
  return postevent.new(all)
end
]]

describe("a program with a spool", function()
  helper.guard()

  it("that forks has one file in each process, and each event comes once", function()
    local server = rude.start "answer"
    run_lua(PRELUDE .. [[
      local client = new()
      forking.track(client, "before", 30)
      local child = forking.fork(function()
        assert(client:stats().pending == 0 and client:stats().spool.on_disk == 0)
        forking.track(client, "child", 30)
        forking.close(client, 30)
      end)
      forking.track(client, "parent", 30)
      forking.join(child)
      assert(client:close(10))
      local stats = tracking.assert_balanced(client:stats())
      assert(stats.delivered == 60 + stats.restored and stats.pending == 0)
    ]], server.url, files.new_path "spool")
    spooling.assert_arrived(server, "before", 30, 1)
    spooling.assert_arrived(server, "child", 30, 1)
    spooling.assert_arrived(server, "parent", 30, 1)
  end)

  it("forks again and again while its thread writes, and no child hangs", function()
    local server = rude.start "answer"
    run_lua(PRELUDE .. [[
      local client = new()
      for number = 1, 30 do
        forking.track(client, "p" .. number .. "-", 20)
        local child = forking.fork(function()
          forking.track(client, "c" .. number .. "-", 3)
          forking.close(client, 3)
        end)
        forking.join(child)
      end
      assert(client:close(10))
    ]], server.url, files.new_path "spool")
    for number = 1, 30 do
      spooling.assert_arrived(server, "c" .. number .. "-", 3, 1)
    end
  end)

  it("that is killed after a fork leaves its events, and its child's, to another process", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory = files.new_path "spool"
    run_lua(PRELUDE .. [[
      local client = new()
      forking.track(client, "parent", 20)
      forking.join(forking.fork(function()
        forking.track(client, "child", 5)
        local stats = tracking.assert_balanced(client:stats())
        assert(stats.restored == 0 and stats.accepted == 5)
      end))
      process._exit(0)
    ]], server.url, directory)
    server:set "open"
    local client = spooling.client(server.url, { path = directory })
    assert(client:start())
    assert(client:flush(10))
    assert.equal(25, tracking.assert_balanced(client:stats()).restored)
    spooling.assert_arrived(server, "parent", 20)
    spooling.assert_arrived(server, "child", 5)
  end)

  it("of another user has a file of its own in a shared directory, and leaves those of others alone", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local shared = assert(process.temporary_directory "/tmp/postevent-shared-") -- the run's own is for its user alone
    helper.defer(function()
      assert(children.run { "rm", "-r", shared } == 0)
    end)
    local directory = shared .. "/spool"
    local client = spooling.client(server.url, { path = directory })
    spooling.track(client, 1, 5, "root")
    client:close(0)
    local script = files.write(shared .. "/nobody.lua", PRELUDE .. [[
      local client = new { spool = { path = directory, wait = true } }
      forking.track(client, "nobody", 5)
      local stats = client:stats()
      assert(stats.spool.state == "works" and stats.restored == 0)
      client:close(0)
    ]])
    assert(children.run { "chmod", "711", shared } == 0)
    assert(children.run { "chmod", "777", directory } == 0)
    assert(children.run { "chmod", "644", script } == 0)
    local status, _, errors = children.run { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
      children.lua(), script, server.url, directory }
    if errors:find("setresuid", 1, true) or errors:find("setgroups", 1, true) then
      return -- no right to
    end
    assert(status == 0, errors)
    server:set "open"
    local again = spooling.client(server.url, { path = directory })
    assert(again:start())
    assert(again:flush(10))
    spooling.assert_arrived(server, "root", 5)
    spooling.assert_arrived(server, "nobody", 5) -- root may read them
  end)

  it("drops what is on disk alone when it is told to", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local client = spooling.client(server.url, { path = files.new_path "spool", wait = true },
      { queue = { max_events = 40 } })
    spooling.track(client, 1, 200, "e")
    spooling.wait_for(client, function(stats)
      return stats.spool.uncommitted == 0 and stats.spool.on_disk > 100
    end, "the events to be on disk")
    client:set_mode("off", "drop")
    local stats = spooling.wait_for(client, function(stats)
      return stats.pending == 0
    end, "all to be dropped")
    assert.equal(200, stats.dropped)
    assert.equal(200, stats.dropped_by.withdrawn)
  end)

  it("drops what earlier runs have left when it is told to, before it has tracked anything", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory = files.new_path "spool"
    for run = 1, 3 do
      local earlier = spooling.client(server.url, { path = directory })
      spooling.track(earlier, 1, 30, "r" .. run .. "-")
      earlier:close(0.01)
    end
    server:set "open"
    local client = spooling.client(server.url, { path = directory }, { mode = "off", queue = { max_events = 10 } })
    assert(client:set_mode("off", "drop"))
    assert(client:flush(10))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 90, 90, 0 }, { stats.restored, stats.dropped_by.withdrawn, stats.pending })
    assert(client:set_mode "live")
    spooling.track(client, 1, 1, "new")
    assert(client:flush(10))
    assert.equal(1, client:stats().attempts)
  end)

  it("withdraws for its forked children, too", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    run_lua(PRELUDE .. [[
      local core = require("postevent.core").spool
      local waiting = require "support.waiting"
      local earlier = forking.fork(function()
        forking.track(new(), "earlier", 5)
        while true do process.sleep(60) end -- until it is killed
      end)
      local function file()
        local list = core.files(directory)
        return list and list[1] and list[1].name
      end
      waiting.wait_until(function()
        local open = file() and core.open(directory, file(), "look")
        return open and open:about().pending == 5
      end, 10, "the earlier events")
      local client = new { mode = "off" }
      assert(client:set_mode("off", "drop") and client:flush(10)) -- it has looked, and does in 30 seconds again
      forking.join(forking.fork(function()
        process.kill(earlier, "SIGKILL")
        waiting.wait_until(function() return not core.owner(directory, file()) end, 10, "the end of the earlier one")
        assert(client:set_mode "live" and client:start())
        assert(client:flush(10))
        local stats = tracking.assert_balanced(client:stats())
        assert(stats.restored == 5 and stats.dropped_by.withdrawn == 5, stats.restored .. " were found")
      end))
      client:close(0)
      process.wait(earlier, 10)
    ]], server.url, files.new_path "spool")
  end)

  it("refuses nothing of a burst that is faster than the disk, where the oldest may go", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local client = spooling.client(server.url, { path = files.new_path "spool" },
      { queue = { max_events = 20, overflow = "drop_oldest" } })
    spooling.track(client, 1, 300, "e")
    assert.equal(300, client:stats().accepted)
    server:set "open"
    assert(client:flush(20))
    local stats = tracking.assert_balanced(client:stats())
    assert.equal(300, stats.delivered + stats.dropped)
    assert.equal(stats.dropped, stats.dropped_by.queue_full or 0)
    assert.equal(0, stats.spool.uncommitted + stats.spool.on_disk)
  end)

  it("drops the oldest where the disk's share is full", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local client = spooling.client(server.url, { path = files.new_path "spool", max_bytes = 1024 * 1024 },
      { queue = { max_events = 20, overflow = "drop_oldest" } })
    local text = ("x"):rep(10000)
    for number = 1, 300 do
      assert(client:track { event_name = "e", external_event_id = "e" .. number, text = text })
      tracking.assert_balanced(client:stats())
    end
    server:set "open"
    assert(client:flush(20))
    local stats = tracking.assert_balanced(client:stats())
    assert.is_true(stats.dropped > 0)
    assert.equal(stats.accepted, stats.delivered + stats.dropped)
    assert.equal("works", stats.spool.state)
  end)

  it("lets dead letters go for the sake of events that are alive", function()
    local refuse = "if request.mode ~= 'closed' then return { status = 422, body = '{}' } end return { status = 503 }"
    local server = rude.start("script", { script = refuse })
    local client = spooling.client(server.url, { path = files.new_path "spool", max_bytes = 1024 * 1024 },
      { queue = { max_events = 1000 } })
    local text = ("x"):rep(10000)
    local function fill(count)
      for number = 1, count do
        assert(client:track { event_name = "e", external_event_id = "e" .. number, text = text })
      end
    end
    for _ = 1, 4 do
      fill(40)
      assert(client:flush(20))
    end
    server:set "closed"
    fill(60)
    local stats = spooling.wait_for(client, function(stats)
      return stats.spool.uncommitted == 0
    end, "all to be written")
    assert.equal(160, stats.rejected)
    assert.equal("works", stats.spool.state)
    assert.is_true(stats.spool.dead_dropped > 60)
    assert.equal(160, stats.spool.dead + stats.spool.dead_dropped)
    assert.is_true(stats.spool.bytes <= 1024 * 1024)
    client:close(0)
  end)

  it("waits for room where the disk's share is full", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local client = spooling.client(server.url, { path = files.new_path "spool", max_bytes = 1024 * 1024 },
      { queue = { max_events = 20, overflow = "wait", wait = 20 } })
    local text = ("x"):rep(10000)
    server:set "open"
    for number = 1, 300 do
      assert(client:track { event_name = "e", external_event_id = "e" .. number, text = text })
    end
    assert(client:flush(20))
    spooling.assert_arrived(server, "e", 300, 1)
  end)

  it("that another url uses sends nothing of what was accepted for this one", function()
    local server, other = rude.start("script", { script = spooling.CLOSED }), rude.start "answer"
    local directory = files.new_path "spool"
    local client = spooling.client(server.url, { path = directory })
    spooling.track(client, 1, 10, "e")
    client:close(0.05)
    local stranger = spooling.client(other.url, { path = directory })
    spooling.track(stranger, 1, 1, "s")
    assert(stranger:flush(10))
    assert.equal(1, other:requests())
    server:set "open"
    local again = spooling.client(server.url, { path = directory })
    assert(again:start())
    assert(again:flush(10))
    assert.equal(10, again:stats().restored)
    spooling.assert_arrived(server, "e", 10)
  end)

  it("does not wake up while there is nothing to do", function()
    local server = rude.start "answer"
    local client = spooling.client(server.url, { path = files.new_path "spool" })
    spooling.track(client, 1, 20, "e")
    assert(client:flush(10))
    local woken
    waiting.wait_until(function() -- it writes its log back a second after the last event
      local before = switches()
      process.sleep(1.5)
      woken = switches() - before
      return woken == 0
    end, 10, "the sender to sleep")
  end)

  it("whose host closes Lua behind the client's end is told that it is closed, and waits for no commit", function()
    local server, directory = rude.start "answer", files.new_path "spool"
    local status, output, errors = children.run_lua({ code = [[
      require("support.process").close_at_exit() -- runs behind ours
    ]] .. PRELUDE .. [[
      local client = new()
      assert(client:track { event_name = "e", external_event_id = "first" })
      local function finish()
        local ticket, _, code = client:track { event_name = "e", external_event_id = "last" }
        io.stdout:write(tostring(ticket), " ", tostring(code))
      end
      _G.younger = newproxy and newproxy(true) or setmetatable({}, { __gc = finish })
      if newproxy then
        getmetatable(_G.younger).__gc = finish
      end
      os.exit(0)
    ]] }, { server.url, directory }, { timeout = 10 })
    assert.same({ 0, "nil closed" }, { status, output }, errors)
    assert.equal(1, server:requests())
  end)
end)
