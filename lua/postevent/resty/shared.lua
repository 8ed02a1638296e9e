-- The counters of all workers of an nginx, in a dictionary that they share (lua_shared_dict): each worker keeps an
-- entry of its own up to date, and one entry holds the sum of the workers that are no more. An entry is a string of
-- client:_counters() or core.total(), consistent in itself, so that the equations of the counters hold for the sum.

local ngx = ngx
local core = require("postevent.core")

local shared = {}

local ENDED = "postevent:ended"
local LOCK = "postevent:lock"
local WORKER = "postevent:worker:"
local LOCK_SECONDS = 1 -- after which the lock of a worker that was killed is free
local LOCK_TRIES = 2000 -- of a millisecond, where a light thread can sleep

-- ---- which workers live ----

-- When the process began, in the system's ticks since its start: with its number, the name of a process for good. nil:
-- there is none, or the system does not tell.
local function start_of(pid)
  local file = io.open(("/proc/%d/stat"):format(pid))
  if not file then
    return nil
  end
  local line = file:read("*l") or ""
  file:close()
  local fields = line:match("^.*%)(.*)$") or "" -- proc(5): the name, in brackets, may hold anything
  local index = 2
  for field in fields:gmatch("%S+") do
    index = index + 1
    if index == 22 then
      return field
    end
  end
end

local own_key

local function key()
  local pid = ngx.worker.pid()
  own_key = own_key or ("%s%d:%s"):format(WORKER, pid, start_of(pid) or "?")
  return own_key
end

-- Whether the process of the entry lives. Where the system does not tell, it does.
local function is_alive(entry)
  local pid, start = entry:match("(%d+):(.*)$")
  return start == "?" or start_of(tonumber(pid)) == start
end

-- ---- the lock ----

local function pause()
  if not pcall(ngx.sleep, 0.001) then -- not in every phase
    ngx.update_time()
  end
end

-- Runs `action` while nobody else moves an entry. The lock is held for microseconds; should it never come, the counters
-- are better than none.
local function with_lock(dictionary, action)
  local locked
  for _ = 1, LOCK_TRIES do
    locked = dictionary:add(LOCK, true, LOCK_SECONDS)
    if locked then
      break
    end
    pause()
  end
  local result = action()
  if locked then
    dictionary:delete(LOCK)
  end
  return result
end

-- ---- entries ----

local warned = false

-- An entry that does not fit must not push another one out.
local function store(dictionary, name, value)
  local ok, why = dictionary:safe_set(name, value)
  if not ok and not warned then
    warned = true
    ngx.log(ngx.WARN, "postevent: the shared dictionary takes no more counters: ", why)
  end
end

-- Moves an entry to those of the workers that are no more.
local function retire(dictionary, name, value)
  store(dictionary, ENDED, core.total { dictionary:get(ENDED) or "", core.total({ value }, true) })
  dictionary:delete(name)
end

-- Publishes what this worker has counted so far.
function shared.publish(dictionary, counters)
  store(dictionary, key(), counters)
end

-- The same for the last time.
function shared.finish(dictionary, counters)
  with_lock(dictionary, function()
    retire(dictionary, key(), counters)
  end)
end

-- The stats of all workers together, with `lost` and `workers`. What a worker held that was killed is lost.
function shared.stats(dictionary)
  return with_lock(dictionary, function()
    local living = {}
    for _, name in ipairs(dictionary:get_keys(0)) do
      local value = name:find(WORKER, 1, true) == 1 and dictionary:get(name)
      if value and is_alive(name) then
        living[#living + 1] = value
      elseif value then
        retire(dictionary, name, value)
      end
    end
    local workers = #living
    living[workers + 1] = dictionary:get(ENDED)
    local stats = core.sum(living)
    stats.workers = workers
    return stats
  end)
end

return shared
