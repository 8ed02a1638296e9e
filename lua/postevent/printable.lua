-- Text of somebody else's (a file's, a reply's, an argument, an event's) made fit for a terminal and for a log: what
-- steers them, and what cannot be seen, is shown as an escape, and not sent. So two texts that look the same are the
-- same, but for letters that look alike.

local unseen = require("postevent.unseen")
local utf8 = require("postevent.utf8")

local printable = {}

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(character)
  return ESCAPES[character] or ("\\u%04x"):format(character:byte())
end

-- The number of a character of two bytes or more.
local function number_of(character)
  local number = character:byte() % 2 ^ (7 - #character)
  for i = 2, #character do
    number = number * 64 + character:byte(i) % 64
  end
  return number
end

-- As JSON writes it (RFC 8259, 7).
local function escape_number(number)
  if number < 0x10000 then
    return ("\\u%04x"):format(number)
  end
  local low = (number - 0x10000) % 0x400
  return ("\\u%04x\\u%04x"):format(0xD800 + (number - 0x10000 - low) / 0x400, 0xDC00 + low)
end

-- A run of bytes above 127, with an escape for what is unseen and `bad(byte)` for what is not UTF-8.
local function show_run(run, bad)
  local parts, position = {}, 1
  while position <= #run do
    local last = utf8.find_end(run, position)
    local piece = run:sub(position, last or position)
    if not last then
      piece = bad(piece:byte())
    else
      local number = number_of(piece)
      piece = unseen.has(number) and escape_number(number) or piece
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

-- The text in one line. What the command and the sandbox write for people goes through here.
function printable.line(text)
  return show(text, "[%z\1-\31\127]", function(byte)
    return ("\\x%02x"):format(byte)
  end)
end

-- JSON in one line, which reads back as it was.
function printable.json_text(text)
  return show(text, "[%z\1-\31\127]", function()
    return "\\ufffd"
  end)
end

-- The text as a JSON string, which reads back as it was.
function printable.json(text)
  return '"' .. show(text, '[%z\1-\31\127"\\]', function()
    return "\\ufffd"
  end) .. '"'
end

return printable
