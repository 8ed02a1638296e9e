-- A real Redis, redis-server, in a directory of its own: on a free port of loopback, or on a socket.
--
-- start { socket = true, aof = true, port =, args = { "--maxmemory", "2mb", ... } } -> an object with .url, .port, and
--   :call("XLEN", "postevent")   a reply: text, number, list; nil; raises Redis's errors
--   :try(...)                    the same; or nil, Redis's error
--   :kill()                      SIGKILL
--   :restart()                   anew, in the same directory and on the same port
--   :pause(), :resume()          SIGSTOP, SIGCONT
local children = require "support.children"
local cleanup = require "support.cleanup"
local files = require "support.files"
local ports = require "support.ports"
local process = require "support.process"
local socket = require "socket"
local waiting = require "support.waiting"

local redis = {}

local Redis = {}
Redis.__index = Redis

local ATTEMPTS = 5

-- ---- the protocol ----

local function write(words)
  local parts = { ("*%d\r\n"):format(#words) }
  for i, word in ipairs(words) do
    word = tostring(word)
    parts[i + 1] = ("$%d\r\n%s\r\n"):format(#word, word)
  end
  return table.concat(parts)
end

-- A reply; or nil, and what Redis, or the connection, says.
local function read(connection)
  local line, why = connection:receive "*l"
  if not line then
    return nil, why
  end
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == "-" then
    return nil, rest
  elseif kind == ":" then
    return tonumber(rest)
  elseif kind == "+" then
    return rest
  elseif kind == "$" and rest ~= "-1" then
    return connection:receive(tonumber(rest) + 2):sub(1, -3)
  elseif kind == "*" and rest ~= "-1" then
    local list = {}
    for i = 1, tonumber(rest) do
      list[i] = read(connection)
    end
    return list
  end
end

function Redis:connect()
  local connection = self.socket and assert(require "socket.unix"()) or socket.tcp()
  connection:settimeout(5)
  local ok, why = connection:connect(self.socket or "127.0.0.1", self.port)
  return ok and connection, why
end

function Redis:try(...)
  if not self.connection then
    local why
    self.connection, why = self:connect()
    if not self.connection then
      self.connection = nil
      return nil, why
    end
  end
  self.connection:send(write { ... })
  local reply, why = read(self.connection)
  if why == "closed" or why == "timeout" then
    self.connection:close()
    self.connection = nil
  end
  return reply, why
end

function Redis:call(...)
  local reply, why = self:try(...)
  return why and error(why, 2) or reply
end

-- ---- its life ----

local function arguments(self)
  local argv = { "redis-server", "--port", tostring(self.port), "--bind", "127.0.0.1", "--dir", self.directory,
    "--save", "", "--daemonize", "no", stop_signal = "SIGKILL" }
  local function add(...)
    for _, word in ipairs { ... } do
      argv[#argv + 1] = word
    end
  end
  if self.socket then
    add("--unixsocket", self.socket)
  end
  if self.options.aof then
    add("--appendonly", "yes", "--appendfsync", "always")
  end
  add((unpack or table.unpack)(self.options.args or {})) -- luacheck: ignore
  return argv
end

-- Returns whether it came up: another run may have been quicker to take the port.
local function launch(self)
  self.child = children.spawn(arguments(self))
  return waiting.wait_until(function()
    local pong, why = self:try "PING"
    if pong or (why and (why:find "^NOAUTH" or why:find "^LOADING")) then
      return "up"
    end
    return not self.child:running() and "ended"
  end, 20, "Redis to start") == "up"
end

local function try(options)
  local self = setmetatable({ options = options, directory = files.new_directory "redis" }, Redis)
  self.port = options.port or ports.free_port()
  if options.socket then
    self.port, self.socket = 0, self.directory .. "/redis.sock"
  end
  self.url = options.socket and "unix://" .. self.socket or ("redis://127.0.0.1:%d"):format(self.port)
  return launch(self) and self
end

function redis.start(options)
  for _ = 1, ATTEMPTS do
    local self = try(options or {})
    if self then
      cleanup.defer(function()
        self:disconnect()
        self.child:kill "SIGCONT"
      end)
      return self
    end
  end
  error "redis-server did not start"
end

-- One that another process has started.
function redis.at(port)
  return setmetatable({ port = port }, Redis)
end

function Redis:disconnect()
  if self.connection then
    self.connection:close()
    self.connection = nil
  end
end

function Redis:kill()
  self.child:kill "SIGKILL"
  self.child:wait()
  self:disconnect()
end

function Redis:restart()
  if self.child:running() then
    self:kill()
  end
  assert(launch(self), "redis-server did not start again")
end

-- Until the system says that it has stopped: a moment later it may answer yet.
function Redis:pause()
  self.child:kill "SIGSTOP"
  waiting.wait_until(function()
    return files.read(("/proc/%d/stat"):format(self.child.pid)):find "%) T "
  end, 5, "Redis to stop")
end

function Redis:resume()
  self.child:kill "SIGCONT"
end

-- ---- what is in it ----

-- The entries of a stream, oldest first: { entry =, body =, id =, name =, age = }.
function Redis:entries(stream)
  local list = {}
  for i, entry in ipairs(self:call("XRANGE", stream or "postevent", "-", "+")) do
    list[i] = { entry = entry[1] }
    for j = 1, #entry[2], 2 do
      list[i][entry[2][j]] = entry[2][j + 1]
    end
  end
  return list
end

-- How often each event's id is in the stream.
function Redis:ids(stream)
  local counts = {}
  for _, entry in ipairs(self:entries(stream)) do
    counts[entry.id] = (counts[entry.id] or 0) + 1
  end
  return counts
end

redis.now = process.now

return redis
