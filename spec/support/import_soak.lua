-- kill -9 at any moment of an import, over and over, against a sandbox with a bad day: in the end every line has
-- arrived, with one id and one body; what was answered and came again all the same is no more than what was in flight
-- at a kill.
--
-- run(options) -> { kills =, arrived =, missing =, changed =, again =, again_at_most = }
--   kills, lines, seed; scenario: of the sandbox, or nil; concurrency; life: seconds after its first request, no import
--   lives longer before the last one
local cjson = require "cjson"
local children = require "support.children"
local files = require "support.files"
local http = require "support.http"
local process = require "support.process"
local sandboxes = require "support.sandbox"
local waiting = require "support.waiting"

local soak = {}

-- Whether the client heard that the event was taken.
local function is_heard(received)
  return received.answer == 200 and not (received.fault or ""):find("drop", 1, true)
end

local function write_lines(count)
  local lines = {}
  for i = 1, count do
    lines[i] = ('{"event_name":"visit","customer_id":"99%08d","n":%d}\n'):format(i, i)
  end
  return files.write(files.new_path "events.jsonl", table.concat(lines))
end

local function import(sandbox, path, options)
  return children.spawn { children.lua(), "bin/postevent", "import", "--url", sandbox.url, path, "--concurrency",
    tostring(options.concurrency), "--retry-max", "0.05", "--quiet", stop_signal = "SIGKILL" }
end

-- A generator of its own (Park and Miller's), in [0, 1).
local function new_random(seed)
  local state = seed % 2147483646 + 1
  return function()
    state = state * 16807 % 2147483647
    return state / 2147483647
  end
end

local function judge(sandbox, options)
  local result = { kills = options.kills, arrived = 0, missing = 0, changed = 0, again = 0,
    again_at_most = options.kills * options.concurrency }
  local bodies, heard = {}, {}
  for _, received in ipairs(sandbox:events()) do
    local event = received.event
    local body = event.external_event_id .. " " .. event.eventDateTime
    result.changed = result.changed + ((bodies[event.n] or body) ~= body and 1 or 0)
    result.arrived = result.arrived + (bodies[event.n] and 0 or 1)
    bodies[event.n] = body
    heard[event.n] = (heard[event.n] or 0) + (is_heard(received) and 1 or 0)
  end
  for n = 1, options.lines do
    result.missing = result.missing + (bodies[n] and 0 or 1)
    result.again = result.again + math.max(0, (heard[n] or 0) - 1)
  end
  return result
end

local function requests(sandbox)
  return cjson.decode(http.request { method = "GET", url = sandbox.base .. "/sandbox/counts" }.body).requests
end

-- One import that is killed so many seconds after its first request.
local function live(sandbox, path, options, seconds)
  local before = requests(sandbox)
  local child = import(sandbox, path, options)
  waiting.wait_until(function()
    return requests(sandbox) > before or not child:running()
  end, 30, "a request")
  process.sleep(seconds)
  child:kill "SIGKILL"
  child:wait(10)
end

function soak.run(options)
  local sandbox = sandboxes.start { scenario = options.scenario, seed = options.seed, memory = 512 }
  local path, random = write_lines(options.lines), new_random(options.seed)
  for _ = 1, options.kills do
    live(sandbox, path, options, random() * options.life)
  end
  local last = import(sandbox, path, options)
  local how, status = last:wait(300)
  assert(how == "exited" and status == 0, last:errors())
  local result = judge(sandbox, options)
  sandbox:stop()
  return result
end

return soak
