-- In front of a server on loopback: what comes is handed on to its port, and what it says goes back.
--
-- start(port, certificate) -> .port, :stop(), :spoil(). With a certificate, { cert =, key = } as of certificates.get(),
-- it speaks TLS for a server that speaks none. Without one it may stand before a server that does: from :spoil() on,
-- whatever the server says is answered with what is no TLS of the client's, and that with a fatal alert.
local children = require "support.children"
local files = require "support.files"
local waiting = require "support.waiting"

local front = {}

local Front = {}
Front.__index = Front

local SCRIPT = [[
local connection = require "support.rude.connection"
local files = require "support.files"
local scheduler = require "support.rude.scheduler"
local socket = require "socket"
local ssl = require "ssl"

local behind, port_file, trigger, cert, key = tonumber(arg[1]), arg[2], arg[3], arg[4], arg[5]
local context = cert and assert(ssl.newcontext { mode = "server", protocol = "any", certificate = cert, key = key })
local RUBBISH = "\23\3\3\0\64" .. ("x"):rep(64) -- a record of data by its head

local function spoil(server)
  if files.exists(trigger) then
    server:write(RUBBISH)
  end
end

local function pump(from, to, passed)
  while from:fill() and to:write(from.buffer) do
    from.buffer = ""
    passed(from)
  end
  from:close()
  to:close()
end

local function serve(sock)
  local conn = connection.new(sock)
  if context and not conn:handshake(context) then
    return conn:close()
  end
  local other = connection.new(assert(socket.connect("127.0.0.1", behind)))
  scheduler.start(function() pump(other, conn, spoil) end, error)
  pump(conn, other, function() end)
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

function front.start(port, certificate)
  local port_file = files.new_path "front.port"
  local self = setmetatable({ trigger = files.new_path "front.trigger" }, Front)
  self.child = children.spawn {
    children.lua(), files.write(files.new_path "front.lua", SCRIPT), tostring(port), port_file, self.trigger,
    certificate and certificate.cert, certificate and certificate.key,
    stop_signal = "SIGKILL",
  }
  self.port = waiting.wait_until(function()
    if not self.child:running() then
      error("the front did not start:\n" .. self.child:errors(), 0)
    end
    return tonumber(files.read_if_there(port_file))
  end, 10, "the front to start")
  return self
end

function Front:spoil()
  files.write(self.trigger, "")
end

function Front:stop()
  self.child:stop()
end

return front
