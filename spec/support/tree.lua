-- A copy of what a packager gets, for the specs of the build: make runs in it as it would for them, whatever make and
-- whatever variables these specs run under.
local helper = require "support.helper"

local tree = {}

local Tree = {}
Tree.__index = Tree

local FOREIGN = {
  "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "GNUMAKEFLAGS", "CC", "AR", "OBJCOPY", "CPPFLAGS", "CFLAGS",
  "LDFLAGS", "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR", "LUA", "LUAS", "LUA_ABI", "LUA_INCDIR", "BUILD",
  "CURL", "SANITIZE", "V", "QUIET", "DESTDIR", "PREFIX", "WITH_SANDBOX", "LUA_PATH", "LUA_CPATH",
}

function tree.empty()
  return setmetatable({ directory = helper.new_directory "tree", bin = helper.new_directory "bin" }, Tree)
end

function tree.copy()
  local self = tree.empty()
  local status, _, errors = helper.run {
    "cp", "-R", "Makefile", "tools", "csrc", "lua", "bin", "share", "contrib", "examples", self.directory,
  }
  assert(status == 0, errors)
  return self
end

-- A command that is found before the system's: a shell script.
function Tree:command(name, script)
  local path = helper.write_file(self.bin .. "/" .. name, "#!/bin/sh\n" .. script .. "\n")
  assert(helper.run { "chmod", "755", path } == 0)
  return path
end

-- Runs a program in the tree: status, and all that it printed.
function Tree:run(argv, env)
  local changes = { PATH = self.bin .. ":" .. os.getenv "PATH", LC_ALL = "C" }
  for _, name in ipairs(FOREIGN) do
    changes[name] = false
  end
  for name, value in pairs(env or {}) do
    changes[name] = value
  end
  local status, output, errors = helper.run(argv, { env = changes, directory = self.directory, timeout = 120 })
  return status, output .. errors
end

-- make, optimizing nothing.
function Tree:make(...)
  return self:run { "make", "LUAS=lua5.4", "CFLAGS=-O0", ... }
end

function Tree:exists(path)
  return helper.file_exists(self.directory .. "/" .. path)
end

-- The files below a directory, sorted, one a line.
function Tree:files(path)
  local _, output = self:run { "sh", "-c", 'find "$1" -type f 2>/dev/null | LC_ALL=C sort', "sh", path }
  return output
end

return tree
