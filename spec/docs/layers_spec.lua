-- tools/check-layers keeps the core a house: it passes the tree as it is, and finds what is planted.
if not require("support.where").is "lua5.4" then -- of text alone, whatever reads it
  return
end
local helper = require "support.helper"

-- A core of a few files, and what is changed in it: { ["http/http.c"] = "its text" }.
local HOUSE = {
  ["base/clock.h"] = "#include <time.h>\n",
  ["base/clock.c"] = '#include "base/clock.h"\n',
  ["http/http.h"] = '#include "base/clock.h"\n',
  ["http/http_handle.h"] = '#include <curl/curl.h>\n#include "http/http.h"\n#include "http/http_pool.h"\n',
  ["http/http.c"] = '#include "http/http.h"\n#include "http/http_handle.h"\n',
  ["http/http_pool.h"] = "",
  ["http/http_pool.c"] = '#include "http/http_pool.h"\n',
  ["policy/reply.c"] = '#include <jansson.h>\n#include "http/http.h"\n',
  ["event/rule.h"] = "",
  ["lua/lua_compat.h"] = "#include <lua.h>\n",
  ["lua/lua_core.c"] = '#include "lua/lua_compat.h"\n#include "event/rule.h"\n',
  ["sandbox/httpd.c"] = '#include <microhttpd.h>\n#include "lua/lua_compat.h"\n',
}

local function check(changes)
  local directory = helper.new_directory()
  for _, files in ipairs { HOUSE, changes } do
    for path, text in pairs(files) do
      assert.equal(0, (helper.run { "mkdir", "-p", directory .. "/" .. path:match "^(.*)/" }))
      local file = assert(io.open(directory .. "/" .. path, "w"))
      file:write(text)
      file:close()
    end
  end
  return helper.run { "tools/check-layers", directory }
end

-- What is planted, and the words that must be in the complaint.
local PLANTED = {
  ["a folder above"] = { { ["base/clock.c"] = '#include "http/http.h"\n' }, "base/clock.c", "http/http.h" },
  ["a folder above, in a header"] = {
    { ["http/http.h"] = '#include "policy/x.h"\n', ["policy/x.h"] = "" },
    "http/http.h",
  },
  ["a folder beside it"] = { { ["policy/reply.c"] = '#include "event/rule.h"\n' }, "policy/reply.c", "event/rule.h" },
  ["more of the core in the sandbox"] = { { ["sandbox/httpd.c"] = '#include "base/clock.h"\n' }, "sandbox/httpd.c" },
  ["a name without its folder"] = { { ["http/http.c"] = '#include "http.h"\n' }, "http/http.c", "http.h" },
  ["curl elsewhere"] = { { ["policy/reply.c"] = "#include <curl/curl.h>\n" }, "policy/reply.c", "curl/curl.h" },
  ["jansson elsewhere"] = { { ["policy/x.c"] = "#  include <jansson.h>\n" }, "policy/x.c", "jansson.h" },
  ["threads elsewhere"] = { { ["base/clock.c"] = "#include <pthread.h>\n" }, "base/clock.c", "pthread.h" },
  ["Lua elsewhere"] = { { ["lua/lua_core.c"] = "#include <lauxlib.h>\n" }, "lua/lua_core.c", "lauxlib.h" },
  ["two files that need each other"] = {
    { ["http/http_pool.c"] = '#include "http/http_pool.h"\n#include "http/http.h"\n' },
    "circle",
    "http/http_pool",
  },
}

describe("the layers of the core", function()
  helper.guard()

  it("are kept", function()
    local status, output = helper.run { "tools/check-layers" }
    assert.equal(0, status, output)
    status, output = check {}
    assert.equal(0, status, output)
  end)

  for what, case in pairs(PLANTED) do
    it("are checked for " .. what, function()
      local status, output = check(case[1])
      assert.equal(1, status, output)
      for i = 2, #case do
        assert.truthy(output:find(case[i], 1, true), output)
      end
    end)
  end
end)
