-- A real nginx with its Lua module, a master and its workers, in a directory of its own, on a free port of loopback.
-- Its workers use the tree's modules, built for LuaJIT.
--
-- start { workers = 1, main = "", http = "", server = "", connections = 512 } -> the object; the texts are nginx's own
-- words for these blocks, in which ${NAME} is `values.NAME`. An event of the tests is the global `event` there, and
-- `new(options)` makes a client of postevent.resty for `values.URL`. With `bare` there is only what is given.
-- `user`: of the workers, where the specs are root's (root).
-- `stream` is the text of that block, for which the search paths are set.
-- With `daemon` it is no child of ours, as nginx wants it for :upgrade().
-- The object: .url, .directory, :get(path), :master_pid(), :worker_pids(), :errors(), :reload(), :upgrade(), :quit()
-- (waits for the end), :stop().
local cleanup = require "support.cleanup"
local children = require "support.children"
local documents = require "support.documents"
local files = require "support.files"
local helper_http = require "support.http"
local ports = require "support.ports"
local process = require "support.process"
local waiting = require "support.waiting"

local openresty = {}

local NGINX = os.getenv "NGINX" or "nginx" -- OpenResty's is called openresty

local OpenResty = {}
OpenResty.__index = OpenResty
openresty.Class = OpenResty

local MAIN = [[
daemon %s;
worker_processes %d;
%spid nginx.pid;
error_log error.log info;
env TMPDIR;
%s
events { worker_connections %d; }
http {
  client_body_temp_path tmp/body;
  proxy_temp_path tmp/proxy;
  fastcgi_temp_path tmp/fastcgi;
  uwsgi_temp_path tmp/uwsgi;
  scgi_temp_path tmp/scgi;
  access_log off;
  keepalive_requests 1000000;
  lua_package_path "%s";
  lua_package_cpath "%s";
%s
  server {
    listen 127.0.0.1:%d;
%s
  }
}
]]

-- Where the file of a module is that is loaded, as Debian has it; nil where there is none. NGINX_MODULES: a folder for
-- those of one's own.
local function module_file(name)
  local _, _, about = children.run { NGINX, "-V" }
  local directory = about:match "%-%-modules%-path=(%S+)" or ""
  for _, folder in ipairs { os.getenv "NGINX_MODULES" or directory, directory } do
    local file = ("%s/%s.so"):format(folder, name)
    if files.exists(file) then
      return file
    end
  end
end

