-- A connection to Redis that asks and waits for the answer, made anew when it is gone. For what need not be quick; the
-- deliverer's read has a link of its own.

local core = require("postevent.native")("postevent.core").redis

local connection = {}

local Connection = {}
Connection.__index = Connection

local LAST_WORDS = 2 -- seconds

-- connection.new(url, connect_timeout, timeout, files) -> a connection, which is made when it is first needed. The url
-- was checked; the files are those of TLS: { ca_file =, cert_file =, key_file = }. Raises what is wrong with them.
function connection.new(url, connect_timeout, timeout, files)
  local link, why = core.open(url, connect_timeout, timeout, files)
  if not link then
    error(why, 0)
  end
  return setmetatable({ link = link, timeout = timeout }, Connection)
end

-- For how long a call may wait yet. Whoever was told to end has no patience with a Redis that is silent.
local function left(self)
  if not self.ends_at and core.stopping() then
    self.ends_at = core.now() + LAST_WORDS
  end
  return self.ends_at and math.min(self.timeout, self.ends_at - core.now()) or self.timeout
end

-- Moves the link on until `done` returns something, or it is off. Returns that; or nil, a message and a code.
local function move(self, done)
  while true do
    self.link:run()
    local first, second = done((self.link:state()))
    local state, message, code = self.link:state() -- afterwards: to ask for a reply may find that there is none to come
    if first ~= nil then
      return first, second
    elseif state == "off" then
      return nil, message, code
    end
    local seconds = left(self)
    if seconds <= 0 then
      self.link:close()
      return nil, "Redis does not answer, and there is no time left to wait for it", "timeout"
    end
    core.wait(seconds, self.link)
  end
end

-- Returns true; or nil, a message and a code.
function Connection:connect()
  if self.link:state() == "off" then
    self.link:open()
  end
  return move(self, function(state)
    return state == "ready" or nil
  end)
end

-- Asks, and returns the answer (false: nothing); or nil, a message, a code and Redis's own words.
function Connection:call(...)
  local ok, message, code = self:connect()
  if not ok then
    return nil, message, code
  end
  self.link:send(...)
  local good, reply
  good, reply, code = move(self, function()
    return self.link:next()
  end)
  if good then
    return reply
  elseif good == false then
    local words = reply
    message, code = self:explain((...), words)
    return nil, message, code, words
  end
  return nil, reply, code
end

-- What an error of Redis's means: a message and a code. `what`: the command that it is about.
function Connection:explain(what, words)
  local message, code = self.link:explain(what, words)
  return message, code
end

-- From now on calls end within so many seconds, and a moment more, all of them together.
function Connection:end_within(seconds)
  self.ends_at = core.now() + seconds + LAST_WORDS
end

function Connection:close()
  self.link:close()
end

return connection
