-- A core that was built for another Lua than the one that runs the specs.
local children = require "support.children"
local files = require "support.files"

local other_core = {}

-- Of a version that shares no core with this one: 5.1 and LuaJIT may.
local OTHER = _VERSION == "Lua 5.4" and "lua5.3" or "lua5.4"

-- This run's own core, as require finds it; Lua 5.1 has no package.searchpath.
local function find_own()
  for template in package.cpath:gmatch("[^;]+") do
    local path = template:gsub("%?", "postevent/core")
    if files.exists(path) then
      return path
    end
  end
end

-- The directory whose postevent/core.so it is: that of the same build, which has it where all Luas are tested; or else
-- it is built.
function other_core.directory()
  local directory = find_own():gsub("/[^/]+/postevent/core%.so$", "/" .. OTHER)
  if not files.exists(directory .. "/postevent/core.so") then
    directory = "build/other/" .. OTHER -- a tree of its own: that of a sanitizer has other objects
    local status, _, errors = children.run({
      "make", "-s", directory .. "/postevent/core.so", "LUAS=" .. OTHER, "BUILD=build/other",
    }, { timeout = 300 })
    assert(status == 0, errors)
  end
  return directory
end

return other_core
