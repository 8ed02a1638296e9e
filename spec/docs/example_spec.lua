-- The first program of a newcomer, examples/post_event.lua, which `make demo` runs.
local command = require "support.command"
local documents = require "support.documents"
local helper = require "support.helper"

describe("the example", function()
  helper.guard()

  it("posts the documented event and prints it, and its reply", function()
    local sandbox = helper.start_sandbox { authorization = command.credential }
    local status, output, errors = helper.run_lua("examples/post_event.lua", {},
      { env = { POSTEVENT_URL = sandbox.url, POSTEVENT_AUTHORIZATION = command.credential } })
    assert.equal(0, status, errors)
    assert.same(documents.event, sandbox:events()[1].event)
    assert.truthy(output:find('\n  hotel_name = "Indiranagar",\n', 1, true), output)
    assert.truthy(output:find("\n    code = 1100,\n", 1, true), output)
  end)

  it("fails where the platform does not take it", function()
    local status, _, errors = helper.run_lua("examples/post_event.lua", {},
      { env = { POSTEVENT_URL = command.nowhere, POSTEVENT_AUTHORIZATION = false } })
    assert.equal(1, status)
    assert.truthy(errors:find "%(unreachable%)", errors)
  end)
end)
