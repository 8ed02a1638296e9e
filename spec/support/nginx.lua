-- A real nginx in a directory of its own, as one process, on free ports of loopback.
--
-- start { server, ..., log_headers = {"X-Name"} }, or start(server) for one. A server:
--   tls = true | a name in certificates.get() | {cert =, key =}; http2 = true; verify_client = true | "optional"
--   reply = {status =, headers =, body =}    at every path (default: the documented reply)
--   replies = {reply, ...}                   the Nth at url .. "/N"
--   proxy_to = "http://127.0.0.1:1"          passes requests on (only then the log has their bodies)
--   locations = "..."                        nginx's own words instead of these three
--   extra = "..."                            more of them, in the server's block
-- The object: .url, .port (of the first), .urls, .ports (of each), :requests([n]), :connections(), :errors(), :stop(),
-- :restart() (after a stop, on the same ports), :arrivals() (with proxy_to; a list of {id =, body =}).
-- A url is https://localhost:<port> with TLS, http://127.0.0.1:<port> without.
local certificates = require "support.certificates"
local children = require "support.children"
local cjson = require "cjson"
local files = require "support.files"
local nginx_config = require "support.nginx_config"
local ports = require "support.ports"
local waiting = require "support.waiting"

local nginx = {}

local Nginx = {}
Nginx.__index = Nginx

local ATTEMPTS = 5

local function needs_certificates(servers)
  for _, server in ipairs(servers) do
    if server.tls then
      return true
    end
  end
end

local function url_of(server, port)
  return (server.tls and "https://localhost:%d" or "http://127.0.0.1:%d"):format(port)
end

-- nginx writes its process id once every port is its own. Returns false when one was taken.
local function wait_for_start(self)
  return waiting.wait_until(function()
    if files.read_if_there(self.directory .. "/nginx.pid") ~= "" then
      return "up"
    end
    local errors = self:errors()
    if errors:find("bind() to", 1, true) then
      return "taken"
    end
    if not self.child:running() then
      error("nginx did not start:\n" .. errors .. self.child:errors(), 0)
    end
  end, 10, "nginx to start") == "up"
end

local function launch(self)
  self.child = children.spawn {
    os.getenv "NGINX" or "nginx", "-p", self.directory, "-c", self.directory .. "/nginx.conf",
    "-e", self.directory .. "/error.log",
    env = { LUA_PATH = false, LUA_CPATH = false, NGINX = false }, -- openresty.lua says why
  }
  if wait_for_start(self) then
    return true
  end
  self.child:kill "SIGKILL"
  self.child:wait()
  return false
end

local function try(servers, options)
  local self = setmetatable({ directory = files.new_directory "nginx", ports = {}, urls = {} }, Nginx)
  assert(require("support.process").make_directory(self.directory .. "/tmp"))
  for i, server in ipairs(servers) do
    self.ports[i] = ports.free_port()
    self.urls[i] = url_of(server, self.ports[i])
  end
  self.port, self.url = self.ports[1], self.urls[1]
  files.write(self.directory .. "/nginx.conf",
    nginx_config.write(servers, self.ports, needs_certificates(servers) and certificates.get(), options))
  if launch(self) then
    return self
  end
end

-- Whether this process may name a user for nginx: only root may, and root must, or it would become nobody.
local function is_root()
  return files.read_if_there("/proc/self/status"):find "\nUid:%s+0%s" ~= nil
end

function nginx.start(servers)
  local list = servers and servers[1] and servers or { servers or {} }
  local options = { log_headers = servers and servers.log_headers, as_root = is_root() }
  for _ = 1, ATTEMPTS do
    local self = try(list, options)
    if self then
      return self
    end
  end
  error "no free port for nginx"
end

-- The requests so far, as records (nginx_config.lua says of what; numbers are text). nginx logs a request after it was
-- answered: with a number, waits until there are so many.
function Nginx:requests(count)
  local function read()
    local records = {}
    for line in files.read_if_there(self.directory .. "/requests.log"):gmatch "([^\n]*)\n" do
      records[#records + 1] = cjson.decode(line)
    end
    return #records >= (count or 0) and records
  end
  return waiting.wait_until(read, 5, ("%d requests in nginx's log"):format(count or 0))
end

-- How many connections those requests came on.
function Nginx:connections(count)
  local seen, total = {}, 0
  for _, request in ipairs(self:requests(count)) do
    if not seen[request.connection] then
      seen[request.connection] = true
      total = total + 1
    end
  end
  return total
end

function Nginx:errors()
  return files.read_if_there(self.directory .. "/error.log")
end

-- The events that were answered, or at least read, in the order in which that ended.
function Nginx:arrivals()
  local list = {}
  for _, request in ipairs(self:requests()) do
    if request.body ~= "" then
      list[#list + 1] = { id = cjson.decode(request.body).external_event_id, body = request.body }
    end
  end
  return list
end

function Nginx:stop()
  self.child:stop()
  os.remove(self.directory .. "/nginx.pid")
end

function Nginx:restart()
  files.write(self.directory .. "/error.log", "")
  assert(launch(self), "nginx did not get its ports back")
end

return nginx
