-- A program that is faster than the platform: more events than the queue takes, under each policy. What was accepted
-- and what came are compared by id.
if not require("support.where").is("lua5.4", "luajit") then
  return
end

local helper = require "support.helper"
local rude = require "support.rude"
local tracking = require "support.tracking"

local name = os.getenv "POSTEVENT_LUA"
local COUNT = (name == "lua5.4" or name == "luajit") and 100000 or 10000

-- Tracks the events 1 to COUNT as fast as it can, and writes what became of each: its number and a word.
local SCRIPT = [[
local postevent = require "postevent"
local tracking = require "support.tracking"
local url, overflow, count = arg[1], arg[2], tonumber(arg[3])
local MAX_EVENTS, MAX_BYTES = 1000, 200000
local client = postevent.new {
  url = url, id_attribute = "id", results = count, max_in_flight = 4,
  queue = {
    max_events = MAX_EVENTS, max_bytes = MAX_BYTES, overflow = overflow, wait = overflow == "wait" and 60 or nil,
  },
}
local fate = {}
for i = 1, count do
  fate[i] = "none"
end

local function look()
  local stats = tracking.assert_balanced(client:stats())
  assert(stats.pending <= MAX_EVENTS and stats.pending_bytes <= MAX_BYTES)
  return stats
end

for i = 1, count do
  local ticket, _, code = client:track { event_name = "e", id = "e" .. i, text = ("x"):rep(i % 200) }
  fate[i] = ticket and "accepted" or code
  if i % 1000 == 0 then
    look()
  end
end
assert(client:flush(60))
local stats = look()
for result in client:results() do
  local number = tonumber(result.event_id:match "%d+")
  assert(fate[number] == "accepted", result.event_id .. " has two fates")
  fate[number] = result.outcome
  assert(result.outcome == "delivered" or result.code == "queue_full" and result.attempts == 0)
end
assert(client:close())
assert(stats.calls == count and stats.results_lost == 0)
for i = 1, count do
  print(i, fate[i])
end
]]

