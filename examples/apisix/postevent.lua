-- examples/apisix/postevent.lua
local core = require "apisix.core"
local resty = require "postevent.resty"
local secret = require "apisix.secret"

local plugin = {
  version = 0.1,
  priority = 1, -- late: after those that know who it is
  name = "postevent",
  schema = {
    type = "object",
    properties = {
      url = { type = "string", minLength = 1 },
      authorization = { type = "string", minLength = 1 },
      event_name = { type = "string", minLength = 1, default = "page_viewed" },
      customer_header = { type = "string", minLength = 1, default = "x-customer-id" },
      nobody = { type = "string", minLength = 1, default = "anonymous" },
      wait = { type = "boolean", default = false },
      drain = { type = "number", default = 5, minimum = 0.1, maximum = 60 },
    },
    required = { "url", "authorization" },
    additionalProperties = false,
    encrypt_fields = { "authorization" },
  },
}

-- The client that a route's settings ask for.
local function options_of(conf)
  return {
    url = conf.url, authorization = conf.authorization,
    id_attribute = "external_event_id", results = 0, drain = conf.drain,
    invalid_utf8 = "replace", -- a path may hold any byte
  }
end

-- Refuses what postevent would refuse, in its words. What stands for a secret is not known yet, and the credentials may
-- come here encrypted.
function plugin.check_schema(conf)
  local ok, message = core.schema.check(plugin.schema, conf)
  if not ok then
    return false, message
  end
  local options = options_of(conf)
  options.authorization = "Basic Og=="
  if options.url:find "^%$" then
    options.url = "https://localhost/"
  end
  return resty.check(options)
end

-- What goes wrong is in nginx's log already, a line a second of each kind: an event that is refused, a post that fails,
-- and settings for which there is no client (a vault may hold anything). The visitor notices none of it.
local function client_of(conf)
  return resty.get(options_of(secret.fetch_secrets(conf, true, conf, "") or conf))
end

local function event_of(conf, ctx)
  return {
    event_name = conf.event_name,
    customer_id = core.request.header(ctx, conf.customer_header) or ctx.consumer_name or conf.nobody,
    page = ctx.var.uri,
  }
end

function plugin.access(conf, ctx)
  local client = client_of(conf) -- here, where a vault can be asked: APISIX knows its answer when the request is logged
  if client and conf.wait then -- the request goes on when the platform has answered
    client:post(event_of(conf, ctx))
  end
end

function plugin.log(conf, ctx)
  local client = not conf.wait and client_of(conf)
  if client then -- nobody waits
    local event = event_of(conf, ctx)
    event.status = ngx.status
    client:track(event)
  end
end

-- For Prometheus, on the control API: curl http://127.0.0.1:9090/v1/plugin/postevent/metrics
function plugin.control_api()
  return { {
    methods = { "GET" },
    uris = { "/v1/plugin/postevent/metrics" },
    handler = function()
      return 200, resty.metrics()
    end,
  } }
end

return plugin
