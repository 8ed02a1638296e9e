-- Kong and APISIX for the specs, as far as a plugin sees them: an nginx that calls the files of examples/ as their run
-- loops do. They themselves are not here.
--
-- gateways.start(kind, options) -> an nginx (openresty.lua) for "kong" or "apisix".
-- :set(route, config) is what their Admin APIs do: the config is checked by the plugin's own schema, its defaults are
-- filled in, and from the next request of /route/NAME on it counts; returns nil, or what is wrong with it. Each
-- request has its settings in a table made anew. :remove(route). :metrics() is what the plugin shows to Prometheus.
-- :pass_time(): its workers believe that it is ten minutes later; :collect() has their garbage collected.
-- :keep_secret(name, value) puts it into the vault: a setting :reference(name) stands for it. Kong looks it up before
-- it calls a plugin; APISIX leaves that to the plugin, and can ask a vault only where a request may wait: in the log
-- phase it knows what it was asked for before.
local cjson = require "cjson"
local files = require "support.files"
local http = require "support.http"
local openresty = require "support.openresty"

local gateways = {}

-- Both: a schema as a list of { name =, type =, default =, required =, least =, most =, filled = }, held against a
-- config. `filled`: text must not be empty.
local LOADER = [[
local cjson = require "cjson"
local loader = {}

local function trouble_of(field, value)
  if value == nil then
    return field.required and "required field missing" or nil
  elseif type(value) ~= field.type then
    return "expected a " .. field.type
  elseif field.least and (value < field.least or value > field.most) then
    return "value should be between " .. field.least .. " and " .. field.most
  elseif field.filled and value == "" then
    return "length must be at least 1"
  end
end

function loader.check(fields, config, takes_others)
  local known = {}
  for _, field in ipairs(fields) do
    known[field.name] = true
    if config[field.name] == nil then config[field.name] = field.default end
    local trouble = trouble_of(field, config[field.name])
    if trouble then return nil, field.name .. ": " .. trouble end
  end
  for name in pairs(config) do
    if not known[name] and not takes_others then return nil, name .. ": unknown field" end
  end
  return true
end

function loader.conf()
  local text = ngx.shared.routes:get(ngx.var.route)
  return text and cjson.decode(text)
end

return loader
]]

local KONG = [[
local cjson = require "cjson"
local loader = require "loader"
package.loaded["kong.db.schema.typedefs"] = { protocols_http = { type = "set", default = { "http", "https" } } }
kong = {
  client = { get_consumer = function()
    return ngx.var.arg_consumer and { custom_id = ngx.var.arg_consumer } or nil
  end },
  log = { err = function(...) ngx.log(ngx.ERR, ...) end },
  vault = { is_reference = function(value) return value:find "^{vault://.*}$" ~= nil end },
  request = {
    get_header = function(name) return ngx.req.get_headers()[name] end,
    get_path = function() return ngx.var.uri end,
  },
  response = {
    get_status = function() return ngx.status end,
    exit = function(status, body, headers)
      ngx.status = status
      for name, value in pairs(headers or {}) do ngx.header[name] = value end
      ngx.print(body)
    end,
  },
}
local handler, schema = require "kong.plugins.postevent.handler", require "kong.plugins.postevent.schema"

-- A copy of the config with what the vault holds where a value names it.
local function reveal(config)
  local revealed = {}
  for name, value in pairs(config) do
    local secret = type(value) == "string" and value:match "^{vault://test/(.*)}$"
    revealed[name] = secret and ngx.shared.vault:get(secret) or value
  end
  return revealed
end

local record = schema.fields[2].config
local fields = {}
for _, field in ipairs(record.fields) do
  local name, rule = next(field)
  local between = rule.between or {}
  fields[#fields + 1] = { name = name, type = rule.type, default = rule.default, required = rule.required,
    least = between[1], most = between[2], filled = true }
end

return {
  check = function(config)
    local ok, message = loader.check(fields, config)
    if ok then ok, message = record.custom_validator(config) end
    return ok, message
  end,
  run = function(phase)
    local conf = loader.conf()
    if conf and handler[phase] then handler[phase](handler, reveal(conf)) end
  end,
  metrics = function() require("kong.plugins.postevent.api")["/postevent/metrics"].GET() end,
}
]]

