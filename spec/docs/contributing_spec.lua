-- CONTRIBUTING holds, as far as it can be run, and knows every room of the house.
local helper = require "support.helper"
local markdown = require "support.markdown"

local CONTRIBUTING = helper.read_file "CONTRIBUTING.md"

describe("CONTRIBUTING", function()
  helper.guard()

  it("shows a test that passes", function()
    local found = {}
    for _, block in ipairs(markdown.blocks(CONTRIBUTING)) do
      found[#found + 1] = block.language == "lua" and block or nil
    end
    assert.equal(1, #found)
    local spec = helper.new_file(found[1].text, "example_spec.lua")
    local status, output, errors = helper.run_lua("spec/support/run.lua", { "--lpath=", "--cpath=", spec }, {
      env = { POSTEVENT_RESULTS = false },
    })
    assert.equal(0, status, output .. errors)
    assert.truthy(output:find("1 passed", 1, true), output)
  end)

  it("knows every layer of the core, and every room of the tree", function()
    local _, rooms = helper.run { "sh", "-c", "ls -dp csrc/* bench bin csrc docs examples library spec tools .ci" }
    for room in rooms:gmatch "%S+/" do
      assert.truthy(CONTRIBUTING:find("`" .. room .. "`", 1, true), room)
    end
  end)
end)
