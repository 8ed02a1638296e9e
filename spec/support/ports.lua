-- Free TCP ports on loopback, for servers that cannot be asked to choose one. They are looked for below the range that
-- the kernel gives to outgoing connections; still, another run may be quicker: who uses one must be ready to try again.
local process = require "support.process"
local socket = require "socket"

local ports = {}

local FIRST, COUNT = 10000, 22000

-- A generator of its own: the tests' math.random is left alone.
local state = (process.getpid() * 7919 + math.floor(socket.gettime() * 1e4)) % 2147483647

local function next_candidate()
  state = (state * 48271 + 11) % 2147483647
  return FIRST + state % COUNT
end

function ports.free_port()
  for _ = 1, 100 do
    local port = next_candidate()
    local server = socket.bind("127.0.0.1", port)
    if server then
      server:close()
      return port
    end
  end
  error "no free port on loopback"
end

return ports
