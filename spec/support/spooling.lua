-- Clients with a spool in the process of the spec itself, and a server that is away until the spec says otherwise. What
-- programs leave and the command finds: support.spooled.
local cleanup = require "support.cleanup"
local posting = require "support.posting"
local tracking = require "support.tracking"
local waiting = require "support.waiting"

local spooling = {}

-- The script of a rude server that answers 503 until it is told to be open.
spooling.CLOSED = "if request.mode ~= 'open' then return { status = 503 } end"

-- A client that has its spool with these options ({ path = ... }), and the lines of its log. It is closed at the end of
-- the test, and what it then holds stays on disk.
function spooling.client(url, spool, options)
  local all = { spool = spool, id_attribute = "external_event_id", retry = { initial = 0.01, max = 0.05 } }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local client, log = posting.client(url, all)
  cleanup.defer(function()
    client:close(0)
    tracking.assert_balanced(client:stats())
  end)
  return client, log
end

-- Tracks PREFIX .. first to PREFIX .. last ("e").
function spooling.track(client, first, last, prefix)
  for number = first, last do
    assert(client:track { event_name = "e", external_event_id = (prefix or "e") .. number })
  end
end

function spooling.is_written(stats)
  return stats.spool.uncommitted == 0
end

function spooling.works(stats)
  return stats.spool.state == "works" and spooling.is_written(stats)
end

function spooling.fails(stats)
  return stats.spool.state == "fails"
end

-- Waits until the client's counters, which balance at every look, meet the condition; returns them.
function spooling.wait_for(client, condition, what)
  return waiting.wait_until(function()
    local stats = tracking.assert_balanced(client:stats())
    return condition(stats) and stats
  end, 10, what)
end

-- How often each id came, answered 503 or not.
function spooling.arrived(server)
  local counts = {}
  for _, arrival in ipairs(server:arrivals()) do
    counts[arrival.id] = (counts[arrival.id] or 0) + 1
  end
  return counts
end

-- Each of PREFIX .. 1 to PREFIX .. count came, and none more than `times`, where it is given.
function spooling.assert_arrived(server, prefix, count, times)
  local counts = spooling.arrived(server)
  for number = 1, count do
    local id = prefix .. number
    assert(counts[id], id .. " never came")
    assert(not times or counts[id] <= times, ("%s came %d times"):format(id, counts[id] or 0))
  end
end

return spooling
