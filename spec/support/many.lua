-- Many HTTP requests at once, from one thread: what a browser's users do to a server.
local process = require "support.process"
local socket = require "socket"

local many = {}

local Request = {}
Request.__index = Request

-- Sends a GET and does not wait for the answer.
function many.begin(port, path)
  local self = setmetatable({ socket = assert(socket.connect("127.0.0.1", port)), begun = process.now() }, Request)
  self.socket:settimeout(0)
  assert(self.socket:send(("GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n"):format(path)))
  self.bytes = ""
  return self
end

-- Reads what has come; true when that is all.
function Request:read()
  local bytes, why, partial = self.socket:receive "*a"
  self.bytes = self.bytes .. (bytes or partial or "")
  if bytes or why == "closed" then
    self.elapsed = process.now() - self.begun
    self.status = tonumber(self.bytes:match "^HTTP/1%.%d (%d+)")
    self.body = self.bytes:match "\r\n\r\n(.*)$"
    self.socket:close()
    return true
  end
end

-- Goes away without an answer.
function Request:abort()
  self.socket:close()
end

-- Waits for the answers to all of the list, `timeout` seconds (10) at most.
function many.finish(requests, timeout)
  local deadline = process.now() + (timeout or 10)
  local open, of = {}, {}
  for _, request in ipairs(requests) do
    open[#open + 1] = request.socket
    of[request.socket] = request
  end
  while #open > 0 do
    assert(process.now() < deadline, #open .. " requests without an answer")
    for _, ready in ipairs((socket.select(open, nil, 1))) do
      if of[ready]:read() then
        for i, candidate in ipairs(open) do
          if candidate == ready then
            table.remove(open, i)
            break
          end
        end
      end
    end
  end
  return requests
end

-- So many requests at once: a list of { status =, body =, elapsed = }.
function many.get(port, path, count, timeout)
  local requests = {}
  for i = 1, count do
    requests[i] = many.begin(port, (path:gsub("%%d", tostring(i))))
  end
  return many.finish(requests, timeout)
end

return many
