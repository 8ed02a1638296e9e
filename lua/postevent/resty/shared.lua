-- The counters of all workers of an nginx, in a dictionary that they share (lua_shared_dict): each worker keeps an
-- entry of its own up to date, and one entry holds the sum of the workers that are no more. An entry is a string of
-- client:_counters() or core.total(), consistent in itself, so that the equations of the counters hold for the sum.

local ngx = ngx
local core = require("postevent.native")("postevent.core")
local phase = require("postevent.phase")

local shared = {}

local ENOENT, ESRCH = 2, 3
local ENDED = "postevent:ended"
local LOCK = "postevent:lock"
local WORKER = "postevent:worker:"
local LOCK_SECONDS = 1 -- after which the lock of a worker that was killed is free
local SHORT = 0.01 -- seconds to wait for the lock where the worker would not do anything else meanwhile

-- ---- which workers live ----

-- When the process began, in the system's ticks since its start: with its number, the name of a process for good. nil:
-- there is none (which the second result says), or the system does not tell.
local function start_of(pid)
  local file, _, number = io.open(("/proc/%d/stat"):format(pid))
  if not file then
    return nil, (number == ENOENT or number == ESRCH) and not core.process_exists(pid) -- some hide those of other users
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

local own_pid, own_start

local function name_of(pid, start)
  return ("%s%d:%s"):format(WORKER, pid, start or "?")
end

-- The name of this worker's entry. The second result: the one that it had while the system did not tell when it began,
-- for want of a descriptor.
local function key()
  local pid = ngx.worker.pid()
  if pid ~= own_pid or not own_start then -- what the master has found out is inherited
    own_pid, own_start = pid, start_of(pid)
  end
  return name_of(pid, own_start), own_start and name_of(pid)
end

-- Whether the process of the entry lives. Where the system does not tell, it does.
local function is_alive(entry)
  local pid, start = entry:match("(%d+):(.*)$")
  local found, is_gone = start_of(tonumber(pid))
  return not is_gone and (start == "?" or not found or found == start)
end

-- ---- the lock ----

local in_nginx = true

-- From here on there is no request: nginx can be asked neither for the phase nor to write to its log.
function shared.leave_nginx()
  in_nginx = false
end

local function may_yield()
  return in_nginx and phase.may_yield()
end

local function now()
  ngx.update_time()
  return ngx.now()
end

-- Runs action(locked) while nobody else moves an entry, or after `patience` seconds without the lock. It is held for
-- microseconds.
local function with_lock(dictionary, patience, action)
  local yields = may_yield()
  local token = (key())
  local begin = now()
  local locked, elapsed
  repeat
    locked = dictionary:safe_add(LOCK, token, LOCK_SECONDS)
    if not locked and yields then
      ngx.sleep(0.001)
    end
    elapsed = now() - begin
  until locked or elapsed < 0 or elapsed > patience -- a clock may be set back
  local result = action(locked)
  if locked and dictionary:get(LOCK) == token then -- not one that was taken over from us, too slow
    dictionary:delete(LOCK)
  end
  return result
end

-- ---- entries ----

local warned = false

-- An entry that does not fit must not push another one out. Returns whether it is there.
local function store(dictionary, name, value)
  local ok, why = dictionary:safe_set(name, value)
  if not ok and in_nginx and not warned then
    warned = true
    ngx.log(ngx.WARN, "postevent: the shared dictionary takes no more counters: ", why)
  end
  return ok
end

-- Moves an entry, whose counters are `ended`, to those of the workers that are no more. Returns whether it could.
local function retire(dictionary, name, ended)
  local ok = store(dictionary, ENDED, core.total { dictionary:get(ENDED) or "", ended })
  if ok then
    dictionary:delete(name)
  end
  return ok
end

-- Publishes what this worker has counted so far.
function shared.publish(dictionary, counters)
  local name, former = key()
  if store(dictionary, name, counters) and former then
    dictionary:delete(former)
  end
end

-- The same for the last time.
function shared.finish(dictionary, counters)
  with_lock(dictionary, LOCK_SECONDS * 1.5, function()
    if not retire(dictionary, (key()), core.total({ counters }, true)) then
      shared.publish(dictionary, counters)
    end
  end)
end

-- The stats of all workers together, with `lost` and `workers`. What a worker held that was killed is lost.
function shared.stats(dictionary)
  return with_lock(dictionary, may_yield() and LOCK_SECONDS * 1.5 or SHORT, function(locked)
    local list, workers = {}, 0
    for _, name in ipairs(dictionary:get_keys(0)) do
      local value = name:find(WORKER, 1, true) == 1 and dictionary:get(name)
      if value and is_alive(name) then
        list[#list + 1] = value
        workers = workers + 1
      elseif value then
        local ended = core.total({ value }, true)
        if not (locked and retire(dictionary, name, ended)) then
          list[#list + 1] = ended
        end
      end
    end
    list[#list + 1] = dictionary:get(ENDED)
    local stats = core.sum(list)
    stats.workers = workers
    return stats
  end)
end

return shared
