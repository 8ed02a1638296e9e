-- What of postevent, or of what it builds on, is written in C: it is made for one Lua, and where another one runs, the
-- words of the loader ("undefined symbol: lua_getiuservalue") help nobody.

local OTHER_LUA = { "undefined symbol: lua", "symbol not found in [^\n]*_lua", "version mismatch",
  "multiple Lua VMs", "incompatible numeric types" }

-- The Lua that runs, as people call it, as luarocks does, and as the Makefile does.
local function running()
  local version = _VERSION:match("%d+%.%d+$")
  local jit = rawget(_G, "jit")
  return jit and jit.version:match("^LuaJIT [%d.]*%d") or _VERSION, version, jit and "luajit" or "lua" .. version
end

local function is_for_another_lua(message)
  for _, pattern in ipairs(OTHER_LUA) do
    if message:find(pattern) then
      return true
    end
  end
end

-- The loader's own words, without the list of all the places where it has looked.
local function reason_of(message)
  local rest = message:match("^error loading module [^\n]*\n%s*([^\n]*)") or message
  return rest:match("undefined symbol: [%w_]+") or rest:match("^[^\n]*")
end

-- What to say of a module that cannot be loaded.
local function explain(name, rock, message)
  local lua, version, make = running()
  local install = ("install it for this Lua: luarocks --lua-version=%s install %s"):format(version, rock)
  if rock == "postevent" then
    install = install .. ("; or, in a checkout: make LUA=%s"):format(make)
  end
  if message:find(("module '%s' not found"):format(name), 1, true) then
    return ("module '%s' not found for %s, in no place of package.cpath (LUA_CPATH); %s"):format(name, lua, install)
  end
  local file = message:match("from file '([^'\n]*)'") or name
  if is_for_another_lua(message) then
    return ("%s was built for another Lua than the one that runs, %s; %s (%s)"):format(file, lua, install,
      reason_of(message))
  end
  return ("%s cannot be loaded: %s"):format(name, reason_of(message))
end

-- As require. `rock`: what has the module, where that is not postevent. Raises in one line what to do.
return function(name, rock)
  local ok, module = pcall(require, name)
  if not ok then
    error(explain(name, rock or "postevent", tostring(module)), 0)
  end
  return module
end
