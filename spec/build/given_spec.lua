-- What is given to make by name and is not there is refused at once, by that name: no package would bring it.
if not require("support.where").is "lua5.4" then -- make is the same for all
  return
end
local helper = require "support.helper"

describe("make, given the name of a program", function()
  helper.guard()

  -- What it says, and whether it asked apt-get for anything.
  local function make(arguments)
    local directory = helper.new_directory()
    for _, name in ipairs { "apt-get", "sudo" } do
      helper.write_file(directory .. "/" .. name, ("#!/bin/sh\necho asked >>%s/asked\nexit 1\n"):format(directory))
      helper.run { "chmod", "755", directory .. "/" .. name }
    end
    local command = { "make", "-s" }
    for word in arguments:gmatch "%S+" do
      command[#command + 1] = word
    end
    local begin = helper.process.now()
    local env = { PATH = directory .. ":" .. os.getenv "PATH", MAKEFLAGS = false }
    for _, name in ipairs { "NGINX", "LUA", "LUAS", "CC" } do
      env[name] = false
    end
    local status, output, errors = helper.run(command, { env = env })
    return status, output .. errors, helper.file_exists(directory .. "/asked"), helper.process.now() - begin
  end

  for arguments, says in pairs {
    ["test LUA=lua9"] = "Lua lua9: there is no such command", ["test LUAS=lua9"] = "Lua lua9: there is no such command",
    ["demo LUA=/no/lua"] = "Lua /no/lua: there is no such command", ["test LUAS=cat"] = "Lua cat: it is none",
    ["test-nginx NGINX=/nonexistent"] = "NGINX=/nonexistent: there is no such command",
    ["demo-nginx NGINX=/nonexistent"] = "NGINX=/nonexistent: there is no such command",
    ["test NGINX=openrusty"] = "NGINX=openrusty: there is no such command",
    ["soak-nginx NGINX=cat"] = "NGINX=cat: it runs no Lua, or is no nginx",
    ["demo CC=/no/cc"] = "CC=/no/cc: there is no such command",
  } do
    it("refuses it when it is not there, and installs nothing: " .. arguments, function()
      local status, said, asked, seconds = make(arguments)
      assert.equal(2, status, said)
      assert.equal(1, select(2, said:gsub(says, "%0")), said)
      assert.is_false(asked)
      assert.is_true(seconds < 5, seconds .. " s")
    end)
  end
end)
