-- Decides whether a posted body is one JSON object as RFC 8259 has it. lua-cjson reads it; what lua-cjson lets pass
-- although it is not JSON (raw control characters, bytes that are not UTF-8, `1.`) is found here, because the
-- sandbox repeats accepted bodies byte for byte and must not hide a client's mistake.

local cjson = require "cjson.safe"
local is_utf8 = require("postevent.utf8").check

local json = {}

local MAX_DEPTH = 100 -- lua-cjson recurses
local MAX_VALUES = 250000 -- three bytes of JSON may be a table, which takes a hundred

--- What json.object says of a text that may be an object, and is not looked at.
json.TOO_MANY = ("more than %d values"):format(MAX_VALUES)

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

-- A point without a digit on either side: `1.`, `-.5`. Of those without a minus lua-cjson takes care.
local function has_odd_point(text)
  return text:find("%.[^0-9]") ~= nil or text:find("-.", 1, true) ~= nil
end

-- Of text that lua-cjson has read: are its strings and numbers written as JSON wants them?
local function is_strict(text)
  if not text:find("[%z\1-\31]") and not has_odd_point(text) then return true end -- most are: no look at each string
  local control = false
  local rest = text:gsub("\\.", ""):gsub('"([^"]*)"', function(characters)
    control = control or characters:find("[%z\1-\31]") ~= nil
    return '""'
  end)
  -- lua-cjson takes a NUL for the end of the text.
  return not control and not rest:find("%z") and not has_odd_point(rest)
end

-- The end of the string that begins at `at`, of text that lua-cjson has read.
local function string_end(text, at)
  repeat
    at = text:find('["\\]', at + 1)
    local escapes = text:byte(at) == 92
    at = escapes and at + 1 or at
  until not escapes
  return at
end

-- Calls visit(name, at) for each name of the outermost object of a text that lua-cjson has read, with where its value
-- begins, until that returns true.
local function visit_names(text, visit)
  local depth, at = 0, text:find('["{}]')
  while at do
    local stop = at
    if text:byte(at) == 34 then
      stop = string_end(text, at)
      local _, colon = text:find("^[ \t\r\n]*:[ \t\r\n]*", stop + 1)
      if depth == 1 and colon and visit(decoder.decode("[" .. text:sub(at, stop) .. "]")[1], colon + 1) then return end
    else
      depth = depth + (text:byte(at) == 123 and 1 or -1)
    end
    at = text:find('["{}]', stop + 1)
  end
end

-- Whether lua-cjson may have rounded it, or made infinity of it.
local function is_large(value)
  return type(value) == "number" and not (value > -2 ^ 53 and value < 2 ^ 53)
end

local function has_large_number(object)
  for _, value in pairs(object) do
    if is_large(value) then return true end
  end
  return false
end

local function large_numbers(text)
  local numbers = {}
  visit_names(text, function(name, at)
    local digits = text:match("^-?%d[%d.eE+-]*", at)
    numbers[name] = digits and is_large(tonumber(digits)) and digits or nil
  end)
  return numbers
end

local written = setmetatable({}, { __mode = "k" }) -- of objects that have such: the digits, by name

--- The decoded object; or nil and why it is none, in a few words: TOO_MANY, or what is no JSON.
function json.object(text)
  if not text:find("^[ \t\r\n]*{") then return nil, text == "" and "nothing was sent" or "it does not begin with {" end
  if #text > MAX_VALUES and has_too_many_values(text) then return nil, json.TOO_MANY end
  local object, problem = decoder.decode(text)
  if type(object) ~= "table" then return nil, problem end
  if not is_strict(text) then return nil, "a number or a text is not written as JSON has it" end
  if not is_utf8(text) then return nil, "it is not UTF-8" end
  if has_large_number(object) then written[object] = large_numbers(text) end
  return object
end

--- How a number of an object that json.object has read is written, where Lua's number may be another: an identifier of
-- twenty digits. Nil: it is none.
function json.written(object, name)
  return written[object] and written[object][name]
end

--- A name that the outermost object of a text has twice, of which lua-cjson takes the last; or nil. The text is one
-- that json.object has read.
function json.repeated_name(text)
  local seen, repeated = {}, nil
  visit_names(text, function(name)
    repeated = seen[name] and name
    seen[name] = true
    return repeated
  end)
  return repeated
end

--- A text as JSON, which UTF-8 stays.
function json.text(text)
  return (cjson.encode(text))
end

return json
