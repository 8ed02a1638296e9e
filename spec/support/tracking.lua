-- Clients for the specs of track: closed at the end of the test, and then their books must balance.
local cleanup = require "support.cleanup"
local postevent = require "postevent"
local process = require "support.process"
local waiting = require "support.waiting"

local tracking = {}

local function sum(counts)
  local total = 0
  for _, count in pairs(counts) do
    total = total + count
  end
  return total
end

-- The two equations, which hold at every moment. Returns the counters.
function tracking.assert_balanced(stats)
  local outcomes = stats.delivered + stats.relayed + stats.rejected + stats.expired + stats.dropped + stats.unknown
  assert(stats.calls == stats.accepted + sum(stats.refused) + stats.filtered,
    ("%d calls, but %d accepted, %d refused, %d filtered"):format(stats.calls, stats.accepted, sum(stats.refused),
      stats.filtered))
  assert(stats.accepted + stats.restored == outcomes + stats.pending,
    ("%d accepted, but %d with an outcome, %d pending"):format(stats.accepted, outcomes, stats.pending))
  assert(stats.pending == stats.queued + stats.waiting + stats.in_flight, "what is pending is nowhere")
  assert(stats.rejected == sum(stats.rejected_by) and stats.dropped == sum(stats.dropped_by)
    and stats.unknown == sum(stats.unknown_by), "an outcome without its reason")
  return stats
end

function tracking.new(options)
  local client = postevent.new(options)
  cleanup.defer(function()
    tracking.assert_balanced(client:stats())
    client:close(0)
    tracking.assert_balanced(client:stats())
  end)
  return client
end

-- A function that makes such clients for the sandbox, unless the options name another url or a mode without one.
function tracking.maker(sandbox)
  return function(options)
    options = options or {}
    if options.mode == nil then
      options.url = options.url or sandbox.url
    end
    return tracking.new(options)
  end
end

-- Reads results until there are `count`.
function tracking.results(client, count)
  local found = {}
  waiting.wait_until(function()
    for result in client:results() do
      found[#found + 1] = result
    end
    return #found >= count
  end, 5, count .. " results")
  return found
end

-- Waits until the counters have these values, { in_flight = 2, ... }; returns them all.
function tracking.wait_for(client, wanted)
  return waiting.wait_until(function()
    local stats = tracking.assert_balanced(client:stats())
    for name, value in pairs(wanted) do
      if stats[name] ~= value then
        return nil, ("%s is %s"):format(name, tostring(stats[name]))
      end
    end
    return stats
  end, 5, "the counters")
end

-- How long a call takes, in seconds; then what it returns.
function tracking.timed(f, ...)
  local start = process.now()
  local a, b, c, d = f(...)
  return process.now() - start, a, b, c, d
end

return tracking
