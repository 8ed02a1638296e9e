-- What the pages say of track is what there is: its tables of results, outcomes, states and counters.
local annotations = require "support.annotations"
local known = require "support.known"
local markdown = require "support.markdown"
local pages = require "support.pages"
local postevent = require "postevent"

local rows_by_name = pages.rows_by_name
local names_of = known.names_of

describe("the tables about track", function()
  it("name every field of a result, every outcome, and every way to be full", function()
    local classes = annotations.read("library/postevent.lua").classes
    assert.same(names_of(classes["postevent.result"]), names_of(rows_by_name("In a result", "Type", "Meaning")))
    local outcomes = rows_by_name("Outcome", "What happened", "What to do")
    assert.same(known.outcomes(), names_of(outcomes))
    for name, row in pairs(outcomes) do
      assert.is_true(#row[2] > 0 and #row[3] > 0, name)
    end
    local policies = {}
    for name in pairs(rows_by_name("`queue.overflow`", "What `track` does")) do
      policies[known.evaluate(name)] = true
      postevent.new({ mode = "off", queue = { overflow = known.evaluate(name) } }):close()
    end
    local _, message = pcall(postevent.new, { mode = "off", queue = { overflow = "?" } })
    for name in message:match("expected (.*), got"):gmatch '"(.-)"' do
      assert.is_true(policies[name], name)
    end
  end)

  it("name everything in the stats, and every state", function()
    local rows = rows_by_name("In the stats", "Type", "Meaning")
    local client = postevent.new { mode = "record" }
    local expected = names_of(client:stats())
    client:close()
    expected.last_error, expected.spool = true, true
    assert.same(expected, names_of(rows))
    local states = {}
    for _, code in ipairs(markdown.code(rows.state[3])) do
      states[known.evaluate(code)] = true
    end
    assert.same(known.states(), states)
    for _, row in ipairs(pages.table("What happens", "What the client does")) do
      assert.is_true(known.states()[markdown.code(row[3])[1]])
    end
  end)
end)
