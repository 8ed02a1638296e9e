-- A program that leaves a loop over results, or a call of track, in every way that Lua has: an error, a coroutine that
-- yields or is forgotten, the collector. Each outcome is told once, and nothing is lost or kept for good.
local helper = require "support.helper"
local process = helper.process
local tracking = require "support.tracking"

local COUNT = 200

describe("a program that works in turns", function()
  helper.guard()
  local sandbox

  before_each(function()
    sandbox = helper.start_sandbox()
  end)

  local function delivered(options)
    local all = { url = sandbox.url, id_attribute = "id" }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    local client = tracking.new(all)
    for i = 1, COUNT do
      assert(client:track { event_name = "e", id = "e" .. i })
    end
    assert(client:flush())
    return client
  end

  -- Notes that a result was read, which must not happen twice.
  local function note(seen, result)
    assert.is_nil(seen[result.event_id], result.event_id .. " was told twice")
    seen[result.event_id] = true
  end

  local function assert_all_seen(seen)
    for i = 1, COUNT do
      assert.is_true(seen["e" .. i], i .. " was never told")
    end
  end

  it("may throw an error in a loop over results: the next loop goes on behind it", function()
    local client, seen, rounds = delivered(), {}, 0
    repeat
      local more = false
      local ok, message = pcall(function()
        for result in client:results() do
          note(seen, result)
          more = true
          if rounds % 3 == 0 or result.ticket % 7 == 0 then
            error("on purpose", 0)
          end
        end
      end)
      assert(ok or message == "on purpose", message)
      rounds = rounds + 1
    until not more
    assert_all_seen(seen)
    assert.is_true(rounds > 20)
  end)

  it("may read results in several coroutines that yield in the middle of it", function()
    local client, seen = delivered(), {}
    local readers = {}
    for i = 1, 5 do
      readers[i] = coroutine.wrap(function()
        for result in client:results(COUNT / 4) do
          note(seen, result)
          coroutine.yield(true)
        end
      end)
    end
    for _, reader in ipairs(readers) do -- all of them are in the middle of their loops
      reader()
    end
    local live = #readers
    while live > 0 do
      for i = #readers, 1, -1 do
        if not readers[i]() then
          table.remove(readers, i)
          live = live - 1
        end
      end
    end
    for result in client:results() do
      note(seen, result)
    end
    assert_all_seen(seen)
  end)

  it("may forget coroutines in the middle of their loops, and the client with them", function()
    local threads, before = process.thread_count(), process.fd_count()
    for _ = 1, 20 do
      local reader = coroutine.wrap(function()
        local client = require("postevent").new { url = sandbox.url }
        assert(client:track { event_name = "e" })
        assert(client:flush())
        for _ in client:results() do
          coroutine.yield(true)
        end
      end)
      assert.is_true(reader())
    end
    collectgarbage()
    collectgarbage()
    helper.wait_until(function()
      return process.thread_count() == threads and process.fd_count() == before
    end, 2, "the end of the forgotten clients")
  end)

  it("may let go of a client whose results it reads: the loop keeps it", function()
    local seen = {}
    local holder = { client = delivered() }
    for result in holder.client:results() do
      holder.client = nil
      collectgarbage()
      note(seen, result)
    end
    assert_all_seen(seen)
  end)

  it("may close the client in the loop: what is there is still told", function()
    local client, seen = delivered(), {}
    for result in client:results() do
      assert.is_true(client:close())
      note(seen, result)
    end
    assert_all_seen(seen)
  end)

  it("may track in many coroutines, with a before_send that yields or throws where Lua lets it", function()
    local client = tracking.new {
      url = sandbox.url, id_attribute = "id",
      before_send = function(event)
        if event.number % 10 == 0 then
          error("on purpose", 0)
        elseif event.number % 10 == 1 then
          coroutine.yield "between" -- not across C: an error in every Lua
        end
        return event
      end,
    }
    local failed, tracked = 0, {}
    local workers = {}
    for i = 1, 50 do
      workers[i] = coroutine.create(function()
        for number = i * 20 - 19, i * 20 do
          local id = "e" .. number
          local ok, ticket = pcall(client.track, client, { event_name = "e", id = id, number = number })
          if ok then
            assert(ticket)
            tracked[id] = true
          else
            failed = failed + 1
          end
          coroutine.yield()
        end
      end)
    end
    for _ = 1, 21 do
      for _, worker in ipairs(workers) do
        if coroutine.status(worker) == "suspended" then
          assert(coroutine.resume(worker))
        end
      end
    end
    assert.equal(200, failed)
    assert(client:flush())
    local stats = tracking.assert_balanced(client:stats())
    assert.equal(800, stats.delivered)
    for _, record in ipairs(sandbox:events()) do
      assert.is_true(tracked[record.event.id])
      tracked[record.event.id] = nil
    end
    assert.is_nil(next(tracked))
  end)

  it("may track while it reads, for ever behind: the loop ends with what was there when it began", function()
    local client, rounds = delivered(), 0
    for _ in client:results() do
      rounds = rounds + 1
      assert(client:track { event_name = "e" })
    end
    assert.equal(COUNT, rounds)
    assert(client:flush())
    assert.equal(2 * COUNT, tracking.assert_balanced(client:stats()).delivered)
  end)
end)
