-- What results say where there is a spool: whose age counts, why an event was dropped, what another process accepted.
local where = require "support.where"
if not where.spools() then
  return
end

local files = require "support.files"
local helper = require "support.helper"
local rude = require "support.rude"
local tracking = require "support.tracking"

local REFUSE = "if request.mode ~= 'open' then return { status = 503 } end"

local function new(server, directory, options)
  options = options or {}
  options.url, options.id_attribute = server.url, "external_event_id"
  options.spool = options.spool or {}
  options.spool.path = directory
  return tracking.new(options)
end

describe("a result of a client with a spool", function()
  helper.guard()

  it("of an event that another process had accepted has no ticket, but its id and its name", function()
    local server, directory = rude.start("script", { script = REFUSE }), files.new_path "spool"
    local client = new(server, directory)
    assert.equal(1, client:track { event_name = "left", external_event_id = "id-1" })
    client:close(0)
    server:set "open"
    client = new(server, directory)
    assert(client:start())
    assert.equal(1, client:track { event_name = "new", external_event_id = "id-2" })
    assert(client:flush(5))
    local found = {}
    for result in client:results() do
      found[result.event_id] = { result.event_name, result.ticket or "none", result.restored or "no", result.outcome }
    end
    assert.same({
      ["id-1"] = { "left", "none", true, "delivered" },
      ["id-2"] = { "new", 1, "no", "delivered" },
    }, found)
    client:close()
  end)

  it("says that spool.max_age is over, and not retry.max_age", function()
    local server = rude.start("script", { script = REFUSE })
    local client = new(server, files.new_path "spool", { spool = { max_age = 0.3 } })
    assert(client:track { event_name = "e" } and client:flush(5))
    local result = tracking.results(client, 1)[1]
    assert.same({ "expired", "the event grew older than spool.max_age before it could be delivered" },
      { result.outcome, result.message })
    client:close()
  end)

  it("says why an event was dropped: set_mode threw it away", function()
    local server = rude.start("script", { script = REFUSE })
    local client = new(server, files.new_path "spool")
    assert(client:track { event_name = "e" } and client:set_mode("off", "drop") and client:flush(5))
    local result = tracking.results(client, 1)[1]
    assert.same({ "dropped", "withdrawn", "the event was dropped: set_mode threw away what was pending" },
      { result.outcome, result.code, result.message })
    assert.equal(0, tracking.assert_balanced(client:stats()).pending)
    client:close()
  end)
end)
