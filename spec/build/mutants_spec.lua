-- tools/mutants finds what the tests do not notice: here in a project of one function, with a test of its own.
if not require("support.where").is "lua5.4" then
  return
end
local helper = require "support.helper"

local SOURCE = [[
/* Whether it is old: a line of comment that says age >= 10 is not changed. */
int is_old(int age);
int is_old(int age) {
  return age >= 10;
}
]]

local MAKEFILE = [[
CC ?= cc
for-tests: build/c/age_test
build/obj/policy/age.o: csrc/policy/age.c
	mkdir -p $(@D) && $(CC) $(CFLAGS) -c -o $@ $<
build/c/age_test: test.c build/obj/policy/age.o
	mkdir -p $(@D) && $(CC) -o $@ $^
]]

describe("tools/mutants", function()
  helper.guard()

  -- What it says of the project whose test returns `failed`, and its status.
  local function run(failed)
    local project = helper.new_directory()
    local script = [[cd "$1" && mkdir -p tools csrc/policy && cp "$2/tools/mutants" tools && git init -q && git add . ]]
      .. [[&& LUA=x SPECS= SEED=1 "$3" tools/mutants csrc/policy/age.c]]
    helper.write_file(project .. "/Makefile", MAKEFILE)
    helper.write_file(project .. "/test.c", ("int is_old(int age);\nint main(void) { return %s; }\n"):format(failed))
    helper.run { "mkdir", "-p", project .. "/csrc/policy" }
    helper.write_file(project .. "/csrc/policy/age.c", SOURCE)
    local status, output, errors = helper.run { "sh", "-c", script, "sh", project,
      helper.process.current_directory(), helper.lua() }
    assert.equal("", errors)
    return status, output
  end

  it("lists the line that a weak test lets live", function()
    local status, output = run "is_old(5) || !is_old(20)"
    assert.equal(1, status)
    assert.truthy(output:find("csrc/policy/age.c:4 lives\n  -   return age >= 10;\n  +   return age > 10;\n", 1, true),
      output)
  end)

  it("is content with a test that notices each", function()
    local status, output = run "is_old(9) || !is_old(10)"
    assert.equal(0, status, output)
    assert.truthy(output:find "^%d mutants: %d killed, 0 alive %(SEED=1%)\n$", output)
  end)
end)
