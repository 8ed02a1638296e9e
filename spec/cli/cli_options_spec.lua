-- The command's flags are options of the module, by their names and with their defaults; or its own, listed here.
local helper = require "support.helper"
local known = require "support.known"

local OWN = { ["--help"] = true, ["--json"] = true, ["--authorization-file"] = true,
  ["--dry-run"] = true, ["--verbose"] = true }

describe("the flags of postevent post", function()
  local flags = {}

  setup(function()
    local status, help = helper.run_lua("bin/postevent", { "help", "post" })
    assert.equal(0, status)
    local flag
    for line in help:gmatch "[^\n]+" do
      flag = line:match "^   [-, h]*(%-%-[%l-]+)" or flag
      if flag then
        flags[flag] = (flags[flag] or "") .. line
      end
    end
  end)

  it("are options of the module, or listed here", function()
    local count = 0
    for flag in pairs(flags) do
      local name = flag:sub(3):gsub("-", "_")
      assert.is_true(OWN[flag] or known.property(name) ~= nil or known.property("tls." .. name) ~= nil, flag)
      count = count + 1
    end
    assert.is_true(count >= 8, "the help was not understood")
  end)

  it("name the default that the module has", function()
    assert.truthy(flags["--timeout"]:find(("(%d)"):format(known.default "timeout"), 1, true), flags["--timeout"])
  end)
end)

describe("F3: a short file of definitions", function()
  helper.guard()

  it("costs the memory of a short file, not of the longest that may come", function()
    local status, output = helper.run_lua { code = [[
      require("postevent.cli.definitions_file").read("--definitions", "spec/vectors/definitions.json")
      print((collectgarbage "count")) -- Lua 5.2 returns two numbers
    ]] }
    assert.equal(0, status)
    assert.is_true(tonumber(output) < 10000, output)
  end)
end)
