-- HTTP/1.1 for the rude server: reads requests, writes the replies that it was given, well formed or not.
local documents = require "support.documents"

local http1 = {}

-- The head: {method =, path =, headers = {lower case = value}}; or nil when the client left.
function http1.read_head(conn)
  local head = conn:read_to "\r\n\r\n"
  if not head then
    return nil
  end
  local method, path = head:match "^(%S+) (%S+)"
  local request = { method = method, path = path, headers = {}, protocol = "1.1" }
  for name, value in head:gmatch "\r\n([^:\r\n]+):%s*([^\r\n]*)" do
    request.headers[name:lower()] = value
  end
  return request
end

-- A whole request: the head with its `body`.
function http1.read_request(conn)
  local request = http1.read_head(conn)
  if not request then
    return nil
  end
  if request.headers["expect"] then
    conn:write "HTTP/1.1 100 Continue\r\n\r\n"
  end
  request.body = conn:read_exactly(tonumber(request.headers["content-length"]) or 0)
  return request.body and request
end

-- The bytes of a reply: text is taken as it is; {status =, headers =, body =, length = what Content-Length claims}.
function http1.format(reply)
  if type(reply) == "string" then
    return reply
  end
  local body = reply.body or documents.reply
  local lines = { ("HTTP/1.1 %d Whatever"):format(reply.status or 200) }
  local headers = { ["Content-Type"] = "application/json", ["Content-Length"] = tostring(reply.length or #body) }
  for name, value in pairs(reply.headers or {}) do
    headers[name] = value
  end
  for name, value in pairs(headers) do
    lines[#lines + 1] = name .. ": " .. value
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

function http1.reply(conn, _, reply)
  return conn:write(http1.format(reply or {}))
end

-- Half of the reply.
function http1.half_reply(conn, _, reply)
  local text = http1.format(reply or {})
  return conn:write(text:sub(1, #text - math.floor(#documents.reply / 2)))
end

return http1
