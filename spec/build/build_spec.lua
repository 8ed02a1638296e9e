-- Building: what is compiled again, whose flags count, which tools are called, what is said when something is missing.
if not require("support.where").is "lua5.4" then -- make is the same for all
  return
end

local helper = require "support.helper"
local tree = require "support.tree"

-- The lines of a text that have a piece in them.
local function lines_with(text, piece)
  local found = {}
  for line in text:gmatch "[^\n]+" do
    found[#found + 1] = line:find(piece, 1, true) and line or nil
  end
  return found
end

-- What make says that it made, sorted.
local function made(output)
  local names = {}
  for name in output:gmatch "  MAKE ([^\n]+)" do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

describe("make", function()
  helper.guard()

  it("compiles again what includes a header that changed, and nothing else", function()
    local copy = tree.copy()
    local source = copy.directory .. "/csrc/base/clock.c"
    helper.write_file(copy.directory .. "/csrc/base/new.h", "enum { PE_NEW = 1 };\n")
    helper.write_file(source, '#include "base/new.h"\n' .. helper.read_file(source))
    local status, output = copy:make("-j2", "build")
    assert.equal(0, status, output)
    assert.same({}, made(select(2, copy:make "build")))
    copy:run { "touch", "csrc/base/new.h" }
    assert.same({ "build/lua5.4/postevent/core.so", "build/obj/base/clock.o" }, made(select(2, copy:make "build")))
    -- A header that is gone is no reason to stop.
    os.remove(copy.directory .. "/csrc/base/new.h")
    helper.write_file(source, helper.read_file(source):gsub("^[^\n]*\n", ""))
    status, output = copy:make "build"
    assert.equal(0, status, output)
  end)

  it("leaves the packager's flags the last word, and needs none of them", function()
    local copy = tree.copy()
    local status, output = copy:run { "make", "-n", "V=1", "LUAS=lua5.4", "build", "CPPFLAGS=-DTHEIRS", "CFLAGS=-O1",
      "LDFLAGS=-Wl,--theirs" }
    assert.equal(0, status, output)
    local compiled, linked = lines_with(output, " -c -o "), lines_with(output, ".so ")
    assert.is_true(#compiled > 40 and #linked == 2, output)
    for _, line in ipairs(compiled) do
      assert.truthy(line:find "%-std=gnu11.* %-DTHEIRS %-O1 %-MMD", line)
    end
    for _, line in ipairs(linked) do
      assert.truthy(line:find "%-O1 .*nodelete %-Wl,%-%-theirs %-o", line)
    end
  end)

  it("takes the tools that belong to the compiler of another machine", function()
    local copy = tree.copy()
    for _, name in ipairs { "ar", "objcopy" } do
      copy:command("mips-test-linux-" .. name, "exit 0")
    end
    local arguments = { "make", "-n", "V=1", "LUAS=lua5.4", "embed", "CC=mips-test-linux-gcc -G0" }
    local status, output = copy:run(arguments)
    assert.equal(2, status)
    assert.truthy(output:find("PKG_CONFIG=mips-test-linux-pkg-config does not run", 1, true), output)

    copy:command("mips-test-linux-pkg-config", 'exec pkg-config "$@" --define-variable=prefix=/cross')
    status, output = copy:run(arguments)
    assert.equal(0, status, output)
    assert.truthy(output:find "mips%-test%-linux%-objcopy %-%-localize%-hidden .*mips%-test%-linux%-ar rcs", output)
    assert.truthy(output:find("-I/cross/include/lua5.4", 1, true), output)
  end)

  it("takes this machine's pkg-config for another when it is told where the libraries are", function()
    local copy = tree.copy()
    local libraries = helper.new_directory "pkgconfig"
    helper.write_file(libraries .. "/lua5.4.pc", "Name: Lua\nDescription: .\nVersion: 5.4\nCflags: -I/target/include\n")
    local status, output = copy:run {
      "make", "-n", "V=1", "LUAS=lua5.4", "build", "CC=mips-test-linux-gcc", "PKG_CONFIG_LIBDIR=" .. libraries,
    }
    assert.equal(0, status, output)
    assert.truthy(output:find("-I/target/include", 1, true), output)
    assert.is_nil(output:find("PCRE2", 1, true), output)
  end)

  it("takes this machine's tools where there are none of the compiler's name", function()
    local copy = tree.copy()
    local status, output = copy:run { "make", "-n", "V=1", "LUAS=lua5.4", "embed", "CC=gcc-12" }
    assert.equal(0, status, output)
    assert.truthy(output:find "\nobjcopy %-%-localize%-hidden .*&& ar rcs", output)
  end)

  it("stops where the pkg-config that was named does not run", function()
    local status, output = tree.copy():make("build", "PKG_CONFIG=no-such-pkg-config")
    assert.equal(2, status)
    assert.truthy(output:find("PKG_CONFIG=no-such-pkg-config does not run", 1, true), output)
  end)

  it("names the packages of what is missing, and installs none of them", function()
    local copy = tree.copy()
    copy:command("apt-get", "touch '" .. copy.directory .. "/called'")
    local status, output = copy:make("all", "CC=cc -nostdinc")
    assert.equal(2, status)
    assert.truthy(output:find("Missing here:\n  the C library's headers\n  libcurl 7.80 or newer\n", 1, true), output)
    assert.truthy(output:find("apt-get install libc6-dev libcurl4-openssl-dev libjansson-dev lib", 1, true), output)
    assert.is_false(copy:exists "called")
    status, output = copy:make("all", "CC=cc -nostdinc", "WITH_SANDBOX=no")
    assert.equal(2, status)
    assert.is_nil(output:find("microhttpd", 1, true), output)
  end)

  it("lists in nine lines what there is for a user, and everything in help-all", function()
    local copy = tree.copy()
    local _, short = copy:make "help"
    local _, long = copy:make "help-all"
    assert.equal(9, #lines_with(short, "  make "), short)
    for line in short:gmatch "[^\n]+" do
      assert.truthy(long:find(line, 1, true), line)
    end
    assert.truthy(long:find("  make tsan ", 1, true), long)
  end)
end)

describe("tools/install-deps", function()
  helper.guard()

  local CHATTER = "for line in 1 2 3 4 5 6 7 8 9; do echo \"chatter $line\"; done\n"

  -- Runs it where something is missing, for a user whose sudo runs this instead of apt-get.
  local function install(script)
    local copy = tree.copy()
    copy:command("id", "echo 1000")
    copy:command("apt-get", "exit 1")
    copy:command("sudo", '[ "$1" = -n ] && exit 0\n' .. CHATTER .. script)
    local temporary = helper.new_directory "temporary"
    local status, output = copy:run({ "tools/install-deps", "build" }, {
      CC = "cc -nostdinc", LUAS = "lua5.4", TMPDIR = temporary,
    })
    return status, output, temporary
  end

  it("keeps the package manager's words to itself, and says what is still missing", function()
    local status, output, temporary = install "exit 0"
    assert.equal(1, status)
    assert.truthy(output:find("^Installing with apt%-get: libc6%-dev [^\n]*\nInstalled, and still missing:\n"), output)
    assert.is_nil(output:find("chatter", 1, true), output)
    local _, left = helper.run { "ls", temporary }
    assert.equal("", left)
  end)

  it("names the log when it fails, and shows its end", function()
    local status, output, temporary = install "exit 1"
    assert.equal(1, status)
    local log = output:match "apt%-get did not install them%. The end of ([^\n]+):\n  chatter 5\n"
    assert.truthy(log, output)
    assert.equal(temporary, log:match "^(.*)/[^/]*$")
    assert.truthy(helper.read_file(log):find("chatter 1", 1, true))
    assert.truthy(output:find("Install these, then run the command again:", 1, true), output)
  end)
end)
