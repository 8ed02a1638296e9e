-- design.md, Spool: with `wait` an event that track accepted survives kill -9.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local helper = require "support.helper"
local soak = require "support.spool_soak"

describe("a program with a spool that is killed", function()
  helper.guard()

  -- Whether more than `least` were tracked. Where they hardly begin within `life` seconds, since the machine is busy,
  -- they get more.
  local function holds(seed, programs, life, least)
    local result = soak.run(100, seed, { programs = programs, life = life })
    assert.same({}, result.missing)
    assert.same({}, result.changed)
    assert.is_true(result.twice <= result.twice_at_most, result.twice .. " came twice")
    assert.same({}, result.left)
    return result.tracked > least or life < 10 and holds(seed, programs, 4 * life, least)
  end

  for programs = 1, 4, 3 do
    it(("loses nothing that track accepted: %d at a time"):format(programs), function()
      assert.is_true(holds(20261126, programs, 0.08, 100))
    end)
  end

  it("while it makes a file or adopts one loses nothing, and leaves nothing behind", function()
    assert.is_true(holds(20261127, 2, 0.03, 0))
  end)
end)
