-- A fleet: Redis, the sandbox, producers and deliverers, each a process of its own; and its accounts, by id.
local cjson = require "cjson"
local children = require "support.children"
local helper = require "support.helper"
local redis = require "support.redis"
local tracking = require "support.tracking"

local fleet = {}

local Fleet = {}
Fleet.__index = Fleet

-- start { aof = true, args = of redis-server }: Redis and a platform. { redis = one that has started }.
function fleet.start(options)
  options = options or {}
  local self = setmetatable({}, Fleet)
  self.redis = options.redis or redis.start { aof = options.aof, args = options.args }
  self.platform = helper.start_sandbox()
  return self
end

-- A client in this process that hands its events over.
function Fleet:producer(more)
  local options = { relay = { url = self.redis.url }, id_attribute = "external_event_id", timeout = 2,
    retry = { initial = 0.02, max = 0.2 } }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  return tracking.new(options)
end

function fleet.track(client, first, last, name)
  for number = first, last do
    assert(client:track { event_name = name or "coin_found", external_event_id = "e" .. number, coins = number })
  end
end

local USUAL = { ["--redis"] = "", ["--claim-after"] = "2", ["--timeout"] = "1", ["--grace"] = "3" }

-- A process that delivers, with these arguments more, or in the place of the usual ones.
function Fleet:deliverer(...)
  local argv = { children.lua(), "bin/postevent", "relay", "--url", self.platform.url }
  local given = {}
  for _, word in ipairs { ... } do
    argv[#argv + 1], given[word] = word, true
  end
  for name, value in pairs(USUAL) do
    if not given[name] then
      argv[#argv + 1], argv[#argv + 2] = name, name == "--redis" and self.redis.url or value
    end
  end
  return children.spawn(argv)
end

-- `postevent relay ...` that ends: its status, output and errors.
function Fleet:command(...)
  return children.run({ children.lua(), "bin/postevent", "relay", "--redis", self.redis.url, ... })
end

-- What deliverers have told Redis: { delivered =, rejected =, ... }.
function Fleet:counts()
  local list = self.redis:try("HGETALL", "postevent:counts") or {}
  local counts = { delivered = 0, rejected = 0, expired = 0, unknown = 0, trimmed = 0 }
  for i = 1, #list, 2 do
    counts[list[i]] = tonumber(list[i + 1])
  end
  counts.ended = counts.delivered + counts.rejected + counts.expired + counts.unknown
  return counts
end

-- How often the platform received each id.
function Fleet:received()
  local ids = {}
  local all = cjson.decode(self.platform:raw_events())
  assert(all.dropped == 0, "the sandbox has forgotten some")
  for _, each in ipairs(all.events) do
    local id = each.event and each.event.external_event_id
    if id then
      ids[id] = (ids[id] or 0) + 1
    end
  end
  return ids
end

function Fleet:wait_for_ends(count, seconds)
  return helper.wait_until(function()
    local counts = self:counts()
    return counts.ended >= count and counts, ("%d of %d have ended"):format(counts.ended, count)
  end, seconds or 15, "the outcomes")
end

-- The accounts of a fleet in which nothing waits any more: each of these events has one outcome, none is left, and what
-- counts as delivered was received; what was received more than once has one body.
function Fleet:assert_accounted(first, last)
  local counts = self:counts()
  assert(self.redis:call("XLEN", "postevent") == 0, "entries are left")
  local pending = self.redis:try("XPENDING", "postevent", "postevent")
  assert(not pending or pending[1] == 0, "entries are pending")
  assert(counts.ended == last - first + 1, ("%d outcomes of %d events"):format(counts.ended, last - first + 1))
  local received, dead = self:received(), self.redis:ids "postevent:dead"
  local delivered = 0
  for number = first, last do
    local id = "e" .. number
    assert(received[id] or dead[id], id .. " was neither received nor buried")
    delivered = delivered + (dead[id] and 0 or 1)
  end
  assert(counts.delivered == delivered, ("%d count as delivered, %d were"):format(counts.delivered, delivered))
  self:assert_one_body()
  return counts
end

-- At every moment: what ever came into the stream has an outcome, or waits.
function Fleet:assert_balanced()
  local about, added = self.redis:call("XINFO", "STREAM", "postevent"), nil
  for i = 1, #about, 2 do
    added = about[i] == "entries-added" and about[i + 1] or added
  end
  local counts, waiting = self:counts(), self.redis:call("XLEN", "postevent")
  assert(added == counts.ended + waiting, ("%d entries were added, %d have an outcome, %d wait"):format(added,
    counts.ended, waiting))
end

function Fleet:assert_one_body()
  local bodies = {}
  for _, each in ipairs(self.platform:events()) do
    local id = each.event.external_event_id
    local body = cjson.encode { each.event.coins, each.event.eventDateTime, each.event.event_name }
    assert(not bodies[id] or bodies[id] == body, id .. " came with two bodies")
    bodies[id] = body
  end
end

-- Ends a deliverer, which must end well. Returns what it has written on stderr.
function fleet.stop(child)
  child:kill "SIGTERM"
  local how, status = child:wait(8)
  assert(how == "exited", "it did not end: " .. child:errors())
  assert(status == 0, child:errors())
  return child:errors()
end

return fleet
