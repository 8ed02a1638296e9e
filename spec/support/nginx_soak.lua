-- make soak-nginx: nginx under half of the load that it can bear, reloaded every 30 seconds, a worker killed every
-- minute, and half-way its binary started anew (USR2): nginx_soak.lua SECONDS.
-- Every other request tracks an event in log_by_lua, the rest post one and wait. In the end every event that was
-- accepted has arrived, by its id, and none twice, but for what the killed workers held; no request failed; and memory
-- is what it was. Exits with 1 if not.
local children = require "support.children"
local cleanup = require "support.cleanup"
local documents = require "support.documents"
local files = require "support.files"
local openresty = require "support.openresty"
local process = require "support.process"

local RELOAD_SECONDS = 30
local KILL_SECONDS = 60
local CONNECTIONS = 16
local BREATH = 4 * 1024 -- KiB by which memory may differ

local seconds = tonumber(arg[1]) or 600

local LOG = 'log_format ids "$id";\n'

local function start_platform()
  return openresty.start {
    bare = true, workers = 1, http = LOG,
    server = ([[
      location / {
        set $id "";
        access_log received.log ids buffer=64k flush=1s if=$id;
        default_type application/json;
        content_by_lua_block {
          ngx.req.read_body()
          ngx.var.id = ngx.req.get_body_data():match '"external_event_id":"([^"]+)"'
          ngx.print '%s'
        }
      }]]):format(documents.reply),
  }
end

local function start_nginx(url)
  return openresty.start {
    workers = 2, daemon = true, values = { URL = url, INIT = "counts = { made = 0 }" },
    http = LOG .. [[
      lua_shared_dict postevent 1m;
      init_worker_by_lua_block {
        client = new { results = 0, queue = { max_events = 100000 } }
        function new_event()
          counts.made = counts.made + 1
          return { event_name = "e", external_event_id = ngx.worker.pid() .. "-" .. counts.made, path = ngx.var.uri }
        end
      }
      exit_worker_by_lua_block { require("postevent.resty").close(5) }
    ]],
    server = [[
      access_log accepted.log ids if=$id; # at once: of a worker that is killed as well
      set $id "";
      location = /track {
        return 200 "ok";
        log_by_lua_block {
          local event = new_event()
          if client:track(event) then ngx.var.id = event.external_event_id end
        }
      }
      location = /post {
        content_by_lua_block {
          local event = new_event()
          local reply, message = client:post(event)
          if not reply then
            ngx.log(ngx.ERR, message)
            return ngx.exit(500)
          end
          ngx.var.id = event.external_event_id
          ngx.print "ok"
        }
      }
      location = /metrics { content_by_lua_block { ngx.print(require("postevent.resty").metrics()) } }]],
  }
end

-- ---- load ----

-- wrk, which asks for the two paths in turn and waits `delay` milliseconds before each request.
local function load(nginx, duration, delay)
  local script = files.write(files.new_path "load.lua", ([[
    local paths, count = { "/track", "/post" }, 0
    function request()
      count = count + 1
      return wrk.format("GET", paths[count %% 2 + 1])
    end
    local wait = %f
    if wait > 0 then
      function delay() return math.random() * 2 * wait end
    end]]):format(delay))
  return children.spawn {
    "wrk", "-t", "1", "-c", tostring(CONNECTIONS), "-d", tostring(duration), "-s", script, nginx.url,
  }
end

local function rate_of(child)
  child:wait()
  return tonumber(child:output():match "Requests/sec:%s*([%d.]+)")
end

-- ---- what is looked at ----

local function resident(pid)
  return tonumber(files.read_if_there(("/proc/%d/status"):format(pid)):match "VmRSS:%s*(%d+)") or 0
end

local function largest_worker(nginx)
  local largest = 0
  for _, pid in ipairs(nginx:worker_pids()) do
    largest = math.max(largest, resident(pid))
  end
  return largest
end

-- The ids of a log: how often each is in it, and how many there are.
local function ids_of(nginx, name)
  local ids, count = {}, 0
  for id in io.lines(nginx.directory .. "/" .. name) do
    ids[id] = (ids[id] or 0) + 1
    count = count + 1
  end
  return ids, count
