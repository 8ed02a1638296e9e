-- The child of name_server.lua: `lua ... ANSWER DIRECTORY SCRIPT` makes the namespaces, starts the name server on its
-- loopback and runs the script.
local files = require "support.files"
local process = require "support.process"
local socket = require "socket"

local answer, directory, script = arg[1], arg[2], arg[3]

-- Answers each query with its own question and "no such name" (RFC 1035, 4.1.1: QR, RD, RA, RCODE 3).
local function refuse_all(udp)
  while true do
    local query, host, port = udp:receivefrom()
    if query and #query > 12 then
      udp:sendto(query:sub(1, 2) .. "\129\131" .. query:sub(5, 6) .. ("\0"):rep(6) .. query:sub(13), host, port)
    end
  end
end

local function replace(path, text)
  if files.exists(path) then
    local copy = files.write(directory .. "/" .. path:match "[^/]+$", text)
    assert(process.bind_mount(copy, path))
  end
end

local function serve_names()
  local udp = assert(socket.udp())
  assert(udp:setsockname("127.0.0.1", 53))
  if process.fork() == 0 then
    if answer == "unknown" then
      refuse_all(udp)
    end
    process.sleep(3600) -- silent: the queries stay unread; it dies with its parent
    process._exit(0)
  end
  udp:close()
end

assert(process.unshare_mounts())
assert(process.unshare_network())
replace("/etc/resolv.conf", "nameserver 127.0.0.1\n")
replace("/etc/nsswitch.conf", "hosts: files dns\n")
replace("/etc/hosts", files.read "/etc/hosts") -- the script may change it
serve_names()
dofile(script)
