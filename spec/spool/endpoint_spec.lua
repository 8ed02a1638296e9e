-- spool.endpoint: the webhook has moved, and what is on disk for its old address goes to the new one.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local helper = require "support.helper"
local posting = require "support.posting"
local rude = require "support.rude"
local spooled = require "support.spooled"
local tracking = require "support.tracking"

describe("a client with spool.endpoint", function()
  helper.guard()

  it("delivers what is for that address, and keeps what it accepts under its name", function()
    local server, directory = spooled.leave(3)
    local moved = rude.start("script", { script = spooled.script })
    moved:set "open"
    local client = posting.client(moved.url, {
      spool = { path = directory, wait = true, endpoint = server.url .. "?secret=1" },
      retry = { initial = 0.01, max = 0.05 },
    })
    assert(client:start())
    assert(client:flush(10))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 3, 3, 3 }, { stats.restored, stats.delivered, #moved:arrivals() })
    moved:set ""
    assert(client:track { event_name = "e" })
    client:close(0)
    assert.equal(server.url, spooled.list(directory).files[1].endpoint)
  end)

  it("must be an address, which no message shows", function()
    local ok, message = pcall(posting.client, "https://x/1", { spool = { path = "x", endpoint = "user:hunter2@x" } })
    assert.is_false(ok)
    assert.truthy(tostring(message):find "spool%.endpoint: ")
    posting.assert_no_secret(message)
  end)
end)
