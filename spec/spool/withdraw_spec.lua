-- What was withdrawn is not sent by anybody, whenever the program ends: nothing of it is left on disk.
if not require("support.where").spools() then
  return
end

local children = require "support.children"
local files = require "support.files"
local helper = require "support.helper"
local rude = require "support.rude"
local spooling = require "support.spooling"
local tracking = require "support.tracking"

-- Never answers until it is open.
local SILENT = "if request.mode ~= 'open' then return 'never_answer' end"

-- The next process finds nothing to send.
local function assert_nothing_left(server, directory)
  server:set "open"
  local came = #server:arrivals()
  local client = spooling.client(server.url, { path = directory })
  assert(client:start())
  spooling.track(client, 1, 1, "next")
  assert(client:flush(10))
  assert.equal(0, client:stats().restored)
  assert.equal(came + 1, #server:arrivals())
end

describe("what was withdrawn before the program ends", function()
  helper.guard()

  it("is over where it was in flight, and has its result", function()
    local server = rude.start("script", { script = SILENT })
    local directory = files.new_path "spool"
    local client = spooling.client(server.url, { path = directory })
    spooling.track(client, 1, 3)
    tracking.wait_for(client, { in_flight = 3 })
    server:events("request", 3)
    assert(client:set_mode("off", "drop"))
    assert.is_true(client:close(0))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 0, { withdrawn = 3 } }, { stats.pending, stats.dropped_by })
    for _, result in ipairs(tracking.results(client, 3)) do
      assert.same({ "dropped", "withdrawn" }, { result.outcome, result.code })
    end
    assert_nothing_left(server, directory)
  end)

  it("is over where it was on disk alone", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory = files.new_path "spool"
    local client = spooling.client(server.url, { path = directory, wait = true }, { queue = { max_events = 40 } })
    spooling.track(client, 1, 1000)
    spooling.wait_for(client, function(stats)
      return spooling.is_written(stats) and stats.spool.on_disk > 900
    end, "the events to be on disk")
    assert(client:set_mode("off", "drop"))
    assert.is_true(client:close(0))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 0, { withdrawn = 1000 } }, { stats.pending, stats.dropped_by })
    assert_nothing_left(server, directory)
  end)

  it("is over where earlier runs had left it", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory = files.new_path "spool"
    for run = 1, 3 do
      local earlier = spooling.client(server.url, { path = directory })
      spooling.track(earlier, 1, 30, "r" .. run .. "-")
      earlier:close(0.01)
    end
    local client = spooling.client(server.url, { path = directory }, { mode = "off" })
    assert(client:set_mode("off", "drop"))
    assert.is_true(client:close(0))
    local stats = tracking.assert_balanced(client:stats())
    assert.same({ 90, { withdrawn = 90 } }, { stats.restored, stats.dropped_by })
    assert_nothing_left(server, directory)
  end)
end)

-- No descriptor is left for the thread that is to do it.
local REFUSED = [[
local postevent = require "postevent"
local process = require "support.process"
local client = postevent.new {
  url = arg[1], mode = "off", spool = { path = arg[2] }, id_attribute = "external_event_id",
}
local highest = 0
for fd in pairs(process.fds()) do
  highest = math.max(highest, fd)
end
local fillers = {}
for i = 1, highest + 1 - process.fd_count() do
  fillers[i] = assert(io.open "/dev/null")
end
local before = assert(process.limit_fds(highest + 1))
local done, _, code = client:set_mode("off", "drop")
process.limit_fds(before)
assert(done == nil and code == "no_memory", code)
assert(client:set_mode "live" and client:start() and client:flush(10))
local stats = client:stats()
assert(stats.restored == 5 and stats.delivered == 5, stats.dropped .. " were dropped")
client:close()
]]

describe("a withdrawal that could not be made", function()
  helper.guard()

  it("has changed nothing: what earlier runs have left is sent", function()
    local server = rude.start("script", { script = spooling.CLOSED })
    local directory = files.new_path "spool"
    local earlier = spooling.client(server.url, { path = directory })
    spooling.track(earlier, 1, 5)
    earlier:close(0.01)
    server:set "open"
    local status, _, errors = children.run_lua({ code = REFUSED }, { server.url, directory })
    assert.equal(0, status, errors)
  end)
end)

describe("what was withdrawn without a spool before the program ends", function()
  helper.guard()

  it("is over where it was in flight, and is not lost", function()
    local server = rude.start "never_answer"
    local client = tracking.new { url = server.url }
    client:track { event_name = "in flight" }
    tracking.wait_for(client, { in_flight = 1 })
    assert(client:set_mode("off", "drop"))
    assert.is_true(client:close(0))
    local result = tracking.results(client, 1)[1]
    assert.same({ 1, "dropped", "withdrawn" }, { result.ticket, result.outcome, result.code })
    assert.same({ 0, 1 }, { client:stats().pending, client:stats().dropped })
  end)
end)
