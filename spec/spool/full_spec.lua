-- A spool at its bound, spool.max_bytes: the queue's overflow policy decides, and what it drops is not sent. And a
-- small disk: the log leaves room for the events, and a client returns soon to one that was full.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local children = require "support.children"
local files = require "support.files"
local helper = require "support.helper"
local process = require "support.process"
local rude = require "support.rude"
local spooled = require "support.spooled"
local spooling = require "support.spooling"
local tracking = require "support.tracking"

local SHARE, PAD = 1024 * 1024, ("x"):rep(200)

local function start(url, spool, queue)
  return spooling.client(url, spool, { retry = { initial = 0.05, max = 0.1 }, queue = queue, results = 100000 })
end

local function track(client, number)
  return client:track { event_name = "e", external_event_id = "e" .. number, pad = PAD }
end

local function stats_of(client)
  return tracking.assert_balanced(client:stats())
end

-- Tracks so many, and lets the disk keep up. Returns how many were accepted; the others had `code`.
local function track_all(client, count, code)
  local accepted = 0
  for number = 1, count do
    local ticket, _, refusal = track(client, number)
    if ticket then
      accepted = accepted + 1
    else
      assert.equal(code, refusal)
    end
    if number % 100 == 0 then
      spooling.wait_for(client, spooling.is_written, "the disk")
    end
  end
  return accepted
end

-- It is tried again time after time, and not less and less often.
local function await_tries(client)
  local at = client:stats().spool.last_error.at
  for _ = 1, 3 do
    at = spooling.wait_for(client, function(stats)
      return stats.spool.last_error.at > at
    end, "another try").spool.last_error.at
  end
end

-- The outcome of each event, by its id.
local function outcomes(client)
  local found = {}
  for result in client:results() do
    found[result.event_id] = result.outcome
  end
  return found
end

-- Opens the server, and waits for the events. Which came then, and how many.
local function deliver(server, client)
  local came, count, before = {}, 0, server:requests()
  server:set "open"
  assert(client:flush(20))
  for i, arrival in ipairs(server:arrivals()) do
    if i > before and arrival.mode == "open" and not came[arrival.id] then
      came[arrival.id], count = true, count + 1
    end
  end
  return came, count
end

-- All that were accepted come, but for those that were dropped, which the server never saw once it was open.
local function finish(server, client, accepted)
  local dropped = stats_of(client).dropped
  local came, count = deliver(server, client)
  local stats, ended = stats_of(client), outcomes(client)
  assert.same({ accepted - dropped, dropped }, { stats.delivered, stats.dropped })
  for id, outcome in pairs(ended) do
    assert(outcome ~= "dropped" or not came[id], id .. " was dropped, and came")
  end
  assert.equal(accepted - dropped, count)
  return ended
end

describe("a spool at its max_bytes", function()
  helper.guard()

  local server, directory
  before_each(function()
    server = rude.start("script", { script = spooling.CLOSED })
    directory = files.new_path "spool"
  end)

  it("drops the oldest, no more than it must, and sends none of them", function()
    local client = start(server.url, { path = directory, max_bytes = SHARE },
      { overflow = "drop_oldest", max_events = 1000 })
    assert.equal(5000, track_all(client, 5000))
    local stats = spooling.wait_for(client, spooling.works, "the disk")
    assert.is_true(stats.spool.bytes <= SHARE and stats.spool.bytes > SHARE * 0.9, stats.spool.bytes)
    assert.is_true(stats.pending * 350 > SHARE * 0.9, stats.pending)
    assert.equal(0, stats.spool.failures)
    local ended = finish(server, client, 5000)
    for number = 4000, 5000 do
      assert.equal("delivered", ended["e" .. number])
    end
  end)

  it("refuses, and goes on where there is room again", function()
    local client = start(server.url, { path = directory, max_bytes = SHARE }, { max_events = 1000 })
    local accepted = track_all(client, 4000, "queue_full")
    assert.is_true(accepted < 4000 and accepted * 350 > SHARE * 0.9, accepted)
    assert.equal(0, stats_of(client).spool.failures)
    finish(server, client, accepted)
    assert(track(client, 4001))
    assert(client:flush(10))
  end)

  for _, overflow in ipairs { "reject", "wait", "drop_oldest" } do
    it(("and wait = true does with %q what that says"):format(overflow), function()
      local client = start(server.url, { path = directory, max_bytes = SHARE, wait = true },
        { overflow = overflow, wait = overflow == "wait" and 0.001 or nil, max_events = 1000 })
      local accepted = track_all(client, 4000, "queue_full")
      local stats = stats_of(client)
      assert.equal(4000 - accepted, stats.refused.queue_full or 0)
      assert.equal(overflow == "drop_oldest", accepted == 4000)
      assert.equal(overflow == "drop_oldest", stats.dropped > 0)
      assert.is_true(stats.pending * 350 > SHARE * 0.9, stats.pending)
      assert.same({ "works", 0 }, { stats.spool.state, stats.spool.failures })
      finish(server, client, accepted)
    end)
  end
end)

