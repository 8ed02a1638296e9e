-- What the command writes to stdout.

local output = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(character)
  return ESCAPES[character] or ("\\u%04x"):format(character:byte())
end

-- Writes a value as JSON. A table is a list of { name, value }: the order is part of what is promised, and lua-cjson
-- has none. A member whose value is nil is left out.
local function to_json(value)
  if type(value) == "number" then
    return ("%.14g"):format(value)
  elseif type(value) == "string" then
    return '"' .. value:gsub('[%z\1-\31"\\]', escape) .. '"'
  end
  local parts = {}
  for _, member in ipairs(value) do
    if member[2] ~= nil then
      parts[#parts + 1] = to_json(member[1]) .. ":" .. to_json(member[2])
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- The reply of client:post as one line of JSON, its members always in this order.
function output.reply_to_json(reply)
  return to_json {
    { "status", { { "code", reply.status.code }, { "message", reply.status.message } } },
    { "requestId", reply.requestId },
    { "http_status", reply.http_status },
    { "attempts", reply.attempts },
    { "elapsed", math.floor(reply.elapsed * 1e6 + 0.5) / 1e6 },
    { "event_id", reply.event_id },
  }
end

-- Writes a line to stdout, now: what follows may be the end of the process. Returns true; or nil and a message.
function output.line(text)
  local written, message = io.stdout:write(text, "\n")
  if written then
    written, message = io.stdout:flush()
  end
  if written then
    return true
  end
  return nil, message
end

return output
