-- The line that `postevent import` keeps on a terminal: what fits, and in which order things give way.
local bar = require "postevent.cli.import.bar"
local width = require "postevent.cli.width"

local FACTS = { share = 0.6175, done = 12350, total = 20000, rate = 1234.4, left = 65, delivered = 12300, rejected = 0,
  waiting = 64 }

local function facts(changes)
  local all = {}
  for _, given in ipairs { FACTS, changes or {} } do
    for name, value in pairs(given) do
      all[name] = value
    end
  end
  return all
end

describe("the line of postevent import", function()
  it("says all that there is room for, the most important first", function()
    assert.equal("[###################-----------]   61%  12,350 of 20,000  1,234/s  1:05 left  12,300 delivered  "
      .. "0 rejected  64 waiting", (bar.line(facts(), 199)))
    assert.equal(" 61%  12,350 of 20,000  1,234/s", (bar.line(facts(), 39)))
    assert.equal(" 61%  12,350 of 20,000  1,234/s  1:05 left  12,300 delivered  64 waiting", (bar.line(facts(), 79)))
    assert.equal(" 61%  12,350 of 20,000  1,234/s  1:05 left  12,300 delivered  7 rejected",
      (bar.line(facts { rejected = 7 }, 79)))
  end)

  it("says what stands in the way, at any width", function()
    local trouble = "the platform asks to wait (HTTP 429), waiting 12 s"
    for columns = 39, 199 do
      local line = bar.line(facts { trouble = trouble }, columns)
      assert.truthy(line:find(trouble:sub(1, 15), 1, true), line)
    end
    assert.truthy((bar.line(facts { trouble = trouble }, 199)):find(trouble, 1, true))
  end)

  it("never takes more columns than there are, and says how many it takes", function()
    local troubles = { false, "x", "東京東京東京東京東京 \27[2J", ("long "):rep(60) }
    for columns = 1, 210 do
      for _, trouble in ipairs(troubles) do
        for _, share in ipairs { 0, 0.5, 1, false } do
          local given = facts { trouble = trouble or nil, done = 12345678, total = 20000000 }
          given.share = share or nil
          local line, used = bar.line(given, columns, true)
          line = line:gsub("\27%[%d+m", "")
          assert.equal(used, width.of(line), line)
          assert.is_true(used <= columns, ("%d: %s"):format(columns, line))
          assert.is_nil(line:find "%c")
        end
      end
    end
  end)

  it("has no colour unless it may", function()
    assert.is_nil((bar.line(facts { trouble = "x" }, 199)):find "\27")
    assert.truthy((bar.line(facts(), 199, true)):find("\27[32m", 1, true))
  end)

  it("writes times as clocks do", function()
    assert.same({ "0:00", "1:05", "59:59", "1:00:00", "27:46:40" },
      { bar.time(0), bar.time(65), bar.time(3599), bar.time(3599.6), bar.time(100000) })
  end)
end)
