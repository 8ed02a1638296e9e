-- Which specs run where. What waits more than it works, and has little of Lua in it, runs on some Luas only; and what
-- measures time does not run where a tool makes everything slow (POSTEVENT_SLOW: `make asan`, `make valgrind` set it).
local where = {}

-- Whether this is one of the Luas that are named, at its usual speed.
function where.is(...)
  if os.getenv "POSTEVENT_SLOW" then
    return false
  end
  local lua = os.getenv "POSTEVENT_LUA" or "lua5.4"
  for _, name in ipairs { ... } do
    if name == lua then
      return true
    end
  end
  return false
end

-- Whether this build has a spool.
function where.spools()
  return require("postevent").features.sqlite ~= false
end

return where