describe("more events than the queue takes", function()
  helper.guard()

  local function try(overflow)
    local sandbox = helper.start_sandbox()
    local status, output, errors = helper.run_lua({ code = SCRIPT }, { sandbox.url, overflow, tostring(COUNT) }, {
      timeout = 120,
    })
    assert.equal(0, status, errors)
    local fates, counts = {}, { delivered = 0, dropped = 0, queue_full = 0 }
    for number, fate in output:gmatch "(%d+)\t(%S+)" do
      fates["e" .. number] = fate
      counts[fate] = counts[fate] + 1
    end
    local events = sandbox:events()
    for _, record in ipairs(events) do
      local id = record.event.id
      assert.equal("delivered", fates[id])
      fates[id] = "delivered before"
    end
    assert.equal(counts.delivered, #events)
    assert.equal(COUNT, counts.delivered + counts.dropped + counts.queue_full)
    return counts
  end

  it("are refused, and all that were accepted come: reject", function()
    local counts = try "reject"
    assert.is_true(counts.queue_full > 0 and counts.delivered >= 500)
    assert.equal(0, counts.dropped)
  end)

  it("push the oldest out, each of which is told of, and the rest come: drop_oldest", function()
    local counts = try "drop_oldest"
    assert.is_true(counts.dropped > 0 and counts.delivered >= 500)
    assert.equal(0, counts.queue_full)
  end)

  it("wait for room, and all come: wait", function()
    assert.equal(COUNT, try "wait".delivered)
  end)
end)

describe("a queue that is full because nothing is delivered", function()
  helper.guard()

  local function full(options)
    local silent = rude.start "never_answer"
    local client = tracking.new {
      url = silent.url, id_attribute = "id", max_in_flight = 2, queue = options, results = 100,
    }
    for i = 1, 2 do
      assert(client:track { event_name = "e", id = "flying" .. i })
    end
    tracking.wait_for(client, { in_flight = 2 })
    for i = 1, options.max_events - 2 do
      assert(client:track { event_name = "e", id = "old" .. i })
    end
    return client
  end

  it("makes each event wait its time, and no longer: wait", function()
    local client = full { max_events = 10, overflow = "wait", wait = 0.05 }
    for _ = 1, 5 do
      local took, ticket, _, code = tracking.timed(client.track, client, { event_name = "e" })
      assert.is_nil(ticket)
      assert.equal("queue_full", code)
      assert.is_true(took >= 0.05 and took < 1, ("took %.3f s"):format(took))
    end
    assert.same({ queue_full = 5 }, tracking.assert_balanced(client:stats()).refused)
  end)

  it("loses neither what is in flight nor the newest: drop_oldest", function()
    local client = full { max_events = 10, overflow = "drop_oldest" }
    for i = 1, 50 do
      assert(client:track { event_name = "e", id = "new" .. i })
    end
    local expected = {}
    for i = 1, 8 do
      expected[i] = "old" .. i
    end
    for i = 1, 42 do
      expected[8 + i] = "new" .. i
    end
    for result in client:results() do
      assert.equal("dropped", result.outcome)
      assert.equal("queue_full", result.code)
      assert.equal(table.remove(expected, 1), result.event_id)
    end
    assert.same({}, expected)
    local stats = tracking.assert_balanced(client:stats())
    assert.equal(10, stats.pending)
    assert.equal(2, stats.in_flight)
    assert.same({ queue_full = 50 }, stats.dropped_by)
  end)

  it("takes no more memory, however much is tracked", function()
    for overflow, growth in pairs { reject = 0, drop_oldest = 0 } do
      local client = full { max_events = 1000, overflow = overflow }
      local event = { event_name = "e", text = ("x"):rep(200) }
      for i = 1, COUNT do
        client:track(event)
        if i == COUNT / 5 then
          collectgarbage()
          growth = helper.process.rss()
        end
      end
      collectgarbage()
      growth = helper.process.rss() - growth
      assert.is_true(growth < 1024 * 1024 or (os.getenv "TEST_WRAPPER" or "") ~= "", growth .. " bytes more")
      tracking.assert_balanced(client:stats())
    end
  end)

  it("is bounded by bytes as by count: a large event takes the place of many small ones, or of none", function()
    local client = full { max_events = 1000, max_bytes = 200000, overflow = "drop_oldest" }
    local before = tracking.assert_balanced(client:stats())
    assert.is_true(before.pending_bytes < 200000)
    local large = ("x"):rep(30000)
    for _ = 1, 20 do
      assert(client:track { event_name = "e", text = large })
      assert.is_true(tracking.assert_balanced(client:stats()).pending_bytes <= 200000)
    end
    assert.equal(2 + 6, client:stats().pending)
  end)
end)

describe("200 clients in one process", function()
  helper.guard()

  it("deliver all that each of them accepted, and leave no thread behind", function()
    local process = helper.process
    local sandbox = helper.start_sandbox()
    local before = process.thread_count()
    local clients = {}
    for i = 1, 200 do
      clients[i] = tracking.new { url = sandbox.url, id_attribute = "id", max_in_flight = 2 }
    end
    assert.equal(before, process.thread_count())
    for number = 1, 25 do
      for i, client in ipairs(clients) do
        assert(client:track { event_name = "e", id = i .. "-" .. number })
      end
    end
    assert.equal(before + 200, process.thread_count())
    for _, client in ipairs(clients) do
      assert(client:close(20))
      local stats = tracking.assert_balanced(client:stats())
      assert.equal(25, stats.delivered)
      assert.equal(25, stats.accepted)
    end
    helper.wait_until(function() -- the system lists a thread for a moment after it was joined
      return process.thread_count() == before
    end)
    local came, count = {}, 0
    for _, record in ipairs(sandbox:events()) do
      assert.is_nil(came[record.event.id])
      came[record.event.id] = true
      count = count + 1
    end
    assert.equal(5000, count)
  end)
end)
