-- Kong and APISIX for the specs, as far as a plugin sees them: an nginx that calls the pages' files as their run loops
-- do. They themselves are not here.
--
-- gateways.start(kind, options) -> an nginx (openresty.lua) for "kong" or "apisix".
-- :set(route, config) is what their Admin APIs do: the config is checked by the plugin's own schema, its defaults are
-- filled in, and from the next request of /route/NAME on it counts; returns nil, or what is wrong with it. Each request
-- has its settings in a table made anew. :remove(route). :metrics() is what the plugin shows to Prometheus.
local cjson = require "cjson"
local files = require "support.files"
local http = require "support.http"
local openresty = require "support.openresty"
local pages = require "support.pages"

local gateways = {}

-- Both: a schema as a list of { name =, type =, default =, required =, least =, most = }, held against a config.
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
  end
end

function loader.check(fields, config)
  local known = {}
  for _, field in ipairs(fields) do
    known[field.name] = true
    if config[field.name] == nil then config[field.name] = field.default end
    local trouble = trouble_of(field, config[field.name])
    if trouble then return nil, field.name .. ": " .. trouble end
  end
  for name in pairs(config) do
    if not known[name] then return nil, name .. ": unknown field" end
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

local fields = {}
for _, field in ipairs(schema.fields) do
  for _, of in ipairs(field.config and field.config.fields or {}) do
    local name, rule = next(of)
    local between = rule.between or {}
    fields[#fields + 1] = { name = name, type = rule.type, default = rule.default, required = rule.required,
      least = between[1], most = between[2] }
  end
end

return {
  check = function(config) return loader.check(fields, config) end,
  run = function(phase)
    local conf = loader.conf()
    if conf and handler[phase] then handler[phase](handler, conf) end
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
        least = rule.minimum, most = rule.maximum }
    end
    return loader.check(fields, config)
  end },
  request = { header = function(_, name) return ngx.req.get_headers()[name] end },
  log = { error = function(...) ngx.log(ngx.ERR, ...) end },
}
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
    ["gateway.lua"] = KONG, ["kong/plugins/postevent/handler.lua"] = "kong/handler.lua",
    ["kong/plugins/postevent/schema.lua"] = "kong/schema.lua", ["kong/plugins/postevent/api.lua"] = "kong/api.lua",
  },
  apisix = { ["gateway.lua"] = APISIX, ["apisix/plugins/postevent.lua"] = "apisix/postevent.lua" },
}

local HTTP = [[
  lua_shared_dict postevent 1m;
  lua_shared_dict routes 1m;
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
    content_by_lua_block {
      if ngx.req.get_method() == "DELETE" then return ngx.shared.routes:delete(ngx.var.route) end
      ngx.req.read_body()
      local config = require("cjson").decode(ngx.req.get_body_data())
      local ok, message = gateway.check(config)
      if not ok then return ngx.print(message) end
      ngx.shared.routes:set(ngx.var.route, require("cjson").encode(config))
    }
  }
  location = /metrics { content_by_lua_block { gateway.metrics() } }
]]

local Gateway = setmetatable({}, { __index = openresty.Class })

function Gateway:set(route, config)
  local reply = http.request { url = self.url .. "/admin/" .. route, body = cjson.encode(config) }
  return reply.body ~= "" and reply.body or nil
end

function Gateway:remove(route)
  http.request { url = self.url .. "/admin/" .. route, method = "DELETE" }
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
    files.write(directory .. "/" .. path, source:find "\n" and source or pages.file(source))
  end
  local nginx = openresty.start {
    bare = true, workers = options and options.workers, http = HTTP:format(directory), server = SERVER,
  }
  return setmetatable(nginx, { __index = Gateway })
end

return gateways
