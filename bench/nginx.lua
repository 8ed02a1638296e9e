-- make bench-nginx: what postevent costs a worker of nginx, from one run on one machine, each with its spread, and the
-- goals. One worker, a second nginx as the platform, wrk and h2load as the load.
--
--   bench/nginx.lua [PART...]      (with the search paths of `make bench-nginx`)
--
-- lua-resty-http takes part where nginx's Lua finds it (LUA_PATH).
local cleanup = require "support.cleanup"
local children = require "support.children"
local documents = require "support.documents"
local files = require "support.files"
local measure = require "bench.measure"
local nginx = require "support.nginx"
local openresty = require "support.openresty"
local slow_platform = require "support.slow_platform"

local SECONDS = 2 -- of one measurement
local PAIRS = 7
local HOOK_ROUNDS = 15 -- what a hook costs is small beside what varies
local EVENT = [[{ event_name = "be_reserved", customer_id = "9988776655", external_event_id = "RAND121",
  hotel_name = "Indiranagar", room_nights = "12", age = 20, eventDateTime = "2024-04-11 12:00:00" }]]

-- ---- the servers ----

local sink, worker

local function start_sink()
  sink = nginx.start { {
    locations = ([[access_log off;
      keepalive_requests 1000000000;
      location = /count { stub_status; }
      location / { return 200 '%s'; }]]):format(documents.reply),
  } }
end

-- How many requests the sink has answered so far, without those that ask.
local asked = 0
local function received()
  local _, text = children.run { "curl", "-s", sink.url .. "/count" }
  asked = asked + 1
  return tonumber(text:match "\n%s*%d+%s+%d+%s+(%d+)") - asked
end

