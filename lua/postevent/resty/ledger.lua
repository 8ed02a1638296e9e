-- The clients of this worker, and what they have counted: published while events are under way, and for the last time
-- when the worker ends. A client is kept no longer than its program keeps it; one that was dropped goes on by itself
-- until it has delivered, and what it has counted stays.

local ngx = ngx
local ffi = require("ffi")
local core = require("postevent.core")
local phase = require("postevent.phase")
local shared = require("postevent.resty.shared")

local ledger = {}

local PUBLISH_SECONDS = 1
local STOP_SECONDS = 0.9 -- of a worker that was told to stop at once, or of a Lua state that ends before its worker

-- client -> { dictionary = or nil, drain = seconds, announce = or nil }. Weak: a client that nobody else has is
-- collected.
local clients = setmetatable({}, { __mode = "k" })
local dropped = {} -- those of them that were collected and have not ended: client -> true
local counted = {} -- dictionary -> what clients of this worker have counted that are no more
local scheduled = {} -- dictionary -> true: a timer will publish
local used_by -- the process whose counters were published; the master has none
local state_ends = false

pcall(ffi.cdef, "extern int ngx_quit;") -- nginx was told to finish; it shows its symbols, to its modules

-- ---- the counters ----

-- Keeps what a client has counted that has ended, and forgets it. What it did not deliver is lost.
local function retire(client, entry)
  local dictionary = entry.dictionary
  if dictionary then
    local counters = core.total({ (client:_counters()) }, true)
    counted[dictionary] = core.total { counters, counted[dictionary] or "" }
  end
  clients[client] = nil
  if dropped[client] then
    dropped[client] = nil
    client:_collect()
  end
end

-- Forgets the clients that have ended. Returns the counters of the others, as a list for each dictionary.
local function take_stock()
  local lists = {}
  for client, entry in pairs(clients) do
    local dictionary = entry.dictionary
    if client:_life() == "ended" then
      retire(client, entry)
    elseif dictionary then
      lists[dictionary] = lists[dictionary] or {}
      table.insert(lists[dictionary], (client:_counters()))
    end
  end
  return lists
end

-- What the clients of the dictionary have counted in this worker.
local function count(dictionary)
  local list = take_stock()[dictionary] or {}
  list[#list + 1] = counted[dictionary]
  return core.total(list)
end

function ledger.publish(dictionary)
  if phase.current() ~= "init" then -- the master has no events
    used_by = ngx.worker.pid()
    shared.publish(dictionary, count(dictionary))
  end
end

-- The dictionaries of all clients of this worker, those that are no more too, as a list.
function ledger.dictionaries()
  local list, known = {}, {}
  for _, entry in pairs(clients) do
    known[entry.dictionary or false] = true
  end
  for dictionary in pairs(counted) do
    known[dictionary] = true
  end
  known[false] = nil
  for dictionary in pairs(known) do
    list[#list + 1] = dictionary
  end
  return list
end

-- Publishes for the last time. A client that could not end in time is not counted once more when the state ends.
function ledger.finish(dictionary)
  shared.finish(dictionary, count(dictionary))
  counted[dictionary] = nil
  for _, entry in pairs(clients) do
    if entry.dictionary == dictionary then
      entry.dictionary = nil
    end
  end
end

-- Whether a client of the dictionary has events under way; each tells again when it has new ones.
local function is_busy(dictionary)
  local busy = false
  for client, entry in pairs(clients) do
    if entry.dictionary == dictionary then
      local _, _, pending = client:_counters()
      busy = busy or pending > 0
      client:_announce(entry.announce)
    end
  end
  return busy
end

-- Has a timer publish, and again a second later while events are under way; then the next call of track begins anew: a
-- worker without events has no timer. Returns whether all that is tracked from now on will be published.
local function schedule(dictionary)
  if scheduled[dictionary] then
    return true
  end
  local ok = ngx.timer.at(PUBLISH_SECONDS, function(premature)
    scheduled[dictionary] = nil
    local busy = is_busy(dictionary) -- before: what ends meanwhile is published
    ledger.publish(dictionary)
    if busy and not premature then
      schedule(dictionary)
    end
  end)
  used_by = ngx.worker.pid()
  if not ok then -- in a worker that exits, or where nginx has none to give: as well as can be
    ledger.publish(dictionary)
  end
  scheduled[dictionary] = ok or nil
  return ok
end

-- ---- the end of the Lua state ----

local function now()
  ngx.update_time()
  return ngx.now()
end

-- Whether this process is to end when its work is done, and not at once. The only process of an nginx, and a privileged
-- agent, do not count as exiting: nginx tells it of workers alone.
local function is_to_finish()
  local told, quits = pcall(function()
    return ffi.C.ngx_quit ~= 0
  end)
  return ngx.worker.exiting() or (told and quits)
end

-- Closes all clients, each within its seconds, of which `left` tells.
local function end_all(left)
  for client, entry in pairs(clients) do
    client:_finish(left(entry)) -- all at once
  end
  for client, entry in pairs(clients) do
    client:_end(left(entry))
  end
end

-- Delivers what the worker holds, and publishes. nginx ends the Lua state when it has nothing else to do any more: no
-- request, no timer; so this needs none, and nobody waits for it. Nor is there a request that nginx could be asked for:
-- neither its log nor the phase.
local function end_state()
  local begin = now()
  state_ends = true
  shared.leave_nginx()
  end_all(function(entry)
    local most = is_to_finish() and entry.drain or STOP_SECONDS
    return math.min(math.max(most - (now() - begin), 0), most) -- a clock may be set
  end)
  if used_by == ngx.worker.pid() then
    for _, dictionary in ipairs(ledger.dictionaries()) do
      ledger.finish(dictionary)
    end
  end
  for client in pairs(dropped) do
    client:_collect() -- its own finalizer has run
  end
end

-- Has end_state called when the Lua state ends: what is made last is finalized first, before the clients.
local function watch_end()
  local registry, watch = debug.getregistry(), newproxy(true)
  getmetatable(watch).__gc = function(self)
    if registry[end_state] == self then -- and not one that another has followed
      end_state()
    end
  end
  registry[end_state] = watch
end

-- ---- clients ----

-- Takes a client in: `dictionary` (or nil) gets its counters, and `drain` is the seconds that its events have when the
-- worker ends, or when it is dropped.
function ledger.add(client, dictionary, drain)
  take_stock()
  local entry = { dictionary = dictionary, drain = drain }
  if dictionary then
    function entry.announce()
      return schedule(dictionary)
    end
    client:_announce(entry.announce)
  end
  clients[client] = entry
  watch_end()
end

-- The finalizer of a client: it is kept until it has ended, and never waited for.
function ledger.drop(client)
  local entry = clients[client]
  if not entry or state_ends then
    client:_collect()
    return
  end
  dropped[client] = true
  client:_finish(entry.drain)
end

-- The clients that there are, as a list.
function ledger.clients()
  local list = {}
  for client in pairs(clients) do
    list[#list + 1] = client
  end
  return list
end

ledger.forget_ended = take_stock

return ledger
