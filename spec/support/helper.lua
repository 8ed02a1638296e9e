-- What every spec asks for: `local helper = require "support.helper"`. It gathers the small modules beside it; servers
-- have modules of their own (support.nginx, support.proxy, support.rude, support.tls_server, support.name_server).
local children = require "support.children"
local cleanup = require "support.cleanup"
local documents = require "support.documents"
local files = require "support.files"
local guard = require "support.guard"
local http = require "support.http"
local ports = require "support.ports"
local process = require "support.process"
local sandbox = require "support.sandbox"
local waiting = require "support.waiting"

local helper = {
  process = process,
  documents = documents,

  guard = guard.guard,
  defer = cleanup.defer,
  stop_all = cleanup.stop_all,
  wait_until = waiting.wait_until,
  quickest = waiting.quickest,

  read_file = files.read,
  write_file = files.write,
  file_exists = files.exists,
  temporary_directory = files.directory,
  new_path = files.new_path,
  new_directory = files.new_directory,

  lua = children.lua,
  spawn = children.spawn,
  run = children.run,
  run_lua = children.run_lua,

  free_port = ports.free_port,
  http_request = http.request,
  start_sandbox = sandbox.start,
  shared_sandbox = sandbox.shared,
}

-- A file of its own with `data` in it: its path.
function helper.new_file(data, suffix)
  return files.write(files.new_path(suffix), data)
end

return helper
