-- D8: a size_t of 32 bits. The parts of the core that count run in a program of 32 bits, and all of it is read by such
-- a compiler, where there is one (gcc-multilib).
if not require("support.where").is "lua5.4" then
  return
end

local helper = require "support.helper"

local COMPILE = "gcc -m32 -std=gnu11 -O1 -Wall -Wextra -Werror -Icsrc -pthread "

local function compile(arguments)
  return helper.run { "sh", "-c", COMPILE .. arguments }
end

local function is_there()
  return (compile("-o " .. helper.new_path "empty" .. " " .. helper.new_file("int main(void){return 0;}\n", ".c"))) == 0
end

describe("D8: on a machine of 32 bits", function()
  helper.guard()
  local REASON = "no compiler for 32 bits: gcc-multilib"

  it("limits that are greater than it counts to are none, and none is less than was asked for", function()
    if not is_there() then
      return pending(REASON)
    end
    local program = helper.new_path "narrow"
    local status, _, errors = compile("-o " .. program
      .. " spec/support/narrow.c csrc/delivery/results.c csrc/queue/*.c csrc/base/bell.c"
      .. " csrc/base/clock.c csrc/base/error.c")
    assert.equal(0, status, errors)
    status, _, errors = helper.run { program }
    assert.equal("", errors)
    assert.equal(0, status)
  end)

  it("the compiler has no objection to the core", function()
    if not is_there() then
      return pending(REASON)
    end
    local _, files = helper.run { "sh", "-c", "ls csrc/[!s]*/*.c csrc/spool/*.c 2>/dev/null" } -- not the sandbox
    local status, _, errors = compile("-fsyntax-only -I/usr/include/lua5.4 "
      .. "-idirafter /usr/include/x86_64-linux-gnu " .. files:gsub("\n", " "))
    assert.equal(0, status, errors)
  end)
end)
