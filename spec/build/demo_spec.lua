-- What `make demo` ends with: the commands that it tells to type do what it says.
if not require("support.where").is "lua5.4" then -- make is the same for all
  return
end

local helper = require "support.helper"

describe("the next steps that make demo names", function()
  helper.guard()

  it("post the example to a sandbox", function()
    local status, output, errors = helper.run({ "tools/next-steps" }, { env = { LUA = helper.lua() } })
    assert.equal(0, status, errors)
    local commands, port = {}, tostring(helper.free_port())
    for command in output:gmatch "\n  ([^\n]+)" do
      commands[#commands + 1] = command:gsub("8080", port)
    end
    assert.equal(4, #commands, output)
    -- A person is slower than the sandbox; this is not, and tries until it listens.
    commands[2] = commands[2] .. "\nsandbox=$!; trap 'kill $sandbox; wait $sandbox' EXIT"
    commands[4] = "until " .. commands[4] .. " 2>/dev/null; do kill -0 $sandbox || exit 1; done"
    local script = table.concat(commands, "\n")
    status, output, errors = helper.run({ "sh", "-c", script }, { env = { POSTEVENT_URL = false, MAKEFLAGS = false } })
    assert.equal(0, status, output .. errors)
    assert.truthy(output:find("code = 1100", 1, true), output .. errors)
  end)

  it("name the Lua, where it is another than make's own", function()
    local _, output = helper.run({ "tools/next-steps" }, { env = { LUA = "luajit" } })
    assert.truthy(output:find("make -s env LUA=luajit", 1, true), output)
    assert.truthy(output:find("make install LUA=luajit", 1, true), output)
  end)
end)
