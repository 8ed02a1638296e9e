-- What examples/openresty/Dockerfile.* say: its `make install`, word by word, in a tree as OpenResty has it.
if not require("support.where").is "luajit" then
  return
end
local helper = require "support.helper"
local tree = require "support.tree"

describe("the image of OpenResty", function()
  helper.guard()
  local OPENRESTY = "/usr/local/openresty"

  local copy, prefix

  -- LuaJIT as OpenResty has it: below a folder of its own, and not in PATH.
  setup(function()
    copy = tree.copy()
    prefix = copy.directory .. "/openresty"
    local status, _, errors = helper.run { "sh", "-euc", [[
      mkdir -p "$1/luajit/bin" "$1/luajit/include"
      cp "$(command -v luajit)" "$1/luajit/bin/luajit"
      cp -r "$(pkg-config --variable=includedir luajit)" "$1/luajit/include/luajit-2.1"
    ]], "sh", prefix }
    assert.equal(0, status, errors)
  end)

  for _, system in ipairs { "debian", "alpine" } do
    it("on " .. system .. " is made by a line that installs where its LuaJIT looks", function()
      local file = helper.read_file("examples/openresty/Dockerfile." .. system):gsub("\\\n%s*", "")
      local line = file:match "\nRUN (make [^\n]+)"
      local out = copy.directory .. "/out-" .. system
      line = line:gsub("/usr/src/postevent", copy.directory):gsub("=/out", "=" .. out):gsub(OPENRESTY, prefix)
      local status, output = copy:run { "sh", "-c", line .. " -s -j2 QUIET=1" }
      assert.equal(0, status, output)
      assert.truthy(file:find("\nCOPY --from=build /out /\n", 1, true))
      local at = out .. "/usr/local"
      status, output = copy:run({ prefix .. "/luajit/bin/luajit", "-e",
        'assert(require("postevent").new { mode = "record" }:track { event_name = "e" } == 1)' }, {
        LUA_PATH = at .. "/share/lua/5.1/?.lua;" .. at .. "/share/lua/5.1/?/init.lua;;",
        LUA_CPATH = at .. "/lib/lua/5.1/?.so;;",
      })
      assert.equal(0, status, output)
    end)
  end
end)
