-- What the specs of nginx share: one sandbox for the tests of a block, emptied before each, and an nginx with clients
-- for it.
--
-- site.new() inside a `describe` -> the object. .sandbox is that; :start(options) is
-- openresty.start with the sandbox's address as ${URL}; :ids() are those of the events that arrived, sorted.
-- site.answer(expression) is Lua for nginx that answers with what the expression returned or raised; site.ask(nginx,
-- path) reads that.
local cjson = require "cjson"
local openresty = require "support.openresty"
local sandbox = require "support.sandbox"

local site = {}

local Site = {}
Site.__index = Site

function site.new()
  return setmetatable({ sandbox = sandbox.shared() }, Site)
end

function Site:start(options)
  options.values = options.values or {}
  options.values.URL = options.values.URL or self.sandbox.url
  return openresty.start(options)
end

function Site:ids()
  local list = {}
  for _, record in ipairs(self.sandbox:events()) do
    list[#list + 1] = record.event.external_event_id
  end
  table.sort(list)
  return list
end

function site.answer(expression)
  return ([[
    local function pack(...) return { n = select("#", ...), ... } end
    local returned = pack(pcall(function() return %s end))
    for i = 1, returned.n do if returned[i] == nil then returned[i] = ngx.null end end
    returned.n = nil
    ngx.say(require("cjson").encode(returned))
    ngx.exit(200)]]):format(expression)
end

-- { true or false, then the values or the error }
function site.ask(nginx, path)
  local reply = assert(nginx:get(path))
  assert(reply.status == 200, nginx:errors())
  return cjson.decode(reply.body)
end

return site
