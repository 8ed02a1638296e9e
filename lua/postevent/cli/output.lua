-- What the command writes to stdout, and its warnings.

local exit = require("postevent.cli.exit")
local utf8 = require("postevent.utf8")

local output = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(character)
  return ESCAPES[character] or ("\\u%04x"):format(character:byte())
end

-- What steers a terminal, or changes the order in which it shows what stands around it: C1 controls (U+0080 to U+009F),
-- the marks, embeddings and isolates of bidirectional text (Unicode 15, 23.2), and the separators of lines.
local function is_unseen(character)
  return character:find("^\194[\128-\159]$") or character == "\216\156" -- U+061C
    or character:find("^\226\128[\142\143\168-\174]$") or character:find("^\226\129[\166-\169]$")
end

-- The number of a character of two or three bytes.
local function number_of(character)
  local a, b, c = character:byte(1, 3)
  return c and (a % 16 * 64 + b % 64) * 64 + c % 64 or a % 32 * 64 + b % 64
end

-- A run of bytes above 127, with an escape for what is unseen and `bad(byte)` for what is not UTF-8.
local function show_run(run, bad)
  local parts, position = {}, 1
  while position <= #run do
    local last = utf8.find_end(run, position)
    local piece = run:sub(position, last or position)
    if not last then
      piece = bad(piece:byte())
    elseif is_unseen(piece) then
      piece = ("\\u%04x"):format(number_of(piece))
    end
    parts[#parts + 1] = piece
    position = (last or position) + 1
  end
  return table.concat(parts)
end

local function show(text, controls, bad)
  return (text:gsub(controls, escape):gsub("[\128-\255]+", function(run)
    return show_run(run, bad)
  end))
end

-- Writes a value as JSON. A table is a list of { name, value }: the order is part of what is promised, and lua-cjson
-- has none. A member whose value is nil is left out.
local function to_json(value)
  if type(value) == "number" then
    return require("postevent.core").number(value) -- not needed for a message that it is not there
  elseif type(value) == "boolean" then
    return tostring(value)
  elseif type(value) == "string" then
    return '"' .. show(value, '[%z\1-\31\127"\\]', function()
      return "\\ufffd"
    end) .. '"'
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

-- A text of somebody else's (a file's, a reply's, an argument) in one line, in which what steers a terminal is shown
-- and not sent. All that the command writes for people goes through here, or through to_json.
function output.printable(text)
  return show(text, "[%z\1-\31\127]", function(byte)
    return ("\\x%02x"):format(byte)
  end)
end

-- The same of a message of several lines.
function output.printable_lines(text)
  return (text:gsub("[^\n]+", output.printable))
end

-- The characters of UTF-8 text; a terminal may show some of them wider.
local function count_characters(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

-- Rows of texts, as lines in which the columns stand below each other.
function output.columns(rows)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, count_characters(cell))
    end
  end
  for i, row in ipairs(rows) do
    local cells = {}
    for j, cell in ipairs(row) do
      cells[j] = cell .. (" "):rep(widths[j] - count_characters(cell))
    end
    lines[i] = table.concat(cells, "  "):gsub(" +$", "")
  end
  return lines
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

-- Writes a line to stdout, or ends the command where that cannot be done.
function output.say(text)
  local written, message = output.line(text)
  if not written then
    exit.with(exit.FAILED, message)
  end
end

-- Writes a warning to stderr.
function output.warn(message)
  io.stderr:write("postevent: warning: ", output.printable(message), "\n")
end

return output
