-- tools/coverage: what `make coverage` prints of a run.
if not require("support.where").is "lua5.4" then -- no Lua in it
  return
end

local helper = require "support.helper"
local tree = require "support.tree"

local SOURCES = {
  ["csrc/base/sign.c"] = [[
int sign(int number) {
  if (number < 0)
    return -1; /* 100% of "what" $(is) here: a\b */
  return 1;
}
]],
  ["csrc/queue/main.c"] = [[
int sign(int number);

int main(void) {
  return sign(2) - 1;
}
]],
  ["spec/c/not_ours.c"] = "int not_ours(void);\nint not_ours(void) { return 1; }\n",
}

describe("tools/coverage", function()
  helper.guard()

  -- A tree with these sources, compiled and run once.
  local function ran()
    local copy = tree.empty()
    copy:run { "mkdir", "-p", "tools", "csrc/base", "csrc/queue", "spec/c", "build/coverage" }
    copy:run { "cp", helper.process.current_directory() .. "/tools/coverage", "tools" }
    local compile = { "gcc", "--coverage", "-O0", "-o", "build/coverage/program" }
    for name, text in pairs(SOURCES) do
      helper.write_file(copy.directory .. "/" .. name, text)
      compile[#compile + 1] = name
    end
    local status, output = copy:run(compile)
    assert.equal(0, status, output)
    return copy
  end

  it("says how much of each folder ran, and shows the lines that did not", function()
    local copy = ran()
    assert.equal(0, (copy:run { "build/coverage/program" }))
    local status, output = copy:run { "tools/coverage" }
    assert.equal(0, status, output)
    assert.equal([[
Lines that did not run:
csrc/base/sign.c:3: return -1; /* 100% of "what" $(is) here: a\b */

base        75.0 %      3 of 4 lines
queue      100.0 %      2 of 2 lines
all         83.3 %      5 of 6 lines
]], output)
    assert.is_nil(select(2, copy:run { "tools/coverage", "queue" }):find("sign.c", 1, true))
  end)

  it("fails where nothing ran", function()
    local copy = ran()
    local status, output = copy:run { "tools/coverage" }
    assert.equal(1, status)
    assert.truthy(output:find("coverage: ", 1, true), output)
  end)
end)