-- What a program without postevent would do: an HTTP client of its own on nginx's cosockets, reduced to the least.
local BY_HAND = [[
  local cjson = require "cjson"
  function by_hand(event)
    local body = cjson.encode(event)
    local socket = ngx.socket.tcp()
    local ok, why = socket:connect("127.0.0.1", ${PORT}, { pool_size = 128 })
    if not ok then return nil, why end
    socket:send { "POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: ${AUTH}\r\n",
      "Content-Length: ", #body, "\r\n\r\n", body }
    local status = socket:receive()
    if not status then return nil, "no answer" end
    local length = 0
    while true do
      local line, why = socket:receive()
      if not line then return nil, why end
      if line == "" then break end
      length = tonumber(line:match "^[Cc]ontent%-[Ll]ength: (%d+)") or length
    end
    local reply = cjson.decode(socket:receive(length))
    socket:setkeepalive(60000, 128)
    return reply.status.code == 1100
  end

  package.path = package.path .. ";${LUA_PATH}" -- nginx has none of its own here
  local found, resty_http = pcall(require, "resty.http")
  has_resty_http = found
  function by_resty_http(event)
    local reply, why = resty_http.new():request_uri("http://127.0.0.1:${PORT}/x", {
      method = "POST", body = cjson.encode(event), keepalive = true, keepalive_timeout = 60000, keepalive_pool = 128,
      headers = { ["Content-Type"] = "application/json", Authorization = "${AUTH}" },
    })
    if not reply then return nil, why end
    return cjson.decode(reply.body).status.code == 1100
  end

  local ltn12 = require "ltn12"
  local http = require "socket.http"
  function by_luasocket(event)
    local body, chunks = cjson.encode(event), {}
    local ok = http.request {
      url = "http://127.0.0.1:${PORT}/x", method = "POST", source = ltn12.source.string(body),
      headers = { ["Content-Type"] = "application/json", ["Content-Length"] = #body, Authorization = "${AUTH}" },
      sink = ltn12.sink.table(chunks),
    }
    return ok
  end
]]

-- location = /NAME: answers "ok", with a hook.
local function hook(name, phase, code)
  local answer = phase == "access_by_lua_block" and 'content_by_lua_block { ngx.print "ok" }' or 'return 200 "ok";'
  return ("location = /%s { %s %s { %s } }\n"):format(name, answer, phase, (code:gsub("EVENT", EVENT)))
end

local function in_access(name, call)
  return hook(name, "access_by_lua_block",
    ("local ok, why = %s if not ok then ngx.log(ngx.ERR, why) return ngx.exit(500) end"):format(call))
end

local SERVER = 'location = /none { return 200 "ok"; }\n'
  .. hook("track", "log_by_lua_block", "client:track(EVENT)")
  .. hook("encode", "log_by_lua_block", "encode(EVENT)")
  .. hook("timer-by-hand", "log_by_lua_block", "ngx.timer.at(0, function() by_hand(EVENT) end)")
  .. hook("timer-resty-http", "log_by_lua_block", "ngx.timer.at(0, function() by_resty_http(EVENT) end)")
  .. hook("luasocket", "log_by_lua_block", "by_luasocket(EVENT)")
  .. in_access("post", "client:post(EVENT)") .. in_access("by-hand", "by_hand(EVENT)")
  .. in_access("resty-http", "by_resty_http(EVENT)")
  .. [[
    location = /pending { content_by_lua_block { ngx.print(client:stats().pending) } }
    location = /accepted { content_by_lua_block { ngx.print(client:stats().accepted) } }
    location = /has { content_by_lua_block { ngx.print(has_resty_http and "yes" or "no") } }]]

local function start_worker(url, more)
  return openresty.start {
    connections = 4096,
    values = {
      URL = url, PORT = tostring(sink.port), AUTH = documents.authorization,
      LUA_PATH = os.getenv "LUA_PATH" or "",
      DEFINITIONS = require("support.process").current_directory() .. "/spec/vectors/definitions.json",
    },
    http = "lua_max_running_timers 4096; lua_max_pending_timers 65536;\ninit_worker_by_lua_block {\n" .. BY_HAND .. ([[
      encode = cjson.encode
      client = new {
        authorization = "${AUTH}", definitions = "${DEFINITIONS}", max_in_flight = 64, results = 0,
        queue = { max_events = 1000000, max_bytes = 2 ^ 30 }, log = function() end, %s
      }
    }]]):format(more or ""),
    server = SERVER,
  }
end

local function start()
  if not worker then
    start_sink()
    worker = start_worker(sink.url .. "/x")
  end
end

local function wait_until_delivered()
  require("support.waiting").wait_until(function()
    return worker:get("/pending").body == "0"
  end, 60, "the delivery")
end

-- ---- the loads ----

-- Nanoseconds of CPU that the worker's own thread has taken, without its clients' threads.
local function worker_cpu()
  local pid = worker:worker_pids()[1]
  return tonumber(files.read_if_there(("/proc/%d/task/%d/schedstat"):format(pid, pid)):match "%d+")
end

-- Requests at a fixed rate: how many were answered.
local function paced(path, rate)
  local connections = rate >= 16000 and 16 or 4
  local status, output = children.run {
    "h2load", "--h1", "-c", tostring(connections), "-D", tostring(SECONDS), "--rps", tostring(rate / connections),
    worker.url .. path,
  }
  assert(status == 0, output)
  return tonumber(output:match "(%d+) succeeded")
end

local UNITS = { us = 1, ms = 1e3, s = 1e6 }

-- As many requests as there can be: a second; p50 and p99 in microseconds; how many in all.
local function full(url, connections)
  local status, output = children.run {
    "wrk", "-t", "1", "-c", tostring(connections), "-d", tostring(SECONDS), "--latency", url,
  }
  assert(status == 0 and not output:find "Non%-2xx", output)
  local function latency(share)
    local number, unit = output:match(share .. "%%%s+([%d.]+)(%l+)")
    return tonumber(number) * UNITS[unit]
  end
  return {
    rate = tonumber(output:match "Requests/sec:%s*([%d.]+)"), p50 = latency "50", p99 = latency "99",
    count = tonumber(output:match "(%d+) requests in"),
  }
end

local function field(name)
  return function(run)
    return run[name]
  end
end

-- ---- the parts ----

local parts = {}

-- What hooks cost the worker's own thread, above the same location without one; measured in turn.
local function hook_costs(paths, rate)
  local function cost(name)
    local before = worker_cpu()
    local count = paced(name, rate)
    local taken = (worker_cpu() - before) / count / 1000
    wait_until_delivered()
    return taken
  end
  local list = {}
  for i = 1, HOOK_ROUNDS do
    local none = cost "/none"
    list[i] = { none = none }
    for _, path in ipairs(paths) do
      list[i][path] = cost(path) - none
    end
  end
  return list
end

function parts.hook()
  start()
  for _, case in ipairs { { 20000, 1.1 }, { 1000, 1.3 } } do
    local rate, goal = case[1], case[2]
    local before, accepted = received(), tonumber(worker:get("/accepted").body)
    local list = hook_costs({ "/track", "/encode" }, rate)
    local ours, spread = measure.median(list, field "/track")
    local theirs, their_spread = measure.median(list, field "/encode")
    measure.print(("track in log_by_lua at %d/s, the worker's CPU"):format(rate), "%.2f us (%s)", ours, spread)
    measure.print("  lua-cjson's encode there", "%.2f us (%s)", theirs, their_spread)
    measure.print("  ratio of the two", "%.2f, %s; a request without a hook %.2f us", ours / theirs,
      measure.at_most(goal, ours / theirs), (measure.median(list, field "none")))
    accepted = tonumber(worker:get("/accepted").body) - accepted
    measure.print("  its events at the sink", "%d of %d accepted", received() - before, accepted)
  end
end

local function clients_there()
  return worker:get("/has").body == "yes" and { "/timer-resty-http", "/timer-by-hand" } or { "/timer-by-hand" }
end

function parts.load()
  start()
  local none = full(worker.url .. "/none", 64)
  measure.print("full load, no hook", "%.0f requests a second", none.rate)
  for _, path in ipairs { "/track", (table.unpack or unpack)(clients_there()) } do
    local before = received()
    local run = full(worker.url .. path, 64)
    wait_until_delivered()
    require("support.process").sleep(0.5) -- the timers' rest
    measure.print("full load, " .. path:sub(2), "%.0f requests a second (%.2f of no hook), %.1f %% of the events came",
      run.rate, run.rate / none.rate, (received() - before) / run.count * 100)
  end
  local before = received()
  local run = full(worker.url .. "/luasocket", 64)
  measure.print("full load, luasocket that blocks", "%.0f requests a second (%.2f of no hook), %.1f %% came", run.rate,
    run.rate / none.rate, (received() - before) / run.count * 100)
end

local function compare_posts(theirs, connections, p50_goal, rate_goal)
  local list = {}
  for i = 1, PAIRS do
    list[i] = { ours = full(worker.url .. "/post", connections), theirs = full(worker.url .. theirs, connections) }
  end
  for _, case in ipairs { { "p50", p50_goal, measure.at_most }, { "rate", rate_goal, measure.at_least } } do
    local name, limit, judge = case[1], case[2], case[3]
    local ratio, spread = measure.median(list, function(pair)
      return pair.ours[name] / pair.theirs[name]
    end)
    local own = measure.median(list, function(pair)
      return pair.ours[name]
    end)
    measure.print(("post in access_by_lua against %s, %d connections, %s"):format(theirs:sub(2), connections, name),
      "ratio %.3f (%s)%s; %.0f %s", ratio, spread, limit and ", " .. judge(limit, ratio) or "", own,
      name == "p50" and "us" or "a second")
  end
end

function parts.post()
  start()
  local has = worker:get("/has").body == "yes"
  for _, connections in ipairs { 64, 1 } do
    local goals = connections == 64 and { 0.7, 1.5 } or { 1.1, 0.9 }
    if has then
      compare_posts("/resty-http", connections, goals[1], goals[2])
    end
    compare_posts("/by-hand", connections)
  end
  if not has then
    measure.print("post against lua-resty-http", "skipped: it is not installed")
  end
end

-- Requests without events, while others have some and the platform is in trouble.
local function compare_others(name, url)
  local troubled = start_worker(url, "max_posts = 50, timeout = 5,")
  local list = {}
  local function others(path)
    local background = children.spawn {
      "h2load", "--h1", "-c", "4", "-D", tostring(SECONDS + 1), "--rps", "100", troubled.url .. path,
    }
    local run = full(troubled.url .. "/none", 8)
    background:wait(30)
    return run
  end
  for i = 1, PAIRS do
    list[i] = { ours = others "/track", theirs = others "/none" }
  end
  local ratio, spread = measure.median(list, function(pair)
    return pair.ours.p99 / pair.theirs.p99
  end)
  measure.print("p99 of other requests, the platform " .. name, "ratio %.3f (%s), %s; %.0f us", ratio, spread,
    measure.at_most(1.10, ratio), measure.median(list, function(pair)
      return pair.ours.p99
    end))
  troubled:stop()
end

function parts.others()
  start()
  local slow = slow_platform.start(2)
  compare_others("slow", slow.url)
  slow.nginx:stop()
  compare_others("gone", "http://127.0.0.1:9/x")
end

local ALL = { "hook", "load", "post", "others" }
local ok, message = pcall(function()
  for _, name in ipairs(arg[1] and arg or ALL) do
    assert(parts[name], "no such part; there are " .. table.concat(ALL, ", "))()
  end
end)
cleanup.stop_all()
files.remove_all()
if not ok then
  io.stderr:write(tostring(message), "\n")
  os.exit(1)
end
