-- What is written in C and cannot be loaded: what is said of it.
local helper = require "support.helper"
local native = require "postevent.native"
local other_core = require "support.other_core"

local count = 0

-- What native(name, "xy") raises where require raises `message`. Lua 5.1 does not load a module again that has failed.
local function explain(message)
  count = count + 1
  local name = "x.y" .. count
  package.preload[name] = function()
    error(message, 0)
  end
  helper.defer(function()
    package.preload[name] = nil
  end)
  local ok, why = pcall(native, name, "xy")
  assert.is_false(ok)
  assert.is_nil(why:find("\n", 1, true), why)
  return why
end

describe("G: a module of C", function()
  helper.guard()

  it("is what require returns", function()
    assert.equal(require "postevent.core", native "postevent.core")
  end)

  it("that was built for another Lua is named, with what to do", function()
    local script = helper.new_file('print(select(2, pcall(require, "postevent")))')
    local foreign = other_core.directory()
    local _, output = helper.run_lua(script, {}, { env = { LUA_CPATH = foreign .. "/?.so;" .. package.cpath } })
    assert.truthy(output:find(foreign .. "/postevent/core.so was built for another Lua than ", 1, true), output)
    assert.truthy(output:find("; or, in a checkout: make LUA=lua", 1, true), output)
  end)

  it("is known to be for another Lua by what each loader says", function()
    local loading = "error loading module 'x' from file '/l/x.so':\n\t"
    for _, message in ipairs {
      loading .. "/l/x.so: undefined symbol: lua_newuserdatauv",
      loading .. "dlopen(/l/x.so): symbol not found in flat namespace '_lua_objlen'",
      "version mismatch: app. needs Lua 504", "multiple Lua VMs detected",
      "core and library have incompatible numeric types",
    } do
      assert.truthy(explain(message):find(" was built for another Lua than the one that runs, ", 1, true))
    end
    local why = explain(loading .. "/l/x.so: undefined symbol: lua_x")
    assert.truthy(why:find("^/l/x.so was built .* install xy %(undefined symbol: lua_x%)$"), why)
  end)

  it("that is not there, or lacks a library, says so", function()
    local ok, why = pcall(native, "x.nowhere", "xy")
    assert.is_false(ok)
    assert.truthy(why:find("^module 'x.nowhere' not found for [^\n]*luarocks %-%-lua%-version=[%d.]+ install xy$"), why)
    local lacking = "libx.so.4: cannot open shared object file"
    why = explain("error loading module 'x' from file '/l/x.so':\n\t" .. lacking)
    assert.truthy(why:find("^x.y%d+ cannot be loaded: " .. lacking .. "$"), why)
  end)
end)
