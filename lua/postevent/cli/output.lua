-- What the command writes to stdout, and its warnings.

local exit = require("postevent.cli.exit")
local printable = require("postevent.printable")
local width = require("postevent.cli.width")

local output = {}

-- Writes a value as JSON. A table is a list of { name, value }: the order is part of what is promised, and lua-cjson
-- has none. A member whose value is nil is left out.
local function to_json(value)
  if type(value) == "table" and value.json then
    return value.json
  elseif type(value) == "number" then
    return require("postevent.native")("postevent.core").number(value) -- not needed for a message that it is not there
  elseif type(value) == "boolean" then
    return tostring(value)
  elseif type(value) == "string" then
    return printable.json(value)
  end
  local parts = {}
  for _, member in ipairs(value) do
    if member[2] ~= nil then
      parts[#parts + 1] = to_json(member[1]) .. ":" .. to_json(member[2])
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

output.to_json = to_json

-- An array, as a value for output.to_json. `convert` makes of each item such a value.
function output.json_list(items, convert)
  local parts = {}
  for i, item in ipairs(items) do
    parts[i] = to_json(convert(item))
  end
  return { json = "[" .. table.concat(parts, ",") .. "]" }
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

-- An object, a list of { name, value }, as JSON for people: a line for each member.
function output.pretty_json(members)
  local lines = {}
  for _, member in ipairs(members) do
    if member[2] ~= nil then
      lines[#lines + 1] = ("  %s: %s"):format(to_json(member[1]), to_json(member[2]))
    end
  end
  return "{\n" .. table.concat(lines, ",\n") .. "\n}"
end

output.printable = printable.line
output.printable_json = printable.json_text

-- The same of a message of several lines.
function output.printable_lines(text)
  return (text:gsub("[^\n]+", output.printable))
end

-- The text, with "..." in place of what is beyond so many columns of a terminal.
function output.cut(text, columns)
  if width.of(text) <= columns then
    return text
  end
  return width.cut(text, columns - 3) .. "..."
end

-- Rows of texts, as lines in which the columns stand below each other.
function output.columns(rows)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, width.of(cell))
    end
  end
  for i, row in ipairs(rows) do
    local cells = {}
    for j, cell in ipairs(row) do
      cells[j] = cell .. (" "):rep(widths[j] - width.of(cell))
    end
    lines[i] = table.concat(cells, "  "):gsub(" +$", "")
  end
  return lines
end

-- Writes a line or several to stdout, as text whatever is in it, and now: what follows may be the end of the process.
-- Returns true; or nil and a message.
function output.line(text)
  local written, message = io.stdout:write(output.printable_lines(text), "\n")
  if written then
    written, message = io.stdout:flush()
  end
  if written then
    return true
  end
  return nil, "stdout: " .. message
end

-- Writes a line to stdout, or ends the command where that cannot be done.
function output.say(text)
  local written, message = output.line(text)
  if not written then
    exit.with(exit.FAILED, message)
  end
end

-- The same of a line that tells what was done: whoever cannot read it there must not do it again.
function output.report(text)
  local written, message = output.line(text)
  if not written then
    exit.with(exit.FAILED, ("%s; this could not be written to %s"):format(text, message))
  end
end

-- Writes a warning to stderr.
function output.warn(message)
  io.stderr:write("postevent: warning: ", output.printable(message), "\n")
end

return output
