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

-- As the gateway says it.
local GATEWAY_MESSAGES = {
  [400] = "", [401] = "Unauthorized", [403] = "Forbidden", [413] = "Request Too Long", [429] = "Too Many Requests",
  [500] = "Internal server error", [502] = "Internal server error", [503] = "Service Unavailable",
  [504] = "Endpoint request timed out",
}

local BODIES = { [204] = "", [304] = "", [400] = "{}" } -- no body where HTTP has none

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
  local message = GATEWAY_MESSAGES[status] or ("status %d"):format(status)
  body = body or BODIES[status] or '{"message":' .. json.text(message) .. "}"
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

-- A list of { [key] = number, message = }, by number.
local function list_of(messages, key)
  local list = {}
  for number, message in pairs(messages) do
    list[#list + 1] = { [key] = number, message = message }
  end
  table.sort(list, function(one, other)
    return one[key] < other[key]
  end)
  return list
end

--- What there is to be answered with: { statuses =, codes = }, the gateway's and the webhook's, each a list of { status
-- = or code =, message = }.
function replies.known()
  return { statuses = list_of(GATEWAY_MESSAGES, "status"), codes = list_of(MESSAGES, "code") }
end

--- The page of somebody who stands in between.
function replies.portal()
  return replies.json(200, PORTAL, { ["Content-Type"] = "text/html" })
end

return replies
