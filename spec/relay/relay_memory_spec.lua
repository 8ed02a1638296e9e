-- Out of memory at every allocation of the thread that hands events over, in turn: nothing leaks, nothing crashes, and
-- every accepted event is relayed; twice at most where its answer was lost.
local postevent = require "postevent"
if not postevent.features.redis or not require("support.where").is("lua5.4") then
  return
end
local helper = require "support.helper"
local redis = require "support.redis"

local EVENTS = 6

local SCRIPT = [[
local url = ...
local postevent = require "postevent"
return function(n)
  local client = postevent.new {
    relay = { url = url, max_length = 100000 }, id_attribute = "external_event_id", results = 2,
    retry = { initial = 0.001, max = 0.002 },
  }
  for i = 1, 6 do
    assert(client:track { event_name = "e", external_event_id = n .. "-" .. i })
  end
  local flushed, message = client:flush(20)
  local stats = client:stats()
  assert(stats.accepted == 6 and stats.accepted == stats.relayed + stats.pending)
  client:close(1)
  return ("%d relayed, %d retries: %s"):format(stats.relayed, stats.retries, flushed and "" or message)
end
]]

describe("out of memory while events are handed over", function()
  helper.guard()
  local name = os.getenv "POSTEVENT_LUA" or "lua5.4"
  local host = ("%s/%s/support/failing_host"):format(os.getenv "BUILD" or "build", name)

  -- `failures` allocations in a row fail, from the first on, then from one that is `step` later ...
  local function try(failures, step)
    if not helper.file_exists(host) then
      return pending "no failing_host was built (a sanitizer's allocator cannot be replaced)"
    end
    local server = redis.start()
    local status, output, errors = helper.run(
      { host, helper.new_file(SCRIPT), server.url, tostring(failures), tostring(step) }, { timeout = 120 })
    assert.equal(0, status, errors .. output:sub(-300))
    local ids, runs = server:ids(), 0
    for n, relayed, message in output:gmatch "(%d+) (%d+) relayed, %d+ retries: ([^\n]*)\n" do
      runs = runs + 1
      assert.equal(EVENTS, tonumber(relayed), n .. ": " .. message)
      for i = 1, EVENTS do
        assert.is_number(ids[n .. "-" .. i], n .. "-" .. i .. " did not come")
      end
    end
    assert.equal(select(2, output:gsub("\n", "")), runs, output)
    assert.is_true(runs * step > 20, runs .. " runs")
  end

  it("once, at any allocation, loses nothing", function()
    try(1, 1)
  end)

  it("for a while loses nothing", function()
    try(3, 3)
  end)
end)
