-- A build without SQLite: it is complete but for the spool, and says so.
if not require("support.where").is "lua5.4" then -- make is the same for all
  return
end

local helper = require "support.helper"
local tree = require "support.tree"

local WITHOUT = { "make", "-j2", "LUAS=lua5.4", "SQLITE_CFLAGS=", "SQLITE_LIBS=" }

-- Runs make in a copy of the tree with these words behind it, too.
local function build(...)
  local copy, argv = tree.copy(), { (table.unpack or unpack)(WITHOUT) }
  for _, word in ipairs { ... } do
    argv[#argv + 1] = word
  end
  local status, output = copy:run(argv)
  assert.equal(0, status, output)
  assert.is_nil(output:find("warning:", 1, true), output)
  return copy
end

describe("a build without SQLite", function()
  helper.guard()

  it("has all but the spool, and says how to get that", function()
    local copy = build("CFLAGS=-O0", "build")
    local script = helper.new_file([[
      local postevent = require "postevent"
      print(postevent.features.sqlite)
      local client = postevent.new { url = "http://127.0.0.1:9/x" }
      print(client:encode { event_name = "e" } ~= nil, client:stats().spool)
      client:close()
      print(pcall(postevent.new, { url = "http://127.0.0.1:9/x", spool = { path = "events.spool" } }))
    ]], ".lua")
    local status, output, errors = helper.run({ "lua5.4", script }, {
      env = {
        LUA_PATH = copy.directory .. "/lua/?.lua;" .. copy.directory .. "/lua/?/init.lua",
        LUA_CPATH = copy.directory .. "/build/lua5.4/?.so;" .. package.cpath,
      },
    })
    assert.equal(0, status, errors)
    local sqlite, works, refused = output:match "^(%S+)\n(%C*\t%C*)\n(.*)$"
    assert.equal("false", sqlite)
    assert.equal("true\tnil", works)
    assert.truthy(refused:find("^false\t[^\n]*spool: this build of postevent has no SQLite"), refused)
    assert.truthy(refused:find("libsqlite3-dev", 1, true), refused)
    local _, names = copy:run { "nm", "-D", "--undefined-only", "build/lua5.4/postevent/core.so" }
    assert.truthy(names:find("curl_easy_init", 1, true), names)
    assert.is_nil(names:find("sqlite3_", 1, true), names)
  end)

  it("compiles without a warning with clang", function()
    if helper.run { "sh", "-c", "command -v clang" } ~= 0 then
      return pending "no clang"
    end
    build("CC=clang", "CFLAGS=-O1", "build")
  end)
end)
