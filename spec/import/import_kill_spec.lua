-- An import that is killed (kill -9), and the same command again.
local where = require "support.where"
if not where.is("lua5.4", "luajit") then
  return
end

local helper = require "support.helper"
local soak = require "support.import_soak"

describe("an import that is killed", function()
  helper.guard()

  for _, scenario in ipairs { "lost-replies", "a good day" } do
    it("delivers every line in the end, and what was answered hardly ever twice: " .. scenario, function()
      local result = soak.run { kills = 10, lines = 3000, seed = 20261127, concurrency = 16, life = 0.05,
        scenario = scenario ~= "a good day" and scenario or nil }
      assert.equal(3000, result.arrived)
      assert.equal(0, result.missing)
      assert.equal(0, result.changed)
      assert.is_true(result.again <= result.again_at_most, result.again .. " were answered, and came again")
    end)
  end
end)
