-- make bench: what postevent costs, as ratios from one run on one machine, each with its spread, and the goals.
--
--   bench/run.lua BUILD [PART...]     (with the search paths of `make bench`)
--
-- Without a part: all of them. EVENTS in the environment: how many `endless` delivers.
local children = require "support.children"
local cleanup = require "support.cleanup"
local documents = require "support.documents"
local files = require "support.files"
local measure = require "bench.measure"
local server = require "bench.server"

local build = arg[1]
local lua = children.lua()
local started
local parts = {}

-- The server of this run, and the body that the others post.
local function target()
  started = started or server.start()
  return started
end

local function body()
  local client = require("postevent").new { mode = "record" }
  local text = assert(client:encode(documents.event))
  client:close()
  return text
end

local function ratio_of(column)
  return function(pair)
    return pair.ours[column] / pair.theirs[column]
  end
end

-- What work costs that both programs do `count` times: the ratio of the first number that they print.
local function compare(name, goal, count, ours, theirs)
  local list = measure.pairs(21, ours, theirs)
  local ratio, spread = measure.median(list, ratio_of(1))
  local cost = measure.median(list, function(pair)
    return pair.ours[1] / count * 1e6
  end)
  measure.print(name, "ratio %.3f (%s), %s; %.2f us of CPU each", ratio, spread, measure.at_most(goal, ratio), cost)
end

function parts.post()
  local count = 2000
  compare("post, against libcurl's easy interface in C", 1.15, count,
    server.beside { lua, "bench/post_loop.lua", target().url, tostring(count) },
    server.beside { build .. "/bench/post_loop", target().url, tostring(count), body() })
end

function parts.encode()
  local count = 100000
  compare("encode and check, against lua-cjson's encode", 1.00, count,
    { lua, "bench/encode.lua", tostring(count), "postevent" }, { lua, "bench/encode.lua", tostring(count), "cjson" })
end

function parts.load()
  for _, case in ipairs { { 10, 5 }, { 1000, 300 } } do
    local events, goal = case[1], case[2]
    local spent = measure.run { lua, "bench/load.lua", tostring(events), "20" }
    measure.print(("definitions of %d events with 20 attributes"):format(events), "%.1f ms, %s", spent[1],
      measure.at_most(goal, spent[1]))
  end
end

function parts.call()
  local runs = {}
  for i = 1, 11 do
    runs[i] = measure.run { lua, "bench/track_call.lua", target().url, "25000" }
  end
  local function column(number)
    return measure.median(runs, function(run)
      return run[number] / 1000
    end)
  end
  local ratio, spread = measure.median(runs, function(run)
    return run[1] / run[2]
  end)
  measure.print("track, its caller's CPU, against lua-cjson's encode", "ratio %.3f (%s), %s; %.2f us against %.2f us",
    ratio, spread, measure.at_most(1.00, ratio), column(1), column(2))
  for number, name in ipairs { "p50", "p99", "p99.9" } do
    local track, track_spread = column(number + 2)
    local encode, encode_spread = column(number + 5)
    measure.print(("track, its caller's time, the sender busy: %s"):format(name),
      "%.2f us (%s); cjson's encode there %.2f us (%s)", track, track_spread, encode, encode_spread)
  end
end

local EVENTS = 20000 -- delivered in one run of a loop

local function loop(program, url, in_flight, ...)
  return server.beside { program, url, tostring(EVENTS), tostring(in_flight), ... }
end

