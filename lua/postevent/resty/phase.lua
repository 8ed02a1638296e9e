-- What nginx allows where. A phase is what ngx.get_phase() calls it. Outside nginx there is none.

local phase = {}

-- The worker starts or ends: nobody's request waits for it.
local MAY_WAIT = { init = true, init_worker = true, exit_worker = true }

-- Where a light thread may sleep.
local MAY_YIELD = {
  server_rewrite = true, rewrite = true, access = true, content = true, timer = true, preread = true,
  ssl_cert = true, ssl_session_fetch = true, ssl_client_hello = true,
}

local function name_of(current)
  return current == "timer" and "a timer" or current .. "_by_lua"
end

-- The phase of nginx that calls; nil outside nginx.
local function current_phase()
  local ngx = rawget(_G, "ngx")
  local get_phase = type(ngx) == "table" and ngx.get_phase
  return get_phase and get_phase()
end

-- A function of a method's name that raises, at its caller's caller, where that method would make the worker wait;
-- nil outside nginx.
function phase.guard()
  if not current_phase() then
    return nil
  end
  return function(method)
    local current = current_phase()
    if not MAY_WAIT[current] then
      error(("%s would block the worker, and every request in it, in %s; a client of postevent.resty posts without, "
        .. "and track works in every phase (allow_blocking = true lets it)"):format(method, name_of(current)), 3)
    end
  end
end

-- Raises, at its caller's caller, where a light thread cannot sleep.
function phase.check_may_yield()
  local current = current_phase()
  if not MAY_YIELD[current] then
    error(("post cannot wait for an answer in %s; track works in every phase"):format(name_of(current)), 3)
  end
end

return phase
