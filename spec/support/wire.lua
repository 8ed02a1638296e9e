-- Connections by hand, by luasocket and luasec: for looking at servers byte by byte. They are closed with the test.
local certificates = require "support.certificates"
local cleanup = require "support.cleanup"
local socket = require "socket"
local ssl = require "ssl"

local wire = {}

local TIMEOUT = 5

function wire.connect(port)
  local sock = assert(socket.connect("127.0.0.1", port))
  sock:settimeout(TIMEOUT)
  cleanup.defer(function()
    sock:close()
  end)
  return sock
end

-- A connection that checks the server's chain (not its name); options: client (of certificates.get()), alpn. Or nil and
-- why the handshake failed.
function wire.connect_tls(port, options)
  options = options or {}
  local client = options.client or {}
  local conn = assert(ssl.wrap(assert(socket.connect("127.0.0.1", port)), {
    mode = "client", protocol = "any", cafile = certificates.get().ca_file, verify = "peer",
    certificate = client.cert, key = client.key, password = client.password, alpn = options.alpn,
  }))
  cleanup.defer(function()
    conn:close()
  end)
  conn:settimeout(TIMEOUT)
  local ok, message = conn:dohandshake()
  return ok and conn, message
end

-- Whether a RST has come. To be asked before reading: luasocket calls both ends "closed", and the error is told once.
function wire.was_reset(sock)
  local view = socket.tcp()
  local own = view:getfd()
  view:setfd(sock:getfd())
  local problem = view:getoption "error"
  view:setfd(own)
  view:close()
  return problem ~= nil
end

-- The body of one reply; the connection stays open.
function wire.read_reply(sock)
  local length
  repeat
    local line = assert(sock:receive "*l")
    length = length or tonumber(line:match "^Content%-Length: (%d+)")
  until line == ""
  return length > 0 and sock:receive(length) or ""
end

-- An HTTP/2 frame: its bytes.
function wire.frame(kind, flags, stream, payload)
  local size = #payload
  return string.char(0, math.floor(size / 256), size % 256, kind, flags, 0, 0, 0, stream) .. payload
end

-- The next frame: {kind =, flags =, stream =, payload =}; nil at the end.
function wire.read_frame(conn)
  local head = conn:receive(9)
  if not head then
    return nil
  end
  local size = head:byte(2) * 256 + head:byte(3)
  return {
    kind = head:byte(4), flags = head:byte(5), stream = head:byte(9), payload = size > 0 and conn:receive(size) or "",
  }
end

return wire
