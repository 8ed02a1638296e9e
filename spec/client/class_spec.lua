-- Classes of clients beside the plain one (core.derive, core.become), which postevent.resty builds on.
local core = require "postevent.core"
local helper = require "support.helper"
local postevent = require "postevent"

describe("a client of a derived class", function()
  helper.guard()

  local function new_class()
    return core.derive(setmetatable({ post = function() return "mine" end }, { __index = core.methods }))
  end

  it("has the methods of the class, and is a client in all else", function()
    local client = core.become(postevent.new { mode = "record" }, new_class())
    assert.equal("mine", client:post {})
    assert.is_number(client:track { event_name = "e" })
    assert.equal(1, client:stats().accepted)
    assert.truthy(client:metrics():find "postevent")
    assert.truthy(tostring(client):find("postevent.client (record", 1, true))
    assert.is_true(client:set_authorization "Basic eDp5")
    assert.is_true(client:close())
  end)

  it("leaves the plain ones as they were", function()
    local plain = postevent.new { mode = "record" }
    core.become(postevent.new { mode = "record" }, new_class()):close()
    assert.equal(1100, plain:post({ event_name = "e" }).status.code)
    plain:close()
  end)

  it("is collected as they are", function()
    local client = core.become(postevent.new { url = "http://127.0.0.1:9/x" }, new_class())
    assert(client:start())
    client = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
  end)

  it("is made of a client and a class, and of nothing else", function()
    assert.error(function() core.derive() end)
    assert.error(function() core.become({}, new_class()) end)
    local client = postevent.new { mode = "off" }
    assert.error(function() core.become(client, nil) end)
    client:close()
  end)
end)
