-- TLS in front of a server that speaks none: what comes is handed on to its port, and what it says goes back.
--
-- start(port, certificate) -> .port, :stop(). certificate: { cert =, key = }, as of certificates.get().
local children = require "support.children"
local files = require "support.files"
local waiting = require "support.waiting"

local tls_front = {}

local TlsFront = {}
TlsFront.__index = TlsFront

local SCRIPT = [[
local connection = require "support.rude.connection"
local files = require "support.files"
local scheduler = require "support.rude.scheduler"
local socket = require "socket"
local ssl = require "ssl"

local cert, key, behind, port_file = arg[1], arg[2], tonumber(arg[3]), arg[4]
local context = assert(ssl.newcontext { mode = "server", protocol = "any", certificate = cert, key = key })

local function pump(from, to)
  while from:fill() and to:write(from.buffer) do
    from.buffer = ""
  end
  from:close()
  to:close()
end

local function serve(sock)
  local conn = connection.new(sock)
  if not conn:handshake(context) then
    return conn:close()
  end
  local other = connection.new(assert(socket.connect("127.0.0.1", behind)))
  scheduler.start(function() pump(other, conn) end, error)
  pump(conn, other)
end

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
server:settimeout(0)
files.write(port_file .. ".new", tostring(port))
assert(os.rename(port_file .. ".new", port_file))
scheduler.start(function()
  while true do
    scheduler.wait("read", server)
    local sock = server:accept()
    if sock then
      scheduler.start(function() serve(sock) end, error)
    end
  end
end, error)
scheduler.run()
]]

function tls_front.start(port, certificate)
  local port_file = files.new_path "front.port"
  local self = setmetatable({}, TlsFront)
  self.child = children.spawn {
    children.lua(), files.write(files.new_path "front.lua", SCRIPT), certificate.cert, certificate.key,
    tostring(port), port_file,
    stop_signal = "SIGKILL",
  }
  self.port = waiting.wait_until(function()
    if not self.child:running() then
      error("the TLS front did not start:\n" .. self.child:errors(), 0)
    end
    return tonumber(files.read_if_there(port_file))
  end, 10, "the TLS front to start")
  return self
end

function TlsFront:stop()
  self.child:stop()
end

return tls_front
