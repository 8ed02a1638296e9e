-- Numbered events, tracked under a fault: at every look the books must balance and no event may end twice, and no call
-- of track may have taken its time.
--
-- start(url, options) -> an object with .client; options are postevent.new's. No result is ever lost.
--   :track(first, last, attributes)   events with the ids "e0001" for 1, and so on; each must be accepted, at once
--   :check()                          the stats, balanced; reads results
--   :wait(condition, timeout, what)   checks over and over until condition(stats) is true; returns the stats
--   :finish(timeout)                  waits until nothing is pending, closes the client, returns the stats
--   :ended(outcome, code, ids)        fails unless these, and no others, ended so
--   :arrived(arrivals, times)         fails unless each event came as often as times[id] says: once without a word
--   .results                          by id, of all that have ended
-- describe_once(name, body): for what is slow and has nothing of Lua in it; under one Lua alone.
local cleanup = require "support.cleanup"
local posting = require "support.posting"
local process = require "support.process"
local tracking = require "support.tracking"
local waiting = require "support.waiting"

local batch = {}

local Batch = {}
Batch.__index = Batch

local BLOCKED = 0.25 -- seconds: no fault is shorter

function batch.describe_once(name, body)
  if os.getenv "POSTEVENT_LUA" == "lua5.4" then
    require("busted").describe(name, body)
  end
end

function batch.id(number)
  return ("e%04d"):format(number)
end

-- The time, less what a busy machine gave to others while this thread could have run.
local function now()
  return process.now() - process.starved()
end

function batch.start(url, options)
  local all = { results = 100000 }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local self = setmetatable({ results = {}, tracked = 0 }, Batch)
  self.client, self.log = posting.client(url, all)
  cleanup.defer(function()
    self.client:close(0)
  end)
  return self
end

function Batch:track(first, last, attributes)
  for number = first, last or first do
    local event = { event_name = "be_reserved", external_event_id = batch.id(number) }
    for name, value in pairs(attributes or {}) do
      event[name] = value
    end
    local start = now()
    local ticket, message = self.client:track(event)
    local took = now() - start
    assert(ticket, message)
    assert(took < BLOCKED, ("track took %.3f s"):format(took))
    self.tracked = self.tracked + 1
  end
end

function Batch:check()
  local stats = tracking.assert_balanced(self.client:stats())
  assert(stats.accepted == self.tracked and stats.results_lost == 0)
  for result in self.client:results() do
    assert(not self.results[result.event_id], "a second outcome of " .. tostring(result.event_id))
    self.results[result.event_id] = result
  end
  return stats
end

function Batch:wait(condition, timeout, what)
  local stats
  waiting.wait_until(function()
    stats = self:check()
    return condition(stats), ("%s, %d of %d pending, last error: %s"):format(stats.state, stats.pending,
      stats.accepted, stats.last_error and stats.last_error.message or "none")
  end, timeout, what)
  return stats
end

function Batch:finish(timeout)
  self:wait(function(stats)
    return stats.pending == 0
  end, timeout or 20, "the end of every event")
  assert(self.client:close(1))
  return self:check()
end

function Batch:ended(outcome, code, ids)
  local wanted = {}
  for _, id in ipairs(ids) do
    wanted[id] = true
    local result = self.results[id] or { outcome = "nothing" }
    assert(result.outcome == outcome and result.code == code, ("%s ended %s, %s"):format(id, result.outcome,
      tostring(result.code)))
  end
  for id, result in pairs(self.results) do
    assert(wanted[id] or result.outcome ~= outcome, ("%s ended %s too, %s"):format(id, outcome, tostring(result.code)))
  end
end

-- How often each event came.
function batch.count(arrivals)
  local counts = {}
  for _, arrival in ipairs(arrivals) do
    counts[arrival.id] = (counts[arrival.id] or 0) + 1
  end
  return counts
end

function Batch:arrived(arrivals, times)
  local counts = batch.count(arrivals)
  for number = 1, self.tracked do
    local id = batch.id(number)
    local wanted = times and times[id] or 1
    assert((counts[id] or 0) == wanted, ("%s came %d times, not %d"):format(id, counts[id] or 0, wanted))
  end
end

return batch
