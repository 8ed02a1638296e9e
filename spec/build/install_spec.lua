-- make install and make uninstall: which files, where, for which Lua.
if not require("support.where").is "lua5.4" then -- make is the same for all
  return
end

local helper = require "support.helper"
local tree = require "support.tree"

local SHARE, LIB = "usr/local/share/lua/5.4/postevent", "usr/local/lib/lua/5.4/postevent"

describe("make install", function()
  helper.guard()

  local copy, path
  local root = "packed"

  setup(function()
    copy = tree.copy()
    path = select(2, copy:run { "sh", "-c", "command -v lua5.4" }):match "[^\n]+"
    local status, output = copy:make("-j2", "build")
    assert.equal(0, status, output)
  end)

  before_each(function()
    copy:run { "rm", "-rf", root }
  end)

  local function install(...)
    return copy:make("-j2", "install", "DESTDIR=" .. root, ...)
  end

  -- What the installed command prints, with the installed modules.
  local function version(command)
    local at = copy.directory .. "/" .. root .. "/"
    return copy:run({ at .. (command or "usr/local/bin/postevent"), "--version" }, {
      LUA_PATH = at .. "usr/local/share/lua/5.4/?.lua;" .. at .. "usr/local/share/lua/5.4/?/init.lua;;",
      LUA_CPATH = at .. "usr/local/lib/lua/5.4/?.so;;",
    })
  end

  it("says where it put things, which then work", function()
    local status, output = install()
    assert.equal(0, status, output)
    assert.equal(("Installed for Lua 5.4:\n  R/%s/\n  R/%s/\n  R/usr/local/bin/postevent\n"
      .. "  R/usr/local/share/ (manual pages, and the completion of shells)\n"
      .. "  R/usr/local/lib/systemd/system/postevent-relay@.service\n"):gsub("R", root)
      :format(SHARE, LIB), output)
    assert.truthy(copy:exists(root .. "/" .. LIB .. "/sandbox/httpd.so"))
    for _, shared in ipairs { "man/man1/postevent.1", "man/man1/postevent-spool-list.1",
      "zsh/site-functions/_postevent", "bash-completion/completions/postevent",
      "fish/vendor_completions.d/postevent.fish" } do
      assert.truthy(copy:exists(root .. "/usr/local/share/" .. shared), shared)
    end
    status, output = version()
    assert.equal(0, status, output)
    assert.truthy(output:find "^%d+%.%d+%.%d+\n$", output)
  end)

  it("says so where that Lua does not look there, and how to tell it", function()
    local prefix = copy.directory .. "/elsewhere"
    local status, output = copy:make("-j2", "install", "PREFIX=" .. prefix)
    assert.equal(0, status, output)
    assert.truthy(output:find("lua5.4 does not look there", 1, true), output)
    local env = { LUA_INIT = false }
    for name, value in output:gmatch "export (LUA_%u+)='([^']+)'" do
      env[name] = value
    end
    status, output = copy:run({ prefix .. "/bin/postevent", "--version" }, env)
    assert.equal(0, status, output)
    status, output = copy:make("-j2", "install", "PREFIX=" .. prefix, "LUA_PATH=" .. env.LUA_PATH,
      "LUA_CPATH=" .. env.LUA_CPATH)
    assert.equal(0, status, output)
    assert.is_nil(output:find("does not look", 1, true), output)
  end)

  it("takes away what an older version left below postevent/, and nothing beside it", function()
    copy:run { "mkdir", "-p", root .. "/" .. SHARE }
    helper.write_file(copy.directory .. "/" .. root .. "/" .. SHARE .. "/old.lua", "")
    helper.write_file(copy.directory .. "/" .. root .. "/usr/local/share/lua/5.4/theirs.lua", "")
    assert.equal(0, (install()))
    assert.is_false(copy:exists(root .. "/" .. SHARE .. "/old.lua"))
    assert.is_true(copy:exists(root .. "/usr/local/share/lua/5.4/theirs.lua"))
    local status, output = copy:make("uninstall", "DESTDIR=" .. root)
    assert.equal(0, status, output)
    assert.equal(root .. "/usr/local/share/lua/5.4/theirs.lua\n", copy:files(root))
  end)

  it("leaves the command of another Lua where it is", function()
    assert.equal(0, (install()))
    helper.write_file(copy.directory .. "/" .. root .. "/usr/local/bin/postevent", "#!/usr/bin/env luajit\n")
    assert.equal(0, (copy:make("uninstall", "DESTDIR=" .. root)))
    local files = copy:files(root)
    assert.truthy(files:find(root .. "/usr/local/bin/postevent\n", 1, true), files)
    assert.truthy(files:find("usr/local/share/man/man1/postevent-post.1\n", 1, true), files)
    assert.is_nil(files:find("/lua/", 1, true), files)
  end)

  it("leaves the sandbox out on demand, and does not need its library then", function()
    local status, output = install("WITH_SANDBOX=no", "BUILD=build/without", "MICROHTTPD_LIBS=-lnot-there")
    assert.equal(0, status, output)
    local files = copy:files(root)
    assert.is_nil(files:find("sandbox/", 1, true), files)
    assert.equal(0, (version()))
  end)

  it("takes a Lua by its path, and another place for modules", function()
    local status, output = install("LUA=" .. path, "PREFIX=/opt/x", "INSTALL_CMOD=/opt/x/lib64/lua/5.4")
    assert.equal(0, status, output)
    local command = root .. "/opt/x/bin/postevent"
    assert.equal("#!" .. path, helper.read_file(copy.directory .. "/" .. command):match "^[^\n]*")
    local unit = helper.read_file(copy.directory .. "/" .. root .. "/opt/x/lib/systemd/system/postevent-relay@.service")
    assert.truthy(unit:find("\nExecStart=/opt/x/bin/postevent relay ", 1, true), unit)
    assert.is_true(copy:exists(root .. "/opt/x/lib64/lua/5.4/postevent/core.so"))
  end)

  it("fails where it cannot tell for which Lua, and installs nothing", function()
    for _, lua in ipairs { "no-such-lua", "/nowhere/bin/lua5.4" } do
      local status, output = install("LUA=" .. lua)
      assert.equal(2, status, output)
      assert.truthy(output:find("Cannot tell for which Lua to install: LUA=" .. lua .. " does not", 1, true), output)
      assert.equal("", copy:files(root))
    end
  end)

  it("believes LUA_ABI about a Lua that does not run here", function()
    local _, flags = copy:run { "pkg-config", "--variable=includedir", "lua5.4" }
    local headers = flags:match "%S+" .. (flags:find "lua5%.4" and "" or "/lua5.4")
    local status, output = install("LUA=lua5.4-of-another-machine", "LUA_ABI=5.4", "LUA_INCDIR=" .. headers)
    assert.equal(0, status, output)
    assert.is_true(copy:exists(root .. "/" .. LIB .. "/core.so"))
  end)

  it("fails where the headers are another Lua's", function()
    local status, output = install "LUA_ABI=5.3"
    assert.equal(2, status)
    assert.truthy(output:find("LUA=lua5.4 is Lua 5.3, its lua.h that of Lua 5.4", 1, true), output)
    assert.equal("", copy:files(root))
  end)

  it("takes the headers that belong to a Lua at a path, and asks where there are none", function()
    local prefix = helper.new_directory "prefix"
    local lua, libraries = prefix .. "/bin/lua5.4", prefix .. "/lib/pkgconfig"
    copy:run { "mkdir", "-p", prefix .. "/bin", libraries }
    copy:run { "ln", "-s", path, lua }
    local status, output = install("LUA=" .. lua)
    assert.equal(2, status)
    assert.truthy(output:find("No .pc file belongs to " .. lua, 1, true), output)

    local _, headers = copy:run { "pkg-config", "--cflags", "lua5.4" }
    helper.write_file(libraries .. "/lua5.4.pc", ("prefix=%s\nName: Lua\nDescription: .\nVersion: 5.4\nCflags: %s\n")
      :format(prefix, headers))
    status, output = install("LUA=" .. lua)
    assert.equal(0, status, output)
    assert.is_true(copy:exists(root .. "/" .. LIB .. "/core.so"))
  end)
end)
