-- A real HTTP proxy, tinyproxy, on a free port of loopback; it knows CONNECT.
--
-- start {user =, password =, tls = true | a name in certificates.get()} -> an object with .url (without credentials),
-- .port, .host, :log(), :stop(), :restart() (after a stop, on the same port; not with tls) and :requests(), a list of
-- {method =, target =}. With tls the url is https://.
local certificates = require "support.certificates"
local children = require "support.children"
local files = require "support.files"
local front = require "support.front"
local ports = require "support.ports"
local waiting = require "support.waiting"

local proxy = {}

local Proxy = {}
Proxy.__index = Proxy

local ATTEMPTS = 5

local CONFIG = [[
Listen 127.0.0.1
Port %d
Timeout 60
LogFile "%s"
LogLevel Info
MaxClients 50
Allow 127.0.0.1
%s]]

-- Returns whether it came up.
local function launch(self)
  files.write(self.path, "")
  self.child = children.spawn {
    "tinyproxy", "-d", "-c", self.config,
    stop_signal = "SIGKILL", -- nothing to save, and on SIGTERM it waits for its clients
  }
  return waiting.wait_until(function()
    if self:log():find("Accepting connections", 1, true) then
      return "up"
    end
    return not self.child:running() and "ended"
  end, 10, "the proxy to start") == "up"
end

local function try(options)
  local self = setmetatable({ host = "127.0.0.1", port = ports.free_port(), path = files.new_path "proxy.log" }, Proxy)
  local auth = options.user and ("BasicAuth %s %s\n"):format(options.user, options.password) or ""
  self.url = ("http://127.0.0.1:%d"):format(self.port)
  self.config = files.write(files.new_path "proxy.conf", CONFIG:format(self.port, self.path, auth))
  return launch(self) and self
end

local function put_tls_before(self, name)
  self.front = front.start(self.port, certificates.get()[name == true and "server" or name])
  self.port = self.front.port
  self.url = ("https://127.0.0.1:%d"):format(self.port)
end

function proxy.start(options)
  for _ = 1, ATTEMPTS do
    local self = try(options or {})
    if self then
      if options and options.tls then
        put_tls_before(self, options.tls)
      end
      return self
    end
  end
  error "the proxy did not start"
end

function Proxy:log()
  return files.read_if_there(self.path)
end

function Proxy:requests()
  local list = {}
  for method, target in self:log():gmatch "Request %(file descriptor %d+%): (%S+) (%S+)" do
    list[#list + 1] = { method = method, target = target }
  end
  return list
end

function Proxy:stop()
  if self.front then
    self.front:stop()
  end
  self.child:stop()
end

function Proxy:restart()
  assert(launch(self), "the proxy did not get its port back")
end

return proxy
