-- What another process has left is taken over, by one that starts and by one that runs; the one that does may be closed
-- in the midst of it.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local children = require "support.children"
local documents = require "support.documents"
local fake_time = require "support.fake_time"
local files = require "support.files"
local helper = require "support.helper"
local process = require "support.process"
local rude = require "support.rude"
local spooled = require "support.spooled"
local spooling = require "support.spooling"
local tracking = require "support.tracking"
local waiting = require "support.waiting"

local LEFT, EACH = 3, 30

local function start(url, directory)
  return spooling.client(url, { path = directory }, { queue = { max_events = 20 } })
end

-- Files of three clients that are no more.
local function leave(url, directory)
  local clients = {}
  for number = 1, LEFT do
    local client = start(url, directory)
    for event = 1, EACH do
      while not client:track { event_name = "e", external_event_id = ("e%d-%d"):format(number, event) } do
        process.sleep(0.001) -- for the disk
      end
    end
    clients[number] = client
  end
  for _, client in ipairs(clients) do
    assert.equal(EACH, select(4, client:close(0)).kept)
  end
end

describe("what another process has left", function()
  helper.guard()

  it("is kept by one that is closed in the midst of taking it over, at any moment", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory = files.new_path "spool"
    leave(server.url, directory)
    for moment = 0, 30 do
      local client = start(server.url, directory)
      assert(client:start())
      if moment % 3 == 0 then
        tracking.wait_for(client, { restored = EACH })
      end
      process.sleep(moment % 3 * 0.0005 * moment) -- no condition: the moment is what differs
      local ok, _, _, detail = client:close(0)
      local stats = tracking.assert_balanced(client:stats())
      assert.same({ 0, stats.restored, 0 }, { stats.delivered, stats.pending, stats.dropped })
      if not ok then
        assert.same({ stats.restored, stats.restored }, { detail.remaining, detail.kept })
      end
    end
    server:set "open"
    local client = start(server.url, directory)
    assert(client:start())
    assert(client:flush(10))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ LEFT * EACH, LEFT * EACH }, { stats.restored, stats.delivered })
    for number = 1, LEFT do
      spooling.assert_arrived(server, ("e%d-"):format(number), EACH)
    end
    assert(client:close(1))
    assert.equal("", (select(2, children.run { "ls", directory })))
  end)

  it("is delivered by some of those that are closed in the midst of it, and by no two", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory = files.new_path "spool"
    leave(server.url, directory)
    server:set "open"
    local delivered = 0
    for _ = 1, 3 do
      local client = start(server.url, directory)
      assert(client:start())
      waiting.wait_until(function()
        return client:stats().delivered > 0
      end, 10, "a delivery")
      local _, _, _, detail = client:close(0)
      local stats = tracking.assert_balanced(client:stats())
      assert.equal(stats.pending, detail and detail.kept or 0)
      delivered = delivered + stats.delivered
      if delivered == LEFT * EACH then
        break
      end
    end
    local last = start(server.url, directory)
    assert(last:start())
    assert(last:flush(10))
    assert.equal(LEFT * EACH, delivered + tracking.assert_balanced(last:stats()).delivered)
    for number = 1, LEFT do
      spooling.assert_arrived(server, ("e%d-"):format(number), EACH)
    end
  end)

  local available, why_not = fake_time.available()
  it("is taken over by one that runs, within half a minute", function()
    if not available then
      return pending(why_not)
    end
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory, left = files.new_path "spool", files.new_path "left"
    spooled.kill(server.url, left, 20) -- not by the script: libfaketime's locks do not survive those who hold them
    local status, _, errors = fake_time.run({ code = [[
      local forking = require "support.forking"
      local postevent = require "postevent"
      local tracking = require "support.tracking"
      local waiting = require "support.waiting"
      local url, directory, left, offset = arg[1], arg[2], arg[3], arg[4]
      local function wait_until_written(client)
        waiting.wait_until(function() return client:stats().spool.uncommitted == 0 end, 10, "all to be written")
      end
      local client = postevent.new { url = url, authorization = "]] .. documents.authorization .. [[",
        id_attribute = "external_event_id", retry = { initial = 0.002, max = 0.05 }, spool = { path = directory } }
      forking.track(client, "own", 1)
      wait_until_written(client) -- it has looked
      assert(os.execute("LD_PRELOAD= mv " .. left .. "/* " .. directory))
      forking.track(client, "second", 1)
      wait_until_written(client)
      assert(client:stats().restored == 0)
      local file = assert(io.open(offset, "w"))
      file:write "+31\n"
      file:close()
      forking.track(client, "third", 1)
      waiting.wait_until(function()
        return tracking.assert_balanced(client:stats()).restored == 20
      end, 10, "the other's")
      local _, _, _, detail = client:close(0)
      assert(detail.remaining == 23 and detail.kept == 23)
      assert(client:stats().spool.adopted == 1)
    ]] }, { server.url, directory, left }, { monotonic = true })
    assert.equal(0, status, errors)
    server:set "open"
    local client = start(server.url, directory)
    assert(client:start())
    assert(client:flush(10))
    assert.equal(23, tracking.assert_balanced(client:stats()).restored)
    spooling.assert_arrived(server, "e", 20)
    spooling.assert_arrived(server, "own", 1)
    spooling.assert_arrived(server, "third", 1)
  end)
end)
