-- A plain HTTP request by luasocket: the other client, to look at servers with.
local ltn12 = require "ltn12"
local socket = require "socket"
local socket_http = require "socket.http"

local http = {}

-- request {url =, method =, headers =, body =, timeout = 5} -> {status =, headers =, body =}; or nil, message.
function http.request(options)
  local chunks, headers = {}, {}
  local sock
  for name, value in pairs(options.headers or {}) do
    headers[name:lower()] = value
  end
  if options.body then
    headers["content-length"] = tostring(#options.body)
  end
  local previous = socket_http.TIMEOUT
  socket_http.TIMEOUT = options.timeout or 5
  local ok, status, received = socket_http.request {
    url = options.url,
    method = options.method or (options.body and "POST" or "GET"),
    headers = headers,
    source = options.body and ltn12.source.string(options.body) or nil,
    sink = ltn12.sink.table(chunks),
    redirect = false,
    create = function()
      sock = socket.tcp()
      return sock
    end,
  }
  if sock then
    sock:close() -- luasocket leaves it open after a 408
  end
  socket_http.TIMEOUT = previous
  if not ok then
    return nil, status
  end
  return { status = status, headers = received or {}, body = table.concat(chunks) }
end

return http