local APISIX = [[
local loader = require "loader"
package.loaded["apisix.core"] = {
  schema = { check = function(schema, config)
    local fields, required = {}, {}
    for _, name in ipairs(schema.required) do required[name] = true end
    for name, rule in pairs(schema.properties) do
      fields[#fields + 1] = { name = name, type = rule.type, default = rule.default, required = required[name],
        least = rule.minimum, most = rule.maximum, filled = rule.minLength == 1 }
    end
    return loader.check(fields, config, schema.additionalProperties ~= false)
  end },
  request = { header = function(_, name) return ngx.req.get_headers()[name] end },
  log = { error = function(...) ngx.log(ngx.ERR, ...) end },
}
local known = {} -- secret -> what the vault said when it could be asked
package.loaded["apisix.secret"] = { fetch_secrets = function(config)
  local revealed = {}
  for name, value in pairs(config) do
    local secret = type(value) == "string" and value:match "^%$secret://test/(.*)$"
    if secret and ngx.get_phase() ~= "log" then known[secret] = ngx.shared.vault:get(secret) end
    revealed[name] = secret and known[secret] or value
  end
  return revealed
end }
local plugin = require "apisix.plugins.postevent"

return {
  check = plugin.check_schema,
  run = function(phase)
    local conf = loader.conf()
    if conf and plugin[phase] then plugin[phase](conf, { var = ngx.var, consumer_name = ngx.var.arg_consumer }) end
  end,
  metrics = function()
    local _, text = plugin.control_api()[1].handler()
    ngx.print(text)
  end,
}
]]

local SOURCES = {
  kong = {
    ["gateway.lua"] = KONG, ["kong/plugins/postevent/options.lua"] = "examples/kong/options.lua",
    ["kong/plugins/postevent/handler.lua"] = "examples/kong/handler.lua",
    ["kong/plugins/postevent/schema.lua"] = "examples/kong/schema.lua",
    ["kong/plugins/postevent/api.lua"] = "examples/kong/api.lua",
  },
  apisix = { ["gateway.lua"] = APISIX, ["apisix/plugins/postevent.lua"] = "examples/apisix/postevent.lua" },
}

local HTTP = [[
  lua_shared_dict postevent 1m;
  lua_shared_dict routes 1m;
  lua_shared_dict vault 1m;
  init_by_lua_block {
    package.path = "%s/?.lua;" .. package.path
    gateway = require "gateway"
  }
]]

local SERVER = [[
  location ~ ^/route/(?<route>\w+) {
    access_by_lua_block { gateway.run "access" }
    content_by_lua_block { ngx.print "hello" }
    log_by_lua_block { gateway.run "log" }
  }
  location ~ ^/admin/(?<route>\w+) {
    client_body_buffer_size 64k; # where Lua reads it
    content_by_lua_block {
      if ngx.req.get_method() == "DELETE" then return ngx.shared.routes:delete(ngx.var.route) end
      ngx.req.read_body()
      local config = require("cjson").decode(ngx.req.get_body_data())
      local ok, message = gateway.check(config)
      if not ok then return ngx.print(message) end
      ngx.shared.routes:set(ngx.var.route, require("cjson").encode(config))
    }
  }
  location ~ ^/vault/(?<name>\w+) {
    content_by_lua_block {
      ngx.req.read_body()
      ngx.shared.vault:set(ngx.var.name, ngx.req.get_body_data())
    }
  }
  location = /metrics { content_by_lua_block { gateway.metrics() } }
  location = /later {
    content_by_lua_block {
      local now = ngx.now
      ngx.now = function() return now() + 601 end
    }
  }
  location = /collect { content_by_lua_block { collectgarbage() } }
]]

local Gateway = setmetatable({}, { __index = openresty.Class })

function Gateway:set(route, config)
  local reply = http.request { url = self.url .. "/admin/" .. route, body = cjson.encode(config) }
  assert(reply.status == 200, reply.body)
  return reply.body ~= "" and reply.body or nil
end

function Gateway:remove(route)
  http.request { url = self.url .. "/admin/" .. route, method = "DELETE" }
end

function Gateway:pass_time()
  self:get "/later"
end

function Gateway:collect()
  self:get "/collect"
end

function Gateway:keep_secret(name, value)
  http.request { url = self.url .. "/vault/" .. name, body = value }
end

function Gateway:reference(name)
  return (self.kind == "kong" and "{vault://test/%s}" or "$secret://test/%s"):format(name)
end

function Gateway:ask(path, headers)
  return http.request { url = self.url .. path, headers = headers }.body
end

function Gateway:metrics()
  return self:ask "/metrics"
end

function gateways.start(kind, options)
  local directory = files.new_directory(kind)
  files.write(directory .. "/loader.lua", LOADER)
  for path, source in pairs(SOURCES[kind]) do
    os.execute(("mkdir -p '%s/%s'"):format(directory, path:match "^(.*)/" or ""))
    files.write(directory .. "/" .. path, source:find "\n" and source or files.read(source))
  end
  local nginx = openresty.start {
    bare = true, workers = options and options.workers, http = HTTP:format(directory), server = SERVER,
  }
  nginx.kind = kind
  return setmetatable(nginx, { __index = Gateway })
end

return gateways
