-- D2: a fork in any of a process's first 30 ms, while two threads make its first clients and use them over TLS: the
-- child's own client works. `make soak-fork` does it 2,000 times.
if not require("support.where").is("lua5.4", "luajit") then
  return
end

local children = require "support.children"
local files = require "support.files"
local helper = require "support.helper"

local FORKS, SEED = "60", "20261126"

describe("a fork in a process's first moments", function()
  helper.guard()

  it("D2: leaves no child that hangs or fails", function()
    local host = ("%s/%s/support/fork_host"):format(os.getenv "BUILD" or "build", os.getenv "POSTEVENT_LUA")
    if not files.exists(host) then
      return pending "no fork_host was built (a sanitizer and a fork wait for each other)" -- luacheck: ignore
    end
    local status, output, errors = children.run({
      children.lua(), "spec/support/fork_soak.lua", host, FORKS, SEED,
    }, { timeout = 240 })
    assert.equal(0, status, output .. errors)
  end)
end)
