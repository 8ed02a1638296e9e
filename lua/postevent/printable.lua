-- Text of somebody else's (a file's, a reply's, an argument, an event's) made fit for a terminal and for a log: what
-- steers them is shown, as an escape, and not sent.

local utf8 = require("postevent.utf8")

local printable = {}

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
