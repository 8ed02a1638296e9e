-- design.md, Spool: with `wait` an event that track accepted survives kill -9.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local helper = require "support.helper"
local soak = require "support.spool_soak"

describe("a program with a spool that is killed", function()
  helper.guard()

  for programs = 1, 4, 3 do
    it(("loses nothing that track accepted: %d at a time"):format(programs), function()
      local result = soak.run(100, 20261126, { programs = programs })
      assert.same({}, result.missing)
      assert.same({}, result.changed)
      assert.is_true(result.twice <= result.twice_at_most, result.twice .. " came twice")
      assert.same({}, result.left)
      assert.is_true(result.tracked > 100, "only " .. result.tracked .. " were tracked")
    end)
  end

  it("while it makes a file or adopts one loses nothing, and leaves nothing behind", function()
    local result = soak.run(100, 20261127, { programs = 2, life = 0.03 })
    assert.same({}, result.missing)
    assert.same({}, result.changed)
    assert.same({}, result.left)
  end)
end)