describe("a spool on a small disk", function()
  helper.guard()

  local server, mount
  before_each(function()
    server = rude.start("script", { script = spooling.CLOSED })
    mount = files.new_path "mount"
    children.must("mkdir", mount)
  end)

  -- Returns whether we may.
  local function mount_disk(size)
    if children.run { "mount", "-t", "tmpfs", "-o", "size=" .. size, "tmpfs", mount } ~= 0 then
      return false
    end
    helper.defer(function()
      children.must("umount", "-l", mount)
    end)
    return true
  end

  -- Others take what is left, to the last byte.
  local function fill_disk()
    children.run { "dd", "if=/dev/zero", "of=" .. mount .. "/filler", "bs=4k" }
  end

  -- Each commit writes whole pages to the log: of these there are ten times as many as the disk holds.
  it("leaves it to the events, and not to the log", function()
    if not mount_disk "8m" then
      return pending "no right to mount"
    end
    local client = start(server.url, { path = mount .. "/spool", wait = true })
    for number = 1, 8000 do
      assert(track(client, number))
    end
    assert.same({ "works", 0 }, { stats_of(client).spool.state, stats_of(client).spool.failures })
    finish(server, client, 8000)
  end)

  it("takes nearly all of it, and refuses then; what is sent makes room", function()
    if not mount_disk "4m" then
      return pending "no right to mount"
    end
    local client = start(server.url, { path = mount .. "/spool", wait = true }, { max_events = 1000 })
    local number, refusal = 0
    repeat
      number = number + 1
      refusal = select(3, track(client, number))
    until refusal
    assert.equal("spool", refusal)
    assert.equal("the disk is full", client:stats().spool.last_error.message)
    assert.is_true(number * 300 > 2.5 * 1024 * 1024, number)
    assert.equal(number - 1, select(2, deliver(server, client)))
    spooling.wait_for(client, spooling.works, "the spool to work again")
    assert(track(client, number))
    assert(client:flush(10))
    assert.equal(number, stats_of(client).delivered)
  end)

  it("keeps the dead letters of what ends while it is full, and counts those of what was in memory alone", function()
    if not mount_disk "2m" then
      return pending "no right to mount"
    end
    local refuse = "if request.mode == 'refuse' then return { status = 422, body = '{}' } end return { status = 503 }"
    local refusing = rude.start("script", { script = refuse })
    local client = start(refusing.url, { path = mount .. "/spool" }, { max_events = 60 })
    for number = 1, 100 do
      assert(track(client, number))
      spooling.wait_for(client, spooling.works, "the disk")
    end
    assert.is_true(stats_of(client).spool.on_disk > 0)
    fill_disk()
    for number = 101, 110 do
      local _, _, code = track(client, number)
      assert.is_true(code == nil or code == "queue_full", code)
    end
    local accepted = stats_of(client).accepted
    refusing:set "refuse"
    spooling.wait_for(client, function(stats)
      return stats.rejected == accepted
    end, "all to be refused")
    children.must("rm", mount .. "/filler")
    local stats = spooling.wait_for(client, spooling.works, "the spool to work again")
    local spool = stats.spool
    assert.same({ accepted, 0 }, { spool.dead + spool.dead_lost, spool.dead_dropped })
    assert.is_true(spool.dead >= 100, spool.dead)
    assert.truthy(spooled.command(0, nil, "show", mount .. "/spool", "e1"):find("422", 1, true))
    client:close(1)
  end)

  -- The bytes are not all that a disk may lack.
  it("that has no room for one more file is full, and used as soon as there is", function()
    if not mount_disk "2m,nr_inodes=20" then
      return pending "no right to mount"
    end
    local left = start(server.url, { path = mount .. "/spool" })
    assert.equal(10, track_all(left, 10))
    assert.equal(10, select(4, left:close(0)).kept)
    children.run { "sh", "-c", ("for i in $(seq 30); do : >%s/$i; done"):format(mount) }
    local client = start(server.url, { path = mount .. "/spool" })
    assert(client:track { event_name = "e", external_event_id = "e11", pad = PAD })
    local stats = spooling.wait_for(client, function(stats)
      return stats.spool.state == "full"
    end, "the disk to be full")
    local message = stats.spool.last_error.message -- the system's, of a file that cannot be made; or SQLite's
    assert.truthy(message:find "[Nn]o space left on device" or message:find "the disk is full", message)
    await_tries(client)
    children.must("sh", "-c", ("rm %s/[0-9]*"):format(mount))
    local begin = process.now()
    spooling.wait_for(client, spooling.works, "the spool to work")
    tracking.wait_for(client, { restored = 10 })
    assert.is_true(process.now() - begin < 3, process.now() - begin)
    finish(server, client, 11)
  end)

  it("that others have filled is used again soon after they have made room", function()
    if not mount_disk "2m" then
      return pending "no right to mount"
    end
    local client = start(server.url, { path = mount .. "/spool" })
    assert(track(client, 1))
    spooling.wait_for(client, spooling.works, "the first event")
    fill_disk()
    for number = 2, 100 do
      assert(track(client, number))
    end
    spooling.wait_for(client, function(stats)
      return stats.spool.state == "full"
    end, "the disk to be full")
    await_tries(client)
    children.must("rm", mount .. "/filler")
    local begin = process.now()
    local stats = spooling.wait_for(client, spooling.works, "the spool to work again")
    assert.is_true(process.now() - begin < 3)
    assert.equal(1, stats.spool.failures)
    finish(server, client, 100)
  end)

  for what, count in pairs { ["a few"] = 5, ["a hundred"] = 100, ["hundreds, on disk alone"] = 700 } do
    it("to the last byte is no reason to deliver twice, nor to wait for room: " .. what, function()
      if not mount_disk "2m" then
        return pending "no right to mount"
      end
      local spool = { path = mount .. "/spool" }
      local client = start(server.url, spool, { max_events = 200 })
      assert.equal(count, track_all(client, count))
      spooling.wait_for(client, spooling.works, "the disk")
      assert.equal(count, select(4, client:close(0)).kept)
      fill_disk()
      client = start(server.url, spool)
      assert(client:start())
      tracking.wait_for(client, { restored = count }) -- the next one can have what is there
      finish(server, client, count)
      server:set "closed"
      children.must("rm", mount .. "/filler")
      client = start(server.url, spool, { max_events = 200 })
      assert.equal(count, track_all(client, count))
      spooling.wait_for(client, spooling.works, "the disk")
      fill_disk()
      finish(server, client, count)
      assert(client:close(5))
      client = start(server.url, spool)
      assert(client:start())
      assert(client:flush(5))
      tracking.wait_for(client, { restored = 0 })
      assert.equal("filler\nspool\n", children.must("ls", mount))
      assert.equal("", children.must("ls", mount .. "/spool"))
    end)
  end

  -- Whoever removes files to make room makes none: the one that is open stays until it is closed.
  it("on which somebody removes its file delivers what is in it, though there is no room for another one", function()
    if not mount_disk "1m" then
      return pending "no right to mount"
    end
    local client = start(server.url, { path = mount .. "/spool" }, { max_events = 100 })
    for number = 1, 1000 do
      assert(track(client, number))
      if number % 50 == 0 then
        spooling.wait_for(client, spooling.is_written, "the disk")
      end
    end
    assert.is_true(stats_of(client).spool.on_disk > 800)
    children.must("sh", "-c", "rm " .. mount .. "/spool/*")
    assert(track(client, 1001))
    spooling.wait_for(client, function(stats)
      return stats.spool.state == "full"
    end, "the disk to be full")
    finish(server, client, 1001)
    spooling.wait_for(client, spooling.works, "the spool to work again")
  end)

  it("on which somebody removes the file of another program delivers what is in it, and is used again", function()
    if not mount_disk "1m" then
      return pending "no right to mount"
    end
    local left = start(server.url, { path = mount .. "/spool" })
    assert.equal(1000, track_all(left, 1000))
    assert.equal(1000, select(4, left:close(0)).kept)
    local client = start(server.url, { path = mount .. "/spool" }, { max_events = 100 })
    assert(client:start())
    tracking.wait_for(client, { restored = 1000 })
    fill_disk()
    children.must("sh", "-c", "rm " .. mount .. "/spool/*")
    assert(track(client, 1001))
    spooling.wait_for(client, function(stats)
      return stats.spool.state == "full"
    end, "the disk to be full")
    server:set "open"
    assert(client:flush(20))
    assert.equal(1001, stats_of(client).delivered)
    spooling.assert_arrived(server, "e", 1001)
    spooling.wait_for(client, spooling.works, "the spool to work again")
  end)
end)