end

local failed = false

local function check(ok, format, ...)
  failed = failed or not ok
  print((ok and "ok      " or "FAILED  ") .. format:format(...))
  io.stdout:flush()
end

-- killed: by pid.
local function compare(nginx, platform, killed)
  local accepted, accepted_count = ids_of(nginx, "accepted.log")
  local received, received_count = ids_of(platform, "received.log")
  local missing, held, twice = 0, 0, 0
  for id in pairs(accepted) do
    if not received[id] then
      local of_killed = killed[tonumber(id:match "^%d+")]
      held = held + (of_killed and 1 or 0)
      missing = missing + (of_killed and 0 or 1)
    end
  end
  for _, times in pairs(received) do
    twice = twice + (times > 1 and 1 or 0)
  end
  check(missing == 0, "%d events were accepted, %d received, %d of them are missing; killed workers held %d more",
    accepted_count, received_count, missing, held)
  check(twice == 0, "%d arrived more than once", twice)
end

local function note(memory, now)
  memory.first, memory.last = memory.first or now, now
end

-- What happens to nginx while the load goes on. Returns how often each did, the pids of those that were killed, and
-- what memory a worker and the master had first and last; the master behind its first reload, a new one for itself.
local function disturb(nginx, deadline)
  local begin, done, killed = process.now(), { reloads = 0, kills = 0, upgrades = 0 }, {}
  local memory = { worker = {}, master = {} }
  local half = (deadline - begin) / 2
  local at = { reload = RELOAD_SECONDS, kill = KILL_SECONDS * 0.75, upgrade = half + 10 }
  while true do
    local due = math.min(at.reload, at.kill, at.upgrade)
    if begin + due >= deadline then
      process.sleep(math.max(0, deadline - process.now()))
      return done, killed, memory
    end
    process.sleep(math.max(0, begin + due - process.now()))
    if due == at.upgrade then
      nginx:upgrade()
      at.upgrade, done.upgrades = math.huge, done.upgrades + 1
      memory.master = {}
    elseif due == at.kill then
      local pid = nginx:worker_pids()[1]
      killed[pid] = true
      process.kill(pid, "SIGKILL")
      at.kill, done.kills = at.kill + KILL_SECONDS, done.kills + 1
    else
      note(memory.worker, largest_worker(nginx))
      nginx:reload()
      note(memory.master, resident(nginx:master_pid()))
      at.reload, done.reloads = at.reload + RELOAD_SECONDS, done.reloads + 1
    end
  end
end

-- nginx says so when a worker was killed, and nothing else.
local function complaints(nginx)
  local found = {}
  for line in nginx:complaints():gmatch "[^\n]+" do
    found[#found + 1] = not line:find("exited on signal 9", 1, true) and line or nil
  end
  return table.concat(found, "\n")
end

local function soak()
  local platform = start_platform()
  local nginx = start_nginx(platform.url .. "/x")
  local full = rate_of(load(nginx, 2, 0))
  local delay = CONNECTIONS / (full / 2) * 1000
  print(("%.0f requests a second at full load; now half of that for %d s, a reload every %d s"):format(full, seconds,
    RELOAD_SECONDS))
  local wrk = load(nginx, seconds, delay)
  local done, killed, memory = disturb(nginx, process.now() + seconds - 1)
  local rate = rate_of(wrk)
  check(not wrk:output():find "Non%-2xx", "%.0f requests a second, %d reloads, %d killed workers, %d upgrades, all "
    .. "answered with 200", rate, done.reloads, done.kills, done.upgrades)
  for name, of in pairs(memory) do
    check(of.last - of.first < BREATH, "the %s's memory at a reload: %d KiB first, %d KiB last", name, of.first,
      of.last)
  end
  nginx:quit(30)
  process.sleep(1.5) -- the platform's log is flushed once a second
  platform:quit(30)
  compare(nginx, platform, killed)
  check(complaints(nginx) == "", "nginx has nothing to complain about %s", complaints(nginx))
end

local ok, message = pcall(soak)
cleanup.stop_all()
files.remove_all()
if not ok then
  io.stderr:write(tostring(message), "\n")
end
os.exit(ok and not failed and 0 or 1)
