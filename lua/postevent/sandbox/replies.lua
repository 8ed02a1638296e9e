-- The replies of the platform and of its gateway, as status, body and headers.

local json = require "postevent.sandbox.json"

local replies = {}

local ACCEPTED_CODES = { [1100] = true, [7300] = true }

-- As the platform's documents have them.
local MESSAGES = {
  [1100] = "Event is pushed to transformation state", [7300] = "feed added", [7301] = "unable to add feed",
  [7302] = "source not specified", [7303] = "invalid source", [7304] = "event not passed", [7305] = "invalid event",
  [7306] = "UUID not passed", [7307] = "customer id not passed", [7308] = "invalid customer id",
  [7309] = "invalid SKU", [7310] = "invalid store code", [7311] = "invalid customer details",
}

-- As the gateway says it. No body where HTTP has none.
local BODIES = {
  [204] = "", [304] = "", [400] = "{}", [401] = '{"message":"Unauthorized"}', [403] = '{"message":"Forbidden"}',
  [413] = '{"message":"Request Too Long"}', [429] = '{"message":"Too Many Requests"}',
  [500] = '{"message":"Internal server error"}', [502] = '{"message":"Internal server error"}',
  [503] = '{"message":"Service Unavailable"}', [504] = '{"message":"Endpoint request timed out"}',
}

local PORTAL = [[
<!DOCTYPE html>
<html><head><title>Welcome</title></head><body><h1>Welcome to our network</h1><p>Please sign in.</p></body></html>
]]

--- JSON, which is the platform's unless `headers` say otherwise.
function replies.json(status, body, headers)
  headers = headers or {}
  headers["Content-Type"] = headers["Content-Type"] or "application/json"
  return status, body, headers
end

--- One of the gateway's own: { "message": ... }.
function replies.message(status, message, headers)
  return replies.json(status, '{"message":' .. json.text(message) .. "}", headers)
end

--- What the gateway answers with a status, or the `body` in place of it. `retry_after`: seconds, or nil.
function replies.gateway(status, body, retry_after)
  body = body or BODIES[status] or ('{"message":"status %d"}'):format(status)
  local kind = body:find("^%s*[{[]") and "application/json" or body:find("^%s*<") and "text/html" or "text/plain"
  return replies.json(status, body, {
    ["Content-Type"] = kind, ["Retry-After"] = retry_after and ("%d"):format(retry_after) or nil,
  })
end

--- What the webhook answers with a code of its own.
function replies.code(code, request_id)
  return replies.json(200, ('{"status":{"code":%d,"message":%s},"requestId":"%s"}'):format(code,
    json.text(MESSAGES[code] or "code " .. ("%d"):format(code)), request_id))
end

--- Whether the platform has taken an event that it answers with this code.
function replies.is_accepted(code)
  return ACCEPTED_CODES[code] == true
end

--- The page of somebody who stands in between.
function replies.portal()
  return replies.json(200, PORTAL, { ["Content-Type"] = "text/html" })
end

return replies
