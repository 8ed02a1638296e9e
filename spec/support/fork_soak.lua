-- Forks in any moment of a process's first 30 ms, while two threads make clients and use them over TLS: the child's own
-- client works, and nothing hangs (`make soak-fork`).
--
--   fork_soak.lua HOST FORKS [SEED]     half of them while the threads post, half while they track
local certificates = require "support.certificates"
local cleanup = require "support.cleanup"
local documents = require "support.documents"
local files = require "support.files"
local nginx = require "support.nginx"
local sandbox = require "support.sandbox"

local host, forks, seed = arg[1], tonumber(arg[2]), tonumber(arg[3] or os.time())
local MOMENTS = 30000 -- microseconds

local CLIENT = [[
  local postevent = require "postevent"
  local function new() return postevent.new { url = %q, tls = { ca_file = %q } } end
]]
local USES = {
  post = [[for _ = 1, 5 do local client = new() assert(client:post { event_name = "e" }) client:close() end]],
  track = [[for _ = 1, 5 do local client = new() assert(client:track { event_name = "e" }) client:close() end]],
}
local CHILD = [[
  local client = new()
  assert(client:post { event_name = "e" })
  assert(client:track { event_name = "e" })
  assert(client:flush(30))
  client:close()
]]

local function run()
  local platform = sandbox.start()
  local server = nginx.start { { tls = true, proxy_to = platform.base } }
  local client = CLIENT:format(server.urls[1] .. documents.path, certificates.get().ca_file)
  local function script(text)
    return files.write(files.new_path "fork.lua", client .. text)
  end
  local child, failed = script(CHILD), 0
  math.randomseed(seed)
  for name, use in pairs(USES) do
    local threads = script(use)
    for _ = 1, math.floor(forks / 2) do
      local status = os.execute(("%s %s %s %d"):format(host, threads, child, math.random(0, MOMENTS)))
      failed = failed + ((status == true or status == 0) and 0 or 1)
    end
    print(("%s: %d forks, %d in which the child failed so far (seed %d)"):format(name, forks / 2, failed, seed))
  end
  return failed == 0
end

local done, result = pcall(run)
cleanup.stop_all()
files.remove_all()
if not done then
  io.stderr:write(tostring(result), "\n")
end
os.exit(done and result and 0 or 1)
