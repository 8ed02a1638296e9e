-- examples/kong/handler.lua
local options_of = require "kong.plugins.postevent.options"
local resty = require "postevent.resty"

local Handler = { PRIORITY = 1, VERSION = "0.1.0" } -- late: after those that know who it is

local function event_of(conf)
  local consumer = kong.client.get_consumer()
  return {
    event_name = conf.event_name,
    customer_id = kong.request.get_header(conf.customer_header) or (consumer and consumer.custom_id) or conf.nobody,
    page = kong.request.get_path(),
  }
end

-- What goes wrong is in nginx's log already, a line a second of each kind: an event that is refused, a post that fails,
-- and settings for which there is no client (a vault may hold anything). The visitor notices none of it.
function Handler:access(conf)
  local client = conf.wait and resty.get(options_of(conf))
  if client then -- the request goes on when the platform has answered
    client:post(event_of(conf))
  end
end

function Handler:log(conf)
  local client = not conf.wait and resty.get(options_of(conf))
  if client then -- nobody waits
    local event = event_of(conf)
    event.status = kong.response.get_status()
    client:track(event)
  end
end

return Handler
