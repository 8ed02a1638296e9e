-- The wall clock is set by an hour, forth and back, while events are delivered: durations are measured on another.
if not require("support.where").is("lua5.4") then
  return
end

local fake_time = require "support.fake_time"
local helper = require "support.helper"
local rude = require "support.rude"

local SCRIPT = [[
local postevent = require "postevent"
local process = require "support.process"
local tracking = require "support.tracking"
local url, silent_url, offset_file = arg[1], arg[2], arg[3]
local at_first = os.time()

local function set_clock(offset)
  local file = assert(io.open(offset_file, "w"))
  assert(file:write(offset, "\n"))
  assert(file:close())
  local passed = os.time() - at_first
  assert(math.abs(passed - tonumber(offset)) < 20, "the clock was not set: " .. passed)
end

-- Half a minute at most, so that an hour is far too old.
local function new(address)
  return postevent.new { url = address, id_attribute = "external_event_id", max_in_flight = 3,
    rate_limit = { per_second = 200, burst = 1 }, retry = { initial = 0.01, max = 0.05, max_age = 30 },
    queue = { overflow = "wait", max_events = 3, wait = 0.3 } }
end

local client, stuck = new(url), new(silent_url)
for i = 1, 3 do
  assert(stuck:track { event_name = "e", external_event_id = "stuck" .. i })
end
local started = process.now()
local tracked = 0
for _, offset in ipairs { "+3600", "-3600", "+0", "-3600", "+3600" } do
  local stamp = os.date("!%Y-%m-%d %H:")
  for _ = 1, 30 do
    tracked = tracked + 1
    repeat
      local ticket, message, code = client:track { event_name = "e", external_event_id = "e" .. tracked }
      assert(ticket or code == "queue_full", message)
    until ticket
  end
  assert(client:encode({ event_name = "e" }):find(stamp, 1, true))
  set_clock(offset)
  for name, call in pairs {
    track = function() return stuck:track { event_name = "e" } end,
    flush = function() return stuck:flush(0.3) end,
  } do
    local took, done, _, code = tracking.timed(call)
    assert(not done and (code == "queue_full" or code == "timeout"))
    assert(took >= 0.3 and took < 2, ("%s took %.3f s"):format(name, took))
  end
end
assert(client:flush(10))
assert(client:close())
local stats = tracking.assert_balanced(client:stats())
assert(stats.delivered == tracked and stats.accepted == tracked and stats.expired == 0)
assert(stats.latency.max < 10, stats.latency.max)
local took = tracking.timed(stuck.close, stuck, 0.3)
assert(took >= 0.3 and took < 2, took)
stats = tracking.assert_balanced(stuck:stats())
assert(stats.pending == 3 and stats.attempts == 3 and stats.maybe_sent == 3)
assert(process.now() - started < 20)
print(tracked)
]]

describe("a clock that is set by an hour, forth and back", function()
  helper.guard()

  it("expires nothing, stalls nothing, and changes no time-out", function()
    local there, reason = fake_time.available()
    if not there then
      return pending(reason)
    end
    local server = rude.start("answer", { reply = { status = 503, body = "{}" }, after = 40, times = 4 })
    local silent = rude.start "never_answer"
    local status, output, errors = fake_time.run({ code = SCRIPT }, { server.url, silent.url })
    assert.equal(0, status, errors)
    assert.equal("", errors)
    local times, count = {}, 0
    for _, request in ipairs(server:events "request") do
      local id = request.body:match '"external_event_id":"(e%d+)"'
      times[id] = (times[id] or 0) + 1
      count = count + 1
    end
    assert.equal(tonumber(output) + 4, count)
    for number = 1, tonumber(output) do
      assert.is_number(times["e" .. number])
    end
  end)
end)
