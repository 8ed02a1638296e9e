-- Every example runs against the sandbox as it stands.
local helper = require "support.helper"

local function examples()
  local found = {}
  local _, names = helper.run { "ls", "examples" }
  for name in names:gmatch "%S+%.lua" do
    found[#found + 1] = "examples/" .. name
  end
  return found
end

describe("the example", function()
  helper.guard()
  local sandbox

  setup(function()
    sandbox = helper.start_sandbox()
  end)
  before_each(function()
    sandbox:reset()
  end)

  for _, path in ipairs(examples()) do
    it(path .. " runs, and posts", function()
      local env = { POSTEVENT_URL = sandbox.url, POSTEVENT_AUTHORIZATION = false }
      local status, output, errors = helper.run_lua(path, {}, { env = env })
      assert.equal(0, status, errors)
      assert.equal("", errors)
      assert.truthy(output:find("1100", 1, true), output)
      assert.is_true(#sandbox:events() > 0)
    end)
  end

  it("with definitions prints what is wrong with an event, and posts the other", function()
    local env = { POSTEVENT_URL = sandbox.url, POSTEVENT_AUTHORIZATION = false }
    local status, output, errors = helper.run_lua("examples/definitions.lua", {}, { env = env })
    assert.equal(0, status, errors)
    assert.equal("not sent:\n", output:match "^[^\n]*\n")
    assert.equal(5, select(2, output:gsub("\n  %l", "")))
    local events = sandbox:events()
    assert.equal(1, #events)
    assert.equal("14", events[1].event.room_nights)
    assert.equal(36, #events[1].event.external_event_id)
  end)

  it("that make demo runs is one of them", function()
    assert.is_true(helper.file_exists "examples/post_event.lua")
    assert.truthy(helper.read_file("Makefile"):find("examples/post_event.lua", 1, true))
  end)
end)
