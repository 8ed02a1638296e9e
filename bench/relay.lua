-- A fleet on this machine: how fast events are handed over, how fast one deliverer and two deliver them, and what the
-- way through Redis takes. Redis has the server's processor where there is a second one.
local children = require "support.children"
local documents = require "support.documents"
local files = require "support.files"
local measure = require "bench.measure"
local postevent = require "postevent"
local process = require "support.process"
local redis = require "support.redis"
local sandbox = require "support.sandbox"
local server = require "bench.server"
local waiting = require "support.waiting"

local PRODUCED, DELIVERED, SLOWLY, BACKLOG = 200000, 20000, 4000, 1000000
local WIDTH, NARROW = 32, 16 -- the platform of the slow ones is a sandbox

local function body()
  local client = postevent.new { mode = "record" }
  local text = assert(client:encode(documents.event))
  client:close()
  return text
end

local function start_redis()
  local started = redis.start { args = { "--save", "" } }
  server.pin(started.child.pid)
  return started
end

-- ---- producing ----

-- XADD's of the same entry a second, as Redis's own benchmark has them.
local function benchmark(at, depth)
  at:call("DEL", "postevent")
  local status, output, errors = children.run(server.beside { "redis-benchmark", "-p", tostring(at.port), "-n",
    tostring(PRODUCED), "-c", "1", "-P", tostring(depth), "--csv", "XADD", "postevent", "*", "body", body(), "id", "",
    "name", documents.event.event_name, "age", "0" }, { timeout = 600 })
  assert(status == 0, errors .. output)
  return assert(tonumber(output:match '"XADD[^\n]-","([%d.]+)"'), output)
end

local function compare_producing(lua)
  local at, list = start_redis(), {}
  for i = 1, 7 do
    at:call("DEL", "postevent")
    local ours = measure.run(server.beside { lua, "bench/relay_loop.lua", at.url, tostring(PRODUCED) })
    list[i] = { rate = PRODUCED / ours[1], cpu = ours[2] / PRODUCED * 1e6, theirs = benchmark(at, 2048) }
  end
  local rate, spread = measure.median(list, function(run)
    return run.rate
  end)
  local ratio = measure.median(list, function(run)
    return run.rate / run.theirs
  end)
  local cpu = measure.median(list, function(run)
    return run.cpu
  end)
  measure.print("relay, events handed over a second", "%.0f (%s), goal 150000; against XADD of redis-benchmark: ratio "
    .. "%.3f, %s; %.2f us of CPU each", rate, spread, ratio, measure.at_least(0.7, ratio), cpu)
  at:kill()
end

-- ---- delivering ----

local function fill(at, count)
  local client = postevent.new { relay = { url = at.url }, queue = { overflow = "wait", wait = 60 } }
  for _ = 1, count do
    assert(client:track(documents.event))
  end
  assert(client:flush(60))
  client:close()
end

local function delivered(at)
  return tonumber(at:call("HGET", "postevent:counts", "delivered") or 0)
end

local function wait_for(at, count)
  waiting.wait_until(function()
    return delivered(at) >= count
  end, 300, "the deliverers")
  return process.now(), delivered(at)
end

local function deliverer(lua, at, url, processor, width)
  return children.spawn(processor { lua, "bin/postevent", "relay", "--redis", at.url, "--url", url, "--max-in-flight",
    tostring(width) })
end

-- Events a second of so many deliverers, once they are under way.
local function rate_of(lua, at, url, count, processors, width)
  at:call("FLUSHALL")
  fill(at, count)
  local started = {}
  for i, processor in ipairs(processors) do
    started[i] = deliverer(lua, at, url, processor, width)
  end
  local from, first = wait_for(at, count / 10)
  local to, last = wait_for(at, count)
  for _, child in ipairs(started) do
    child:kill "SIGTERM"
    child:wait(10)
  end
  return (last - first) / (to - from)
end

local function compare_delivering(bench)
  local at, list = start_redis(), {}
  for i = 1, 5 do
    local theirs = measure.run(server.beside { bench.lua, "bench/track_loop.lua", bench.target().url,
      tostring(DELIVERED), tostring(WIDTH) })
    list[i] = { ours = rate_of(bench.lua, at, bench.target().url, DELIVERED, { server.beside }, WIDTH),
      theirs = DELIVERED / theirs[1] }
  end
  local ratio, spread = measure.median(list, function(run)
    return run.ours / run.theirs
  end)
  local rate = measure.median(list, function(run)
    return run.ours
  end)
  measure.print("relay, one deliverer against track's loop", "ratio %.3f (%s), %s; %.0f events a second", ratio, spread,
    measure.at_least(0.85, ratio), rate)
  at:kill()
end

local function compare_two(lua)
  local at, platform, list = start_redis(), sandbox.start(), {}
  platform:fault { delay = 0.02 }
  for i = 1, 3 do
    list[i] = { one = rate_of(lua, at, platform.url, SLOWLY, { server.beside }, NARROW),
      two = rate_of(lua, at, platform.url, SLOWLY, { server.beside, server.on_the_other }, NARROW) }
  end
  local ratio, spread = measure.median(list, function(run)
    return run.two / run.one
  end)
  measure.print("relay, two deliverers against one, 20 ms of server", "ratio %.2f (%s), %s", ratio, spread,
    measure.at_least(1.9, ratio))
  at:kill()
end

-- ---- the way ----

local function compare_delay(bench)
  local at, url = start_redis(), bench.target().url
  local child = deliverer(bench.lua, at, url, server.beside, WIDTH)
  local list = {}
  for i = 1, 3 do
    list[i] = { direct = measure.run(server.beside { bench.lua, "bench/relay_delay.lua", "200", url })[1],
      through = measure.run(server.beside { bench.lua, "bench/relay_delay.lua", "200", url, at.url })[1] }
  end
  local more, spread = measure.median(list, function(run)
    return run.through - run.direct
  end)
  measure.print("relay, track to answer, above track's, idle, p50", "%.2f ms (%s), %s", more, spread,
    measure.at_most(3, more))
  child:kill "SIGTERM"
  child:wait(10)
  at:kill()
end

-- ---- a backlog ----

-- What the system has given a process, in MiB.
local function resident(child)
  return tonumber(files.read(("/proc/%d/status"):format(child.pid)):match "VmRSS:%s*(%d+)") / 1024
end

local function measure_backlog(bench)
  local at = start_redis()
  fill(at, BACKLOG)
  local child = deliverer(bench.lua, at, bench.target().url, server.beside, WIDTH)
  wait_for(at, BACKLOG / 50)
  local first = resident(child)
  wait_for(at, BACKLOG / 5)
  local grown = resident(child) - first
  measure.print("relay, a million waiting, a deliverer's memory", "%.1f MiB, %s; 180,000 events later %.1f more, %s",
    first, measure.at_most(64, first), grown, measure.at_most(2, grown))
  child:kill "SIGTERM"
  child:wait(20)
  at:kill()
end

-- bench: lua, target.
return function(bench)
  compare_producing(bench.lua)
  compare_delivering(bench)
  compare_two(bench.lua)
  compare_delay(bench)
  measure_backlog(bench)
end
