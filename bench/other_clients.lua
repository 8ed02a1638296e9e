-- The same delivery by what else a Lua program may use: other_clients.lua NAME URL COUNT. Prints the seconds that it
-- takes, with the event encoded and the reply read by lua-cjson. One event at a time: none of these has more in flight.
--   socket             luasocket as it comes: a connection for each event
--   socket-keep-alive  luasocket's socket, with HTTP written by hand over one connection
--   curl               Lua-cURL's easy interface over one connection
local cjson = require "cjson"
local documents = require "support.documents"
local process = require "support.process"

local url = arg[2]
local HEADERS = { "Content-Type: application/json", "Authorization: " .. documents.authorization, "Expect:" }

local clients = {}

function clients.socket()
  local http, ltn12 = require "socket.http", require "ltn12"
  return function(body)
    local parts = {}
    local _, status = http.request {
      url = url, method = "POST", source = ltn12.source.string(body), sink = ltn12.sink.table(parts),
      headers = {
        ["Content-Type"] = "application/json", Authorization = documents.authorization, ["Content-Length"] = #body,
      },
    }
    return status, table.concat(parts)
  end
end

clients["socket-keep-alive"] = function()
  local host, port, path = url:match "^http://([^:]+):(%d+)(/.*)$"
  local sock = assert(require("socket").connect(host, tonumber(port)))
  sock:setoption("tcp-nodelay", true)
  local head = ("POST %s HTTP/1.1\r\nHost: %s:%s\r\n%s\r\n%s\r\nContent-Length: %%d\r\n\r\n"):format(path, host, port,
    HEADERS[1], HEADERS[2])
  return function(body)
    assert(sock:send(head:format(#body) .. body))
    local status = tonumber(assert(sock:receive "*l"):match "^HTTP/1.1 (%d+)")
    local length
    repeat
      local line = assert(sock:receive "*l")
      length = length or tonumber(line:match "^[Cc]ontent%-[Ll]ength: (%d+)")
    until line == ""
    return status, sock:receive(length)
  end
end

function clients.curl()
  local curl = require "curl"
  local easy = curl.easy_init()
  local parts
  easy:setopt(curl.OPT_URL, url)
  easy:setopt(curl.OPT_POST, 1)
  easy:setopt(curl.OPT_HTTPHEADER, HEADERS)
  easy:setopt(curl.OPT_NOSIGNAL, 1)
  easy:setopt(curl.OPT_FAILONERROR, 1) -- it has no way to ask for the status
  easy:setopt(curl.OPT_WRITEFUNCTION, function(bytes)
    parts[#parts + 1] = bytes
    return #bytes
  end)
  return function(body)
    parts = {}
    easy:setopt(curl.OPT_POSTFIELDS, body)
    easy:setopt(curl.OPT_POSTFIELDSIZE, #body)
    return easy:perform() and 200, table.concat(parts)
  end
end

local post = clients[arg[1]]()
local start = process.now()
for _ = 1, tonumber(arg[3]) do
  local status, reply = post(cjson.encode(documents.event))
  assert(status == 200 and cjson.decode(reply).status.code == 1100)
end
print(("%.6f"):format(process.now() - start))
