-- What the sandbox answers: one request in, one reply out, as the platform and its gateway do. Knows nothing of
-- sockets; writes no line that holds a credential.

local json = require "postevent.sandbox.json"
local uuid = require "postevent.sandbox.uuid"

local routes = {}

local ACCEPTED = '{"status":{"code":1100,"message":"Event is pushed to transformation state"},"requestId":"%s"}'
local UNAUTHORIZED = '{"message":"Unauthorized"}'
local NO_SUCH_PATH = '{"message":"Missing Authentication Token"}' -- how the gateway says "not found"
local WRONG_METHOD = '{"message":"Method Not Allowed"}'
local LONGEST_NAME = 100 -- characters of an event's name in the log

local function now()
  return os.date("!%Y-%m-%dT%H:%M:%SZ")
end

-- A posted name may hold anything, what steers a terminal too: one word of ASCII is what the log gets.
local function log_name(object)
  local name = object and object.event_name
  if type(name) ~= "string" or name == "" then return "-" end
  return (name:sub(1, LONGEST_NAME):gsub("[^\33-\126]", "_"))
end

local function reply(status, body, headers)
  headers = headers or {}
  headers["Content-Type"] = "application/json"
  return status, body, headers
end

local function log_event(context, time, object, status, request_id)
  context.log(("%s %s %d %s"):format(time, log_name(object), status, request_id or "-"))
end

-- A later check of an event's attributes belongs where `object` is known to be one: between the 400 and the store.
local function receive(context, webhook, header, body)
  local time = now()
  if context.authorization and header("Authorization") ~= context.authorization then
    log_event(context, time, nil, 401)
    return reply(401, UNAUTHORIZED)
  end
  local object = json.object(body)
  if not object then
    log_event(context, time, nil, 400)
    return reply(400, "{}")
  end
  local request_id = uuid()
  context.store:add(body, webhook, request_id, time)
  log_event(context, time, object, 200, request_id)
  return reply(200, ACCEPTED:format(request_id))
end

-- Method and path to what answers them; the webhook is found by its pattern.
local FIXED = {
  ["/sandbox/events"] = { method = "GET", answer = function(context) return reply(200, context.store:to_json()) end },
  ["/sandbox/reset"] = {
    method = "POST",
    answer = function(context)
      context.store:reset()
      return reply(200, "{}")
    end,
  },
}

--- The function that answers a request: handler(method, path, query, header, body) -> status, body, headers.
-- `context`: `store`; `log`, a function of a line; `authorization`, the header's value that is asked for, or nil.
function routes.handler(context)
  return function(method, path, _, header, body)
    local webhook = path:match("/webhooks/([A-Za-z0-9._~-]+)/?$")
    local fixed = FIXED[path]
    local allowed = webhook and "POST" or fixed and fixed.method
    if not allowed then return reply(403, NO_SUCH_PATH) end
    if method ~= allowed then return reply(405, WRONG_METHOD, { Allow = allowed }) end
    if fixed then return fixed.answer(context) end
    return receive(context, webhook, header, body)
  end
end

return routes