local function track_loop(url, in_flight, ca_file)
  local argv = server.beside { lua, "bench/track_loop.lua", url, tostring(EVENTS), tostring(in_flight) }
  argv[#argv + 1] = ca_file
  return argv
end

-- Delivered events per second, and CPU per event, of two loops.
local function compare_loops(name, ours, theirs, goals)
  local list = measure.pairs(11, ours, theirs)
  local rate, rate_spread = measure.median(list, function(pair)
    return pair.theirs[1] / pair.ours[1]
  end)
  local each = measure.median(list, function(pair)
    return EVENTS / pair.ours[1]
  end)
  measure.print(name .. ", a second", "ratio %.3f (%s)%s; %.0f events a second", rate, rate_spread,
    goals and ", " .. measure.at_least(0.90, rate) or "", each)
  local cpu, cpu_spread = measure.median(list, ratio_of(2))
  local cost = measure.median(list, function(pair)
    return pair.ours[2] / EVENTS * 1e6
  end)
  measure.print(name .. ", CPU", "ratio %.3f (%s)%s; %.2f us of CPU each", cpu, cpu_spread,
    goals and ", " .. measure.at_most(1.20, cpu) or "", cost)
end

-- Against a plain C loop on libcurl's multi interface.
function parts.track()
  local at, c, text = target(), build .. "/bench/multi_loop", body()
  compare_loops("C against itself, http, 32 in flight", loop(c, at.url, 32, text), loop(c, at.url, 32, text))
  for _, in_flight in ipairs { 8, 32 } do
    compare_loops(("track, http, %d in flight"):format(in_flight), track_loop(at.url, in_flight),
      loop(c, at.url, in_flight, text), true)
  end
  for _, in_flight in ipairs { 8, 32 } do
    compare_loops(("track, TLS, %d in flight"):format(in_flight), track_loop(at.tls_url, in_flight, at.ca_file),
      loop(c, at.tls_url, in_flight, text, at.ca_file), true)
  end
  compare_loops("track, http, 32 in flight, C's URL parsed once", track_loop(at.url, 32),
    loop(c, at.url, 32, text, "-", "curlu"))
end

-- Whether a program runs: what it needs is here.
local function runs(argv)
  local ok, status = pcall(children.run, argv)
  return ok and status == 0
end

local function against(name, theirs, count)
  if not runs(theirs("1")) then
    measure.print(name, "skipped: it is not installed")
    return
  end
  local list = {}
  for i = 1, 5 do
    list[i] = { ours = measure.run(track_loop(target().url, 32)), theirs = measure.run(theirs(tostring(count))) }
  end
  local ratio, spread = measure.median(list, function(pair)
    return (EVENTS / pair.ours[1]) / (count / pair.theirs[1])
  end)
  local rate = measure.median(list, function(pair)
    return count / pair.theirs[1]
  end)
  measure.print(name, "track delivers %.1f times as many a second (%s); theirs: %.0f", ratio, spread, rate)
end

-- Against what else a program may use. Not Lua-cURL's multi interface: Debian's Lua-cURL has none.
function parts.others()
  local url, event = target().url, require("cjson").encode(documents.event)
  local function other(name)
    return function(count)
      return server.beside { lua, "bench/other_clients.lua", name, url, count }
    end
  end
  against("luasocket, a connection for each event", other "socket", 2000)
  against("luasocket, one connection, HTTP by hand", other "socket-keep-alive", 5000)
  against("Lua-cURL's easy interface, one connection", other "curl", 5000)
  against("Node's fetch, 32 in flight", function(count)
    return server.beside { "node", "bench/fetch_loop.js", url, count, "32", event }
  end, 5000)
end

function parts.memory()
  local sizes = {}
  for i = 1, 5 do
    sizes[i] = measure.run { lua, "bench/memory.lua", "100000" }
  end
  for number, name in ipairs { "on the heap", "resident" } do
    local size, spread = measure.median(sizes, function(run)
      return run[number]
    end)
    measure.print("a queued event above its body, " .. name, "%.1f bytes (%s), %s", size, spread,
      measure.at_most(100, size))
  end
end

local BREATH = 256 * 1024 -- bytes by which a heap may differ from one look to the next

function parts.endless()
  local count = os.getenv "EVENTS" or "500000"
  local first, last = (table.unpack or unpack)(measure.run { lua, "bench/endless.lua", target().url, count })
  measure.print(("growth from event 100,000 to %s"):format(count), "%.0f KiB of %.0f, %s", (last - first) / 1024,
    first / 1024, measure.at_most(BREATH / 1024, (last - first) / 1024))
end

function parts.idle()
  local switches, threads = (table.unpack or unpack)(measure.run { lua, "bench/idle.lua", target().url, "10" })
  measure.print("idle for 10 s", "%.0f context switches of %.0f thread, %s", switches, threads,
    measure.at_most(0, switches))
end

-- The same with a spool, and without.
function parts.spool()
  require("bench.spool") {
    build = build, lua = lua, target = target, body = body(), ratio_of = ratio_of, track_loop = track_loop,
  }
end

-- What the sandbox takes, and its page.
function parts.sandbox()
  require "bench.sandbox" { lua = lua, beside = server.beside, on_the_other = server.on_the_other }
end

-- A file of events, by the command.
function parts.import()
  require("bench.import") { lua = lua, target = target }
end

-- A fleet: hands over, and delivers from there.
function parts.relay()
  require("bench.relay") { lua = lua, target = target }
end

local ALL = { "post", "encode", "load", "call", "track", "others", "memory", "endless", "idle", "spool", "sandbox",
  "import", "relay" }
local ok, message = pcall(function()
  for _, name in ipairs(arg[2] and { (table.unpack or unpack)(arg, 2) } or ALL) do
    assert(parts[name], "no such part; there are " .. table.concat(ALL, ", "))()
  end
end)
cleanup.stop_all()
files.remove_all()
if not ok then
  io.stderr:write(tostring(message), "\n")
  os.exit(1)
end
