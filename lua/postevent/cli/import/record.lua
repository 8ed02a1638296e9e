-- A line of a journal: what became of one record. Fields between tabs, what would break the line as %XX:
--   17 TAB delivered TAB ID
--   18 TAB rejected TAB ID TAB CODE TAB MESSAGE
-- An id that is missing, longer than 200 bytes or has other than visible ASCII is "-"; a message is cut. Of two lines
-- for one record the second counts.

local record = {}

local LONGEST = { id = 200, code = 40, message = 240 }

-- No line is longer: so much room is made before an event is sent.
record.MOST_BYTES = 840 -- of both

-- The text without what would break a line.
function record.escape(text)
  return (text:gsub("[%z\1-\31\127%%]", function(character)
    return ("%%%02x"):format(character:byte())
  end))
end

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

-- Not in the middle of a %XX, nor of a character.
local function cut(text, most)
  if #text <= most then
    return text
  end
  return (text:sub(1, most):gsub("%%%x?$", ""):gsub("[\192-\255][\128-\191]*$", ""))
end

-- The line, with its "\n".
function record.write(number, outcome, id, code, message)
  id = id and record.escape(id)
  local line = ("%d\t%s\t%s"):format(number, outcome, id and #id <= LONGEST.id and id or "-")
  if code or message then
    line = ("%s\t%s\t%s"):format(line, cut(record.escape(code or "-"), LONGEST.code),
      cut(record.escape(message or ""), LONGEST.message))
  end
  return line .. "\n"
end

-- number, outcome, id, code, message of a line without its "\n", each nil where it is not there; nil: it is no record.
function record.read(line)
  local number, outcome, id, rest = line:match("^(%d+)\t(%l+)\t([^\t]+)(.*)$")
  if not number then
    return nil
  end
  local code, message = rest:match("^\t([^\t]+)\t([^\t]*)$")
  return tonumber(number), outcome, id ~= "-" and unescape(id) or nil, code and code ~= "-" and code or nil,
    message and unescape(message) or nil
end

return record
