-- The part `sandbox` of bench/run.lua: how many events the sandbox takes with a second of its CPU, and what its page,
-- open in a Chromium, costs it. Not by the clock: Chromium and the load share the other processor, and the rate would
-- tell of them.
local cjson = require "cjson"
local children = require "support.children"
local documents = require "support.documents"
local files = require "support.files"
local measure = require "bench.measure"
local process = require "support.process"
local waiting = require "support.waiting"

local ROUNDS, SECONDS = 7, "3"
local MODULES = process.current_directory() .. "/build/page"

local function word_of(command)
  local pipe = io.popen(command)
  local word = pipe:read "*l"
  pipe:close()
  return word
end

-- The seconds of CPU that a process has had (proc(5), stat: the fields 14 and 15), and how many ticks are one.
local function cpu_of(pid)
  local file = assert(io.open(("/proc/%d/stat"):format(pid)))
  local fields = file:read("*a"):match "%) (.*)"
  file:close()
  local user, system = fields:match("^" .. ("%S+ "):rep(11) .. "(%d+) (%d+)")
  return (user + system) / tonumber(word_of "getconf CLK_TCK")
end

local function start(bench)
  local port_file = files.new_path "port"
  local child = children.spawn(bench.on_the_other { bench.lua, "bin/postevent", "sandbox", "--port-file", port_file,
    "--definitions", "examples/events.json" })
  local port = waiting.wait_until(function()
    return files.read_if_there(port_file):match "^%d+"
  end, 5, "the sandbox's port")
  return { child = child, base = "http://127.0.0.1:" .. port }
end

-- Posts for SECONDS. Returns the CPU of the sandbox for each event.
local function load(bench, sandbox, body)
  local before = cpu_of(sandbox.child.pid)
  local _, output = children.run(bench.beside { "h2load", "--h1", "-D", SECONDS, "-c", "16", "-d", body, "-H",
    "Content-Type: application/json", sandbox.base .. documents.path }, { timeout = 60 })
  local count = tonumber(output:match "(%d+) succeeded")
  return (cpu_of(sandbox.child.pid) - before) / count
end

-- The same while the page is open.
local function load_with_page(bench, sandbox, body, chromium)
  local argv = bench.beside { "node", "spec/page/stay.mjs", sandbox.base, MODULES }
  argv.env = { CHROMIUM = chromium, HOME = files.new_directory "home" }
  local page = children.spawn(argv)
  waiting.wait_until(function()
    return page:output():find "live"
  end, 30, "the page")
  local cost = load(bench, sandbox, body)
  page:stop()
  return cost
end

return function(bench)
  local chromium = word_of "command -v chromium"
  local body = files.write(files.new_path "body", cjson.encode(documents.event))
  local sandbox = start(bench)
  load(bench, sandbox, body) -- to warm up
  local list = {}
  for i = 1, ROUNDS do
    list[i] = { without = load(bench, sandbox, body),
      with = chromium and load_with_page(bench, sandbox, body, chromium) }
  end
  local rate, spread = measure.median(list, function(round) return 1 / round.without end)
  measure.print("sandbox: events for a second of its CPU", "%.0f (%s), %s", rate, spread, measure.at_least(10000, rate))
  if not chromium then
    return measure.print("sandbox: with its page open, against without", "skipped: there is no Chromium")
  end
  local ratio, ratio_spread = measure.median(list, function(round) return round.without / round.with end)
  measure.print("sandbox: events for its CPU, the page open, against without", "ratio %.3f (%s), %s", ratio,
    ratio_spread, measure.at_least(0.9, ratio))
end