-- OpenResty has them built in.
local function load_modules(options)
  local names = { "ndk_http_module", "ngx_http_lua_module" }
  if options.stream then
    names[3], names[4] = "ngx_stream_module", "ngx_stream_lua_module"
  end
  local lines = {}
  for _, name in ipairs(names) do
    local file = module_file(name)
    lines[#lines + 1] = file and ("load_module %s;\n"):format(file)
  end
  return table.concat(lines)
end

-- Whether nginx runs Lua in `stream`: built in, or as a module beside it.
function openresty.has_stream()
  local _, _, about = children.run { NGINX, "-V" }
  return about:find "ngx_stream_lua" ~= nil or about:find "stream%-lua" ~= nil
    or module_file "ngx_stream_lua_module" ~= nil
end

local STREAM = [[
stream {
  lua_package_path "%s";
  lua_package_cpath "%s";
%s
}
]]

local function fill_in(text, values)
  return ((text or ""):gsub("%${([%u_]+)}", function(name)
    return assert(values[name], "no value for " .. name)
  end))
end

-- What every worker can use: the event, and a client of the test's platform.
local PRELUDE = [[
  init_by_lua_block {
    event = %s
    function new(options)
      options = options or {}
      options.url = options.url or "${URL}"
      return require("postevent.resty").new(options)
    end
    ${INIT}
  }
]]

local function lua_table(attributes)
  local fields = {}
  for name, value in pairs(attributes) do
    fields[#fields + 1] = ("%s = %s"):format(name, type(value) == "string" and ("%q"):format(value) or value)
  end
  return "{ " .. table.concat(fields, ", ") .. " }"
end

local root = process.current_directory()

-- The tree that holds the core for nginx's Lua: `make test` builds it, `make nginx-gnutls` another.
local function built()
  return os.getenv "POSTEVENT_NGINX_BUILD" or root .. "/build/luajit"
end

local function write(self, options)
  local values = { INIT = "" }
  for name, value in pairs(options.values or {}) do
    values[name] = value
  end
  local as_root = files.read_if_there("/proc/self/status"):find "\nUid:%s+0%s"
  local user = as_root and ("user %s;\n"):format(options.user or "root") or ""
  local prelude = not options.bare and fill_in(PRELUDE:format(lua_table(documents.event)), values) or ""
  local http = prelude .. (options.bare and options.http or fill_in(options.http, values))
  local path, cpath = ("%s/lua/?.lua;%s/lua/?/init.lua;;"):format(root, root), built() .. "/?.so;;"
  local main = fill_in(options.main, values) .. (options.stream and STREAM:format(path, cpath,
    fill_in(options.stream, values)) or "")
  files.write(self.directory .. "/nginx.conf", MAIN:format(self.daemon and "on" or "off", options.workers or 1,
    user .. load_modules(options), main, options.connections or 512, path, cpath, http,
    self.port, fill_in(options.server, values)))
end

function OpenResty:errors()
  return files.read_if_there(self.directory .. "/error.log")
end

-- The lines of its log that are errors.
function OpenResty:complaints()
  local found = {}
  for line in self:errors():gmatch "[^\n]+" do
    if line:find("[error]", 1, true) or line:find("[crit]", 1, true) or line:find("[alert]", 1, true)
      or line:find("[emerg]", 1, true) then
      found[#found + 1] = line
    end
  end
  return table.concat(found, "\n")
end

function OpenResty:get(path, timeout)
  return helper_http.request { url = self.url .. path, timeout = timeout }
end

function OpenResty:master_pid()
  return self.daemon and tonumber(files.read_if_there(self.directory .. "/nginx.pid")) or self.child.pid
end

-- Whether it runs; who has ended may be a zombie whose parent does not care.
local function is_alive(pid)
  local state = files.read_if_there(("/proc/%d/stat"):format(pid)):match "%) (%a)"
  return state ~= nil and state ~= "Z"
end

-- The workers that live: the children of the master.
function OpenResty:worker_pids()
  local pids = {}
  local master = self:master_pid()
  local text = files.read_if_there(("/proc/%d/task/%d/children"):format(master, master))
  for pid in text:gmatch "%d+" do
    pids[#pids + 1] = tonumber(pid)
  end
  return pids
end

local function wait_for_workers(self, count, before)
  waiting.wait_until(function()
    local new = 0
    for _, pid in ipairs(self:worker_pids()) do
      new = new + (before[pid] and 0 or 1)
    end
    return new >= count and self:get("/up", 1)
  end, 10, "nginx's workers")
end

function OpenResty:signal(name)
  process.kill(self:master_pid(), name)
end

-- Starts new workers; the old ones end when they are done. Returns the pids of the old ones.
function OpenResty:reload()
  local old, before = self:worker_pids(), {}
  for _, pid in ipairs(old) do
    before[pid] = true
  end
  self:signal "SIGHUP"
  wait_for_workers(self, self.workers, before)
  return old
end

-- Starts the binary again, with the listening sockets of the old one, which then ends: nginx's "on the fly".
function OpenResty:upgrade()
  local old = self:master_pid()
  self:signal "SIGUSR2"
  waiting.wait_until(function()
    return (tonumber(files.read_if_there(self.directory .. "/nginx.pid")) or old) ~= old
  end, 10, "nginx's new master")
  wait_for_workers(self, self.workers, {})
  process.kill(old, "SIGQUIT")
  waiting.wait_until(function()
    return not is_alive(old)
  end, 30, "nginx's old master to quit")
end

-- Ends it as `nginx -s quit` does. Returns the seconds that took.
function OpenResty:quit(timeout)
  local begin = process.now()
  local master = self:master_pid()
  self:signal "SIGQUIT"
  waiting.wait_until(function()
    return not is_alive(master)
  end, timeout or 10, "nginx to quit")
  self.child:wait()
  return process.now() - begin
end

-- As `nginx -s stop` does; the master kills a worker that takes more than a second or two.
function OpenResty:stop()
  local master = self:master_pid()
  if is_alive(master) then
    self:signal "SIGTERM"
    waiting.wait_until(function()
      return not is_alive(master)
    end, 10, "nginx to stop")
  end
  self.child:wait()
end

local function launch(self)
  local _, program = children.run { "sh", "-c", 'command -v "$1"', "sh", NGINX } -- upgrade: it looks into no PATH
  local directory = self.directory
  self.child = children.spawn {
    program:match "[^\n]+" or NGINX, "-p", directory, "-c", directory .. "/nginx.conf", "-e", directory .. "/error.log",
    -- Its own modules: another's lua-resty-core would not be its module's. NGINX means inherited sockets to it.
    env = { LUA_PATH = false, LUA_CPATH = false, NGINX = false },
  }
  cleanup.defer(function() -- before the child's own
    self:stop()
  end)
  return waiting.wait_until(function()
    local errors = self:errors()
    if errors:find("bind() to", 1, true) then
      return "taken"
    end
    if not (self.daemon or self.child:running()) then
      error("nginx did not start:\n" .. errors .. self.child:errors(), 0)
    end
    return self:get("/up", 1) and "up"
  end, 20, "nginx to start") == "up"
end

function openresty.start(options)
  options.server = (options.server or "") .. "\nlocation = /up { return 204; }\n"
  for _ = 1, 5 do
    local port = ports.free_port()
    local self = setmetatable({
      directory = files.new_directory "openresty", port = port, url = "http://127.0.0.1:" .. port,
      workers = options.workers or 1, daemon = options.daemon,
    }, OpenResty)
    assert(process.make_directory(self.directory .. "/tmp"))
    write(self, options)
    if launch(self) then
      return self
    end
    self.child:stop()
  end
  error "no free port for nginx"
end

return openresty
