-- What nginx allows where. A phase is what ngx.get_phase() calls it. Outside nginx there is none.

local core = require("postevent.native")("postevent.core")

local phase = {}

-- The worker starts or ends: nobody's request waits for it.
local MAY_WAIT = { init = true, init_worker = true, exit_worker = true }

local yields = {} -- phase -> whether a light thread may sleep there, as nginx said

local function name_of(current)
  return current == "timer" and "a timer" or current:gsub("ssl_cert$", "ssl_certificate") .. "_by_lua"
end

-- The phase of nginx that calls; nil outside nginx.
function phase.current()
  local ngx = rawget(_G, "ngx")
  local get_phase = type(ngx) == "table" and ngx.get_phase
  return get_phase and get_phase()
end

-- Whether nobody's request waits for what waits here.
function phase.may_wait()
  return MAY_WAIT[phase.current()] or false
end

-- Raises, `level` up, where the method of that name would make the worker wait.
function phase.check_may_wait(method, level)
  local current = phase.current()
  if not MAY_WAIT[current] then
    error(("%s would block the worker, and every request in it, in %s; a client of postevent.resty posts without, "
      .. "and track works in every phase (allow_blocking = true lets it)"):format(method, name_of(current)), level + 1)
  end
end

-- Raises, at its caller's caller, in init_by_lua. There the process is the master: `nginx -t` begins so, too, and
-- `daemon` leaves it for another, which has none of its threads.
function phase.check_has_begun(method)
  if phase.current() == "init" then
    error(("%s: init_by_lua is no place for events: no worker is there, and what the master holds is lost; "
      .. "init_worker_by_lua is one"):format(method), 3)
  end
end

-- A function of a method's name that raises, at its caller's caller, where that method would make the worker wait;
-- nil outside nginx.
function phase.guard()
  if not phase.current() then
    return nil
  end
  return function(method)
    phase.check_may_wait(method, 3)
  end
end

-- Whether nginx lets a light thread sleep in a phase, of those that are and of those to come: it tells who asks to wait
-- for nothing at all.
local function lets_sleep(current)
  if yields[current] == nil then
    local semaphore = require("ngx.semaphore").new(0)
    local _, _, why = pcall(semaphore.wait, semaphore, 0)
    yields[current] = why == "timeout"
  end
  return yields[current]
end

-- Whether a light thread may sleep here.
function phase.may_yield()
  local current = phase.current()
  return current ~= nil and lets_sleep(current) and core.can_yield()
end

-- Raises, at its caller's caller, where a post cannot sleep. Before anything else is done: a semaphore that is waited
-- for where Lua cannot yield is linked into nginx's lists all the same.
function phase.check_post_may_yield()
  local current = phase.current()
  if not lets_sleep(current) then
    error(("post cannot wait for an answer in %s; track works in every phase"):format(name_of(current)), 3)
  elseif not core.can_yield() then
    error("post cannot wait for an answer inside a function of C that calls Lua (string.gsub, table.sort, a finalizer, "
      .. "before_send, log); track can be called there", 3)
  end
end

return phase
