-- What a text is that should be JSON Lines, an event, definitions: where it is something else as a whole, that is said
-- once, with what to do, where each of its lines would be a mistake of its own.
--
-- A kind has a `name`, perhaps a `command` that makes of it what was wanted, or what was `expected`, and the `line`
-- where that was seen.

local find_encoding = require("postevent.foreign.encoding")
local find_notation = require("postevent.foreign.notations")
local find_packing = require("postevent.foreign.bytes")
local find_shape = require("postevent.foreign.documents")
local json = require("postevent.json")
local tables = require("postevent.foreign.tables")

local foreign = { may_be_header = tables.may_be_header }

local LINES_SEEN = 10
local BYTES_SEEN = 65536

-- What may be wanted: its `words`, and the kinds that are as good; or `only` those that surely are not; and `by` which
-- command of a kind that is no packing it comes.
foreign.WANTED = {
  lines = { words = "JSON Lines, an event on each line", takes = { ["JSON Lines"] = true }, by = "command" },
  event = { words = "one event, an object", takes = { ["JSON over several lines"] = true }, by = "one" },
  records = { words = "JSON Lines, a JSON array or CSV", takes = {}, by = "command" },
  cells = { words = "CSV, as it begins", takes = {}, only = { ["JSON Lines"] = true, ["a JSON array"] = true } },
  ids = { words = "an id on each line, or JSON Lines", takes = { ["JSON Lines"] = true, text = true },
    by = "command" },
  definitions = { words = "definitions, as JSON", takes = {
    ["event definitions"] = true, ["a JSON array"] = true, ["JSON over several lines"] = true,
  } },
}

-- The first lines that are not empty: { text =, number =, is_object =, slip = }; `objects`: how many are.
local function first_lines(text)
  local lines, number = { objects = 0 }, 0
  for line in text:gmatch("([^\n]*)\n?") do
    number = number + 1
    if line:find("%S") then
      local value, _, slip = json.decode(line)
      local is_object = value ~= nil and line:find("^%s*{") ~= nil
      lines[#lines + 1] = { text = line, number = number, is_object = is_object, slip = slip }
      lines.objects = lines.objects + (is_object and 1 or 0)
    end
    if #lines == LINES_SEEN then
      break
    end
  end
  return lines
end

-- Of a text without a byte-order mark. Among objects a line that is none is a mistake of its own.
local function find(text)
  local packing = find_packing(text)
  if packing then
    return packing
  end
  local lines = first_lines(text)
  local found = find_shape(text, lines)
  if found or lines.objects > 0 or not lines[1] then
    return found
  end
  found = find_notation(text, lines)
  if found or text:find("^%s*[{%[]") then
    return found
  end
  return tables.find(lines) or (lines[2] and not text:find("\n%s*{") and { name = "text" }) or nil
end

local function is_taken(name, wanted)
  return wanted.takes[name] or (wanted.only and not wanted.only[name])
end

-- The kind of a text, or of the beginning of a file, where it is not what is `wanted` (a name of foreign.WANTED; nil:
-- whatever it is); nil: it is that, or there is no telling. `first_line`: the number of the text's first line in the
-- file, where that is not 1.
function foreign.find(text, wanted, first_line)
  local found = find((text:sub(1, BYTES_SEEN):gsub("^\239\187\191", "")))
  if not found or (wanted and is_taken(found.name, foreign.WANTED[wanted])) then
    return nil
  end
  found.line = (found.line or 1) + (first_line or 1) - 1
  found.is_later = first_line ~= nil and first_line > 1
  return found
end

-- The same of a text that begins with the first line of the file in which something is not UTF-8: it may be in
-- another encoding; nil: that line alone is wrong. `is_later`: what is before has characters of UTF-8; `is_sure`: of a
-- line that all others depend on.
function foreign.find_encoding(text, line, is_later, is_sure)
  local found = find_encoding(text:sub(1, BYTES_SEEN), is_sure)
  if found then
    found.line, found.is_later = line, is_later
    found.command = not is_later and found.command or nil -- it is for the whole file
  end
  return found
end

-- " (gzip -dc FILE makes it)"; or nothing, where there is no command of which that is sure.
local function advice(found, wanted)
  local command = found.is_packed and found.command or found[wanted.by]
  if command then
    return (" (%s FILE makes it)"):format(command)
  end
  return wanted.by and found.reader and not found.is_later and (" (%s)"):format(found.reader) or ""
end

-- It as a message: "this is CSV; expected JSON Lines, ...", with what makes that of it.
function foreign.explain(found, wanted)
  return ("%sthis is %s; expected %s%s"):format(found.is_later and "from here on " or "", found.name,
    found.expected or foreign.WANTED[wanted].words, advice(found, foreign.WANTED[wanted]))
end

-- A slip, in the words of json.decode, as such a message.
local function explain_slip(message, slip, wanted)
  return ("%s: this is %s; expected %s (%s)"):format(message:match("^line %d+, column %d+"), slip.name,
    foreign.WANTED[wanted].words, slip.words)
end

-- Reads JSON of which there is one value: as `read` (json.decode or json.decode_event), but a text that is something
-- else as a whole is told of as that. Returns the value; or nil and a message that begins with line and column.
function foreign.decode(text, wanted, read)
  local value, message, slip = read(text)
  local is_event = not message and wanted == "event" and value.event_name ~= nil
  local found = not is_event and foreign.find(text, wanted)
  if slip and slip.expected ~= "the end" and (not found or found.name == slip.name) then
    return nil, explain_slip(message, slip, wanted)
  elseif found then
    return nil, ("line %d, column 1: %s"):format(found.line, foreign.explain(found, wanted))
  end
  return value, message
end

return foreign
