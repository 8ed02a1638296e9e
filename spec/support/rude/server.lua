-- The rude server: a script, whose argument is a file of JSON that support/rude.lua has written (and explains). A
-- process of its own; it runs until it is killed.
local behaviours = require "support.rude.behaviours"
local cjson = require "cjson"
local connection = require "support.rude.connection"
local files = require "support.files"
local http1 = require "support.rude.http1"
local http2 = require "support.rude.http2"
local process = require "support.process"
local scheduler = require "support.rude.scheduler"
local socket = require "socket"
local ssl = require "ssl"

local SMALL_BUFFER = 4096

local options = cjson.decode(files.read(arg[1]))
local log_file = assert(io.open(options.log_file, "a"))
local name = options.behaviour
local behave = behaviours.on_accept[name] or behaviours.on_head[name] or behaviours.on_request[name]
local connections, requests, misbehaved = 0, 0, 0
local context

assert(behave, "no such behaviour: " .. tostring(name))

local function log(record)
  record.at = process.now()
  log_file:write(cjson.encode(record), "\n")
  log_file:flush()
end

-- Whether to misbehave: `count` connections or requests have come so far, this one included, `own` on this connection.
local function is_time(count, own)
  return count > (options.after or 0) and own > (options.answer or 0) and misbehaved < (options.times or math.huge)
end

local function misbehave(conn, http, request)
  misbehaved = misbehaved + 1
  return behave(conn, options, http, request, misbehaved)
end

local function note(conn, event, request)
  log {
    event = event, connection = conn.number, number = conn.requests, protocol = request.protocol,
    method = request.method, path = request.path, headers = request.headers, body = request.body,
    mode = request.mode,
  }
end

-- One request. Returns whether the connection goes on.
local function serve_one(conn, http)
  if behaviours.on_head[name] and is_time(requests + 1, conn.requests + 1) then
    local head = http.read_head(conn)
    if head then
      note(conn, "head", head)
      misbehave(conn, http, head)
    end
    return false
  end
  local request = http.read_request(conn)
  if not request then
    log { event = "closed_by_client", connection = conn.number }
    return false
  end
  requests = requests + 1
  conn.requests = conn.requests + 1
  request.mode = files.read_if_there(options.mode_file) -- once: what is noted is what counts
  note(conn, "request", request)
  if behaviours.on_request[name] and is_time(requests, conn.requests) then
    return misbehave(conn, http, request)
  end
  return http.reply(conn, request)
end

local function serve(conn)
  if behaviours.on_accept[name] and is_time(connections, math.huge) then
    return misbehave(conn)
  end
  if context then
    local ok, message = conn:handshake(context)
    if not ok then
      return log { event = "handshake_failed", connection = conn.number, message = message }
    end
    log { event = "handshake", connection = conn.number, alpn = conn.sock:getalpn() }
  end
  local http = http1
  if options.http2 and conn:begins_with(http2.PREFACE) then
    http = http2
    http2.start(conn)
  end
  repeat until not serve_one(conn, http)
end

local function new_context()
  return assert(ssl.newcontext {
    mode = "server", protocol = "any", options = { "all", "no_sslv2", "no_sslv3" },
    certificate = options.tls.cert, key = options.tls.key,
    alpn = options.http2 and { "h2", "http/1.1" } or { "http/1.1" },
  })
end

local function accept_all(server)
  while true do
    scheduler.wait("read", server)
    local sock = server:accept()
    if sock then
      connections = connections + 1
      local conn = connection.new(sock, connections, log)
      log { event = "connection", connection = conn.number }
      scheduler.start(function()
        serve(conn)
        conn.sock:close() -- nothing happens when it is closed already
        log { event = "closed", connection = conn.number }
      end, function(message)
        log { event = "error", connection = conn.number, message = tostring(message) }
      end)
    end
  end
end

local server = assert(socket.tcp())
server:setoption("reuseaddr", true)
if behaviours.on_head[name] then
  server:setoption("recv-buffer-size", SMALL_BUFFER) -- so that a large body is still on its way when the server leaves
end
assert(server:bind("127.0.0.1", ("%d"):format(options.port or 0)))
assert(server:listen(64))
server:settimeout(0)
context = options.tls and new_context()

local _, port = server:getsockname()
files.write(options.port_file .. ".new", tostring(port))
assert(os.rename(options.port_file .. ".new", options.port_file))

scheduler.start(function()
  accept_all(server)
end, error)
scheduler.run()
