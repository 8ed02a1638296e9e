-- Decides whether a posted body is one JSON object as RFC 8259 has it. lua-cjson reads it; what lua-cjson lets pass
-- although it is not JSON (raw control characters, bytes that are not UTF-8, `1.`) is found here, because the
-- sandbox repeats accepted bodies byte for byte and must not hide a client's mistake.

local cjson = require "cjson.safe"
local is_utf8 = require("postevent.utf8").check

local json = {}

local MAX_DEPTH = 100 -- lua-cjson recurses
local MAX_VALUES = 250000 -- three bytes of JSON may be a table, which takes a hundred

local decoder = cjson.new()
decoder.decode_invalid_numbers(false)
decoder.decode_max_depth(MAX_DEPTH)

-- Whether lua-cjson may make more of it than it should: what stands inside text counts, too. By plain finds: a pattern
-- looks at each byte, which of 10 MB is a fifth of a second.
local function has_too_many_values(text)
  local count = 0
  for _, mark in ipairs { ",", "[", "{" } do
    local at = text:find(mark, 1, true)
    while at and count <= MAX_VALUES do
      count, at = count + 1, text:find(mark, at + 1, true)
    end
  end
  return count > MAX_VALUES
end

-- Of text that lua-cjson has read: are its strings and numbers written as JSON wants them?
local function is_strict(text)
  if not text:find("[%z\1-\31]") and not text:find("%.[^0-9]") then return true end -- most are: no look at each string
  local control = false
  local rest = text:gsub("\\.", ""):gsub('"([^"]*)"', function(characters)
    control = control or characters:find("[%z\1-\31]") ~= nil
    return '""'
  end)
  -- lua-cjson takes a NUL for the end of the text.
  return not control and not rest:find("%z") and not rest:find("%.[^0-9]")
end

--- The decoded object, or nil; nil and true: it may be one, and holds too many values.
function json.object(text)
  if not text:find("^[ \t\r\n]*{") then return nil end
  if #text > MAX_VALUES and has_too_many_values(text) then return nil, true end
  local object = decoder.decode(text)
  if type(object) == "table" and is_strict(text) and is_utf8(text) then return object end
  return nil
end

--- A text as JSON, which UTF-8 stays.
function json.text(text)
  return (cjson.encode(text))
end

return json
