-- What a file holds that should be JSON Lines or an event, and is something else as a whole: then one line says what it
-- is and what to do, where each of its lines would be a mistake of its own.

local json = require("postevent.json")

local foreign = {}

-- Formats that begin with bytes of their own, and the command that makes text of them.
local MAGIC = {
  { "\31\139", "compressed (gzip)", "gzip -dc" }, { "PK\3\4", "a zip archive", "unzip -p" },
  { "BZh%d", "compressed (bzip2)", "bzip2 -dc" }, { "\2537zXZ", "compressed (xz)", "xz -dc" },
  { "\40\181\47\253", "compressed (Zstandard)", "zstd -dc" },
  { "\255\254", "UTF-16", "iconv -f UTF-16 -t UTF-8" }, { "\254\255", "UTF-16", "iconv -f UTF-16 -t UTF-8" },
  { "[^%z]%z[^%z]%z", "UTF-16", "iconv -f UTF-16LE -t UTF-8" },
  { "%z[^%z]%z[^%z]", "UTF-16", "iconv -f UTF-16BE -t UTF-8" },
}

-- How often `pattern` is there.
local function count(text, pattern)
  return select(2, text:gsub(pattern, ""))
end

local function is_binary(text)
  return text:find("^[^\n]*[%z\1-\8\14-\31]") and not text:find("^%s*[{%[]")
end

-- The encoding or packing of a text, and the command that undoes it; or nil.
local function find_packing(text)
  for _, format in ipairs(MAGIC) do
    if text:find("^" .. format[1]) then
      return format[2], format[3]
    end
  end
  if is_binary(text) then
    return "no text"
  end
end

-- Whether the text begins with an object of several lines: its first line is the beginning of one, and the next goes on
-- as they do.
local function is_pretty(text)
  local first, rest = text:match("^%s*({[^\n]*)\n%s*(.)")
  if not first or not rest:find('["}]') then
    return false
  end
  local _, message = json.decode(first)
  return message ~= nil and (message:find("the end", 1, true) ~= nil)
end

local function is_table(text)
  local first, second = text:match("^([^\n]+)\n([^\n]+)")
  for _, separator in ipairs { ",", ";", "\t" } do
    local columns = count(first or text, separator)
    if columns > 0 and (not second or count(second, separator) >= columns) then
      return true
    end
  end
end

-- The same of JSON, and of what people have in its place.
local function find_format(text)
  if text:find("^%s*%[%s*{") then
    return "a JSON array", "jq -c '.[]'"
  elseif is_pretty(text) then
    return "JSON over several lines", "jq -c ."
  elseif text:find("^%s*[{%[]") or text:find("\n%s*{") or not text:find("%S") then
    return nil -- lines, and where one of them is wrong, that is to be said
  elseif text:find("^%s*<") then
    return "XML or HTML"
  end
  return is_table(text) and "CSV" or count(text, "\n") > 1 and "text" or nil
end

-- What `text`, the beginning of a file, is in place of JSON Lines, and a command that makes them of it; nil: lines. The
-- second result may be nil.
function foreign.find(text)
  local what, command = find_packing(text)
  if what then
    return what, command
  end
  return find_format((text:gsub("^\239\187\191", "")))
end

-- What it is in place of one event, of any number of lines.
function foreign.find_event(text)
  local what, command = find_packing(text)
  if what then
    return what, command
  end
  what, command = find_format((text:gsub("^\239\187\191", "")))
  if what == "JSON over several lines" then
    return nil
  elseif not what and text:find("^%s*{[^\n]*}%s*\n%s*{") then
    return "several events, and one is posted at a time", "head -n 1"
  end
  return what, what == "a JSON array" and "jq -c '.[0]'" or command
end

-- Both as a message: "CSV, not JSON Lines", "a JSON array, not ...: jq -c '.[]' FILE".
function foreign.explain(what, command, wanted)
  return ("this is %s; expected %s%s"):format(what, wanted, command and (" (%s FILE makes it)"):format(command) or "")
end

return foreign
