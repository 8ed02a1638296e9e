-- What the sandbox answers: one request in, one reply out, as the platform and its gateway do. Knows nothing of
-- sockets; writes no line that holds a credential.

local json = require "postevent.sandbox.json"
local printable = require "postevent.printable"
local uuid = require "postevent.sandbox.uuid"

local routes = {}

local ACCEPTED = '{"status":{"code":1100,"message":"Event is pushed to transformation state"},"requestId":"%s"}'
local UNAUTHORIZED = '{"message":"Unauthorized"}'
local NO_SUCH_PATH = '{"message":"Missing Authentication Token"}' -- how the gateway says "not found"
local TOO_LONG = '{"message":"Request Too Long"}'
local WRONG_METHOD = '{"message":"Method Not Allowed"}'
local COMPLAINT = '{"message":"%s"}'
local WRONG_LIMIT = COMPLAINT:format("limit: expected a whole number above 0")
local LONGEST_NAME = 100 -- characters of an event's name in the log
local LONGEST_REASON = 1000 -- bytes there, of what is wrong with an event
local LONG_REPLY = 64 * 1024 -- bytes
local LONG_BODY = 64 * 1024 -- bytes
local DEFAULT_LIMIT = 10 -- of the platform's own log

local function date(time)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", time)
end

-- A posted name may hold anything, what steers a terminal too: one word of ASCII is what the log gets.
local function log_name(object)
  local name = object and object.event_name
  if type(name) ~= "string" or name == "" then return "-" end
  return (name:sub(1, LONGEST_NAME):gsub("[^\33-\126]", "_"))
end

-- What is wrong with an event: a part of its bytes may be in it.
local function log_reason(message)
  message = printable.line(message:sub(1, LONGEST_REASON + 4)) -- 4: the cut is not to break a character
  if #message <= LONGEST_REASON then return message end
  return message:sub(1, LONGEST_REASON):gsub("[\192-\255]?[\128-\191]*$", "") .. "..."
end

local function reply(status, body, headers)
  headers = headers or {}
  headers["Content-Type"] = "application/json"
  return status, body, headers
end

-- `verdict`: what was found, where there are definitions.
local function log_event(context, time, object, status, request_id, verdict)
  local line = ("%s %s %d %s"):format(date(time), log_name(object), status, request_id or "-")
  if verdict and verdict.problems then
    line = line .. (verdict.problems[1] and " bad: " .. log_reason(verdict.message) or " good")
  end
  context.log(line)
end

-- What the store keeps beside the bytes.
local function judge(context, object, time)
  local verdict = { name = type(object.event_name) == "string" and object.event_name or "", time = time }
  if context.checker then
    verdict.problems, verdict.message, verdict.status = context.checker:judge(object)
  end
  return verdict
end

-- A wrong event is accepted as a right one is: that is what the platform does.
local function receive(context, webhook, header, body)
  local time = os.time()
  if context.authorization and header("Authorization") ~= context.authorization then
    log_event(context, time, nil, 401)
    return reply(401, UNAUTHORIZED)
  end
  local object, too_long = json.object(body)
  if too_long then
    log_event(context, time, nil, 413)
    return reply(413, TOO_LONG)
  end
  if not object then
    log_event(context, time, nil, 400)
    return reply(400, "{}")
  end
  local request_id = uuid()
  local verdict = judge(context, object, time)
  context.store:add(body, webhook, request_id, date(time), verdict)
  log_event(context, time, object, 200, request_id, verdict)
  return reply(200, ACCEPTED:format(request_id))
end

-- The pieces as one text; or as they are, where they are so many that a reader may be slow.
local function gather(pieces)
  local texts, size = {}, 0
  while size < LONG_REPLY do
    local piece = pieces()
    if not piece then return table.concat(texts) end
    texts[#texts + 1], size = piece, size + #piece
  end
  local first = table.concat(texts)
  return function()
    local piece = first or pieces()
    first = nil
    return piece
  end
end

-- An argument of the query; an empty one counts as absent.
local function argument(query, name)
  local value = query(name)
  return value ~= "" and value or nil
end

-- How many are wanted; nil: that is no number above 0.
local function read_limit(query, otherwise)
  local limit = argument(query, "limit")
  local number = limit and (limit:find("^%d+$") and tonumber(limit) or 0) or otherwise
  return number >= 1 and number or nil
end

local function list_events(context, query)
  local outcome = argument(query, "outcome")
  if outcome and outcome ~= "good" and outcome ~= "bad" then
    return reply(400, COMPLAINT:format("outcome: expected good or bad"))
  end
  local limit = read_limit(query, math.huge)
  if not limit then
    return reply(400, WRONG_LIMIT)
  end
  return reply(200, gather(context.store:events(outcome, limit)))
end

-- from_date and to_date are not looked at: their format is not documented.
local function list_log(context, query)
  local limit = read_limit(query, DEFAULT_LIMIT)
  if not limit then
    return reply(400, WRONG_LIMIT)
  end
  return reply(200, gather(context.store:log(argument(query, "event_name"), limit)))
end

local function reset(context)
  context.store:reset()
  return reply(200, "{}")
end

-- Method and path to what answers them; the webhook is found by its pattern.
local FIXED = {
  ["/sandbox/events"] = { method = "GET", answer = list_events },
  ["/sandbox/reset"] = { method = "POST", answer = reset },
  ["/v2/events/logs"] = { method = "GET", answer = list_log },
}

--- The function that answers a request: handler(method, path, query, header, body) -> status, body, headers.
-- `context`: `store`; `log`, a function of a line; `authorization`, the header's value that is asked for, or nil;
-- `checker`, or nil; `refuses`, of origin.new.
function routes.handler(context)
  return function(method, path, query, header, body)
    local webhook = path:match("/webhooks/([A-Za-z0-9._~-]+)/?$")
    local fixed = FIXED[path]
    local allowed = webhook and "POST" or fixed and fixed.method
    if not allowed then return reply(403, NO_SUCH_PATH) end
    local why = context.refuses(header("Host"), header("Origin"))
    if why then return reply(403, COMPLAINT:format(why)) end
    if method ~= allowed then return reply(405, WRONG_METHOD, { Allow = allowed }) end
    if fixed then return fixed.answer(context, query) end
    local status, text, headers = receive(context, webhook, header, body)
    if #body > LONG_BODY then collectgarbage() end -- what it cost must not be there when the next one comes
    return status, text, headers
  end
end

return routes
