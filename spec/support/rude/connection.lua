-- One connection of the rude server, plain or TLS, as a task of the scheduler sees it: reads and writes that wait, and
-- the three ways to leave: politely, with a FIN and no word of TLS, with a RST.
local process = require "support.process"
local scheduler = require "support.rude.scheduler"
local ssl = require "ssl"

local connection = {}

local Connection = {}
Connection.__index = Connection

local CHUNK = 16384

function connection.new(sock, number, log)
  sock:settimeout(0)
  sock:setoption("tcp-nodelay", true)
  return setmetatable({ sock = sock, number = number, log = log, buffer = "", requests = 0 }, Connection)
end

local WAITS = { timeout = "read", wantread = "read", wantwrite = "write" }

-- After a call on the socket that said `problem`: waits if that was all, and returns whether it was. If not, the peer
-- is gone and the socket not to be asked again: luasec 1.2 would spin for ever.
local function waited(self, problem)
  if WAITS[problem] then
    scheduler.wait(WAITS[problem], self.sock)
  else
    self.gone = true
  end
  return not self.gone
end

-- What has come by now, maybe "", and when that is not all there will be, what to wait for.
local function receive(self)
  local data, problem, partial = self.sock:receive(CHUNK)
  if problem and not WAITS[problem] then
    self.gone = true
  end
  return data or partial or "", problem
end

-- true; or nil, message.
function Connection:handshake(context)
  local sock, message = ssl.wrap(self.sock, context)
  if not sock then
    return nil, message
  end
  self.sock, self.tls = sock, true
  sock:settimeout(0)
  while true do
    local ok, problem = sock:dohandshake()
    if ok then
      return true
    elseif not waited(self, problem) then
      return nil, problem
    end
  end
end

-- Appends what has come to the buffer: true; or nil when the peer has closed or reset.
function Connection:fill()
  while not self.gone do
    local data, problem = receive(self)
    if data ~= "" then
      self.buffer = self.buffer .. data
      return true
    end
    waited(self, problem)
  end
end

function Connection:read_exactly(count)
  while #self.buffer < count do
    if not self:fill() then
      return nil
    end
  end
  local data = self.buffer:sub(1, count)
  self.buffer = self.buffer:sub(count + 1)
  return data
end

-- All up to and with `mark`.
function Connection:read_to(mark)
  while true do
    local _, last = self.buffer:find(mark, 1, true)
    if last then
      return self:read_exactly(last)
    elseif not self:fill() then
      return nil
    end
  end
end

-- Whether what comes begins with `text`; it stays in the buffer.
function Connection:begins_with(text)
  while #self.buffer < #text and text:sub(1, #self.buffer) == self.buffer do
    if not self:fill() then
      return false
    end
  end
  return self.buffer:sub(1, #text) == text
end

-- true; or nil when the peer is gone.
function Connection:write(data)
  local first = 1
  while first <= #data do
    if self.gone then
      return nil
    end
    local last, problem, partial = self.sock:send(data, first)
    first = (last or partial or first - 1) + 1
    if problem then
      waited(self, problem == "timeout" and "wantwrite" or problem)
    end
  end
  return true
end

-- Reads and forgets until the peer leaves.
function Connection:drain()
  repeat
    self.buffer = ""
  until not self:fill()
  self.log { event = "closed_by_client", connection = self.number }
end

-- Reads and forgets what is there already: closing with bytes unread would be a RST.
function Connection:skip()
  local problem
  while not self.gone and not problem do
    problem = select(2, receive(self))
  end
  self.buffer = ""
end

function Connection:close()
  self.sock:close() -- over TLS it says close_notify first
end

-- FIN, over TLS too.
function Connection:drop()
  process.abandon(self.sock:getfd(), false)
  self.sock:close()
end

function Connection:reset()
  process.abandon(self.sock:getfd(), true)
  self.sock:close()
end

return connection
