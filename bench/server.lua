-- What the deliveries are measured against: the specs' nginx, without its log, and who runs on which processor. Where
-- there is `taskset` and a second processor, the server has one to itself, and what is measured another.
local certificates = require "support.certificates"
local children = require "support.children"
local documents = require "support.documents"
local nginx = require "support.nginx"

local server = {}

local LOCATIONS = ([[
  access_log off;
  keepalive_requests 1000000000;
  location / { return 200 '%s'; }
]]):format(documents.reply)

local function can_pin()
  local ok, status = pcall(children.run, { "taskset", "-c", "1", "true" })
  return ok and status == 0
end

local pins = can_pin()

-- The command that runs `argv` on the processor that the server has not.
function server.beside(argv)
  return pins and { "taskset", "-c", "0", (table.unpack or unpack)(argv) } or argv
end

-- The command that runs it on the server's.
function server.on_the_other(argv)
  return pins and { "taskset", "-c", "1", (table.unpack or unpack)(argv) } or argv
end

-- Moves a process there that runs already.
function server.pin(pid)
  if pins then
    assert(children.run { "taskset", "-a", "-c", "-p", "1", tostring(pid) } == 0)
  end
end

-- A server with two addresses: .url over HTTP, .tls_url over TLS with a certificate of .ca_file.
function server.start()
  local started = nginx.start { { locations = LOCATIONS }, { locations = LOCATIONS, tls = true } }
  server.pin(started.child.pid)
  return { url = started.urls[1] .. "/x", tls_url = started.urls[2] .. "/x", ca_file = certificates.get().ca_file }
end

return server
