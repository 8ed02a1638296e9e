-- Reading JSON on the Lua side: the command's input and the definitions. lua-cjson reads; this file adds what it
-- lacks: the line and column of a mistake, and a refusal where it would silently change what was written. Writing
-- events is the core's.

local ascii = require("postevent.ascii")
local native = require("postevent.native")
local cjson = native("cjson.safe", "lua-cjson")
local find_slip = require("postevent.slips")
local is_plain = native("postevent.core").is_plain

local json = { null = cjson.null }

local MAX_DEPTH = 64 -- lua-cjson recurses; no document of the platform's, and no event, is as deep
local MAX_EXACT = 2 ^ 53 -- from here on a double no longer holds every whole number
local BYTE_ORDER_MARK = "\239\187\191" -- some editors write it; readers may skip it (RFC 8259, 8.1)
local to_integer = math.tointeger -- nil before Lua 5.3, where a number is a double anyway

local decoder = cjson.new()
decoder.decode_invalid_numbers(false)
decoder.decode_max_depth(MAX_DEPTH)

-- lua-cjson's names of what it met.
local TOKENS = {
  T_OBJ_BEGIN = "{", T_OBJ_END = "}", T_ARR_BEGIN = "[", T_ARR_END = "]", T_COLON = "a colon", T_COMMA = "a comma",
  T_STRING = "text", T_NUMBER = "a number", T_BOOLEAN = "true or false", T_NULL = "null", T_END = "the end",
}

-- ---- where a mistake is ----

-- "line 3, column 7" of the byte at `at`; a column counts characters, as editors do.
local function position(text, at, first_line)
  local before = text:sub(1, at - 1)
  local _, newlines = before:gsub("\n", "")
  local _, column = before:sub(before:match("^.*\n()") or 1):gsub("[^\128-\191]", "")
  return ("line %d, column %d"):format(first_line + newlines, column + 1)
end

local function refuse(text, at, first_line, problem)
  return nil, position(text, at, first_line) .. ": " .. problem
end

-- "Expected comma or array end but found T_NUMBER at character 4", from lua-cjson.
local function refuse_syntax(text, first_line, message)
  local problem, at = message:match("^(.*) at character (%d+)$")
  if not at then
    return nil, ("line %d: %s"):format(first_line, message)
  end
  problem = problem:gsub("^%u", ascii.lower):gsub("T_[%u_]+", TOKENS)
  local slip = find_slip(text, tonumber(at), problem)
  if slip then
    problem = ("%s (%s)"):format(problem, slip.words)
  end
  return nil, position(text, tonumber(at), first_line) .. ": " .. problem, slip
end

-- ---- numbers ----

local function is_json_number(literal)
  local mantissa = literal:gsub("[eE][+-]?%d+$", "")
  return mantissa:find("^-?%d+$") or mantissa:find("^-?%d+%.%d+$")
end

-- Whether the double that lua-cjson makes of a number still has every digit that was written.
local function is_kept(literal)
  if #literal < 16 and not literal:find("[eE]") then
    return true
  end
  local value = math.abs(decoder.decode("[" .. literal .. "]")[1])
  if value < MAX_EXACT then
    return true
  end
  local whole = literal:match("^-?(%d+)$") -- an id or a card number as likely as not: to the last digit
  if whole or value == math.huge then
    return ("%.0f"):format(value) == whole
  end
  local digits = literal:match("^-?([%d.]+)"):gsub("%.", ""):gsub("^0+", ""):gsub("0+$", "")
  if #digits > 17 then -- more than a double ever has
    return false
  end
  local kept = ("%%.%de"):format(#digits - 1):format(value):match("^(.-)e"):gsub("%D", "")
  return kept == digits
end

local function check_number(text, at)
  local _, stop = text:find("^[%d.eE+-]+", at)
  local literal = text:sub(at, stop)
  if not is_json_number(literal) then
    return stop, "expected value but found invalid number"
  end
  return stop, not is_kept(literal) and "a number of 2^53 or more that would be rounded; write it as text" or nil
end

-- ---- text and names ----

local function string_end(text, at)
  repeat
    at = text:find('["\\]', at + 1)
    local escape = text:byte(at) == 92
    at = escape and at + 1 or at
  until not escape
  return at
end

-- `names`: those of the object around, to find one that is there twice; nil: they are not asked for.
local function check_string(text, at, names)
  local stop = string_end(text, at)
  local control = text:sub(at, stop):find("[%z\1-\31]")
  if control then
    return stop, "a control character inside text must be escaped", at + control - 1
  end
  if names and text:find("^[ \t\r\n]*:", stop + 1) then
    local name = text:sub(at, stop)
    name = name:find("\\", 1, true) and decoder.decode("[" .. name .. "]")[1] or name:sub(2, -2)
    if names[name] then
      return stop, "the name is there twice"
    end
    names[name] = true
  end
  return stop
end

-- ---- the pass over the text ----

-- A look at the tokens of text that lua-cjson has read. `strict`: an event's rules too. Returns a problem and where it
-- is, or nothing.
local function find_problem(text, strict)
  local pattern = strict and '["%d{}%[-]' or '["%d-]'
  local objects = {} -- the names met in each of the objects around, innermost last
  local at = text:find(pattern)
  while at do
    local character, stop, problem, problem_at = text:sub(at, at), at, nil, nil
    if character == '"' then
      stop, problem, problem_at = check_string(text, at, objects[#objects])
    elseif character == "{" then
      objects[#objects + 1] = {}
    elseif character == "}" then
      objects[#objects] = nil
    elseif character == "[" then -- lua-cjson has one empty table for both
      problem = text:find("^[ \t\r\n]*%]", at + 1) and "an empty array cannot be told from an empty object" or nil
    else
      stop, problem = check_number(text, at)
    end
    if problem then
      return problem, problem_at or at
    end
    at = text:find(pattern, stop + 1)
  end
end

-- Turns 20.0, as lua-cjson makes it, into 20; sets seen.large where there is a number of 2^53 or more.
local function settle_numbers(value, seen)
  if type(value) == "number" then
    seen.large = seen.large or value >= MAX_EXACT or value <= -MAX_EXACT
    return to_integer and to_integer(value) or value
  end
  if type(value) == "table" then
    for name, inner in next, value do
      if type(inner) == "table" or type(inner) == "number" then
        value[name] = settle_numbers(inner, seen)
      end
    end
  end
  return value
end

-- An event of which a look from C says that nothing in it can be changed by reading: most of them, in a quarter of the
-- time. nil: it is not one, or is no JSON.
local function decode_plain(text)
  local plain, has_numbers = is_plain(text)
  local value = plain and decoder.decode(text)
  if not value then
    return nil
  end
  return has_numbers and to_integer and settle_numbers(value, {}) or value
end

-- `rules`: "event" or "attribute", see below; nil: those of JSON.
local function decode(text, first_line, rules)
  first_line = first_line or 1
  if text:sub(1, 3) == BYTE_ORDER_MARK then
    text = text:sub(4)
  end
  local nul = text:find("\0", 1, true) -- lua-cjson takes it for the end
  if nul then
    return refuse(text, nul, first_line, "a NUL byte; is this UTF-8 text?")
  end
  local value, message = decoder.decode(text)
  if message then
    return refuse_syntax(text, first_line, message)
  end
  local start = text:find("[^ \t\r\n]")
  if rules == "event" and text:sub(start, start) ~= "{" then
    return refuse(text, start, first_line, "an event is an object, {...}")
  end
  local seen = { large = false }
  value = settle_numbers(value, seen)
  if rules or seen.large then -- a definitions file of megabytes is not looked through again for nothing
    local problem, at = find_problem(text, rules ~= nil)
    if problem then
      return refuse(text, at, first_line, problem)
    end
  end
  return value
end

-- ---- the module ----

-- Reads any JSON, as leniently as lua-cjson does. Returns the value (null is json.null); or nil, a message that begins
-- with line and column, and perhaps the slip (slips.lua) that it looks like. `first_line`: the number of the text's
-- first line, where the text is a line of a file.
function json.decode(text, first_line)
  return decode(text, first_line)
end

-- Reads the value of an attribute: as decode, but an empty array or a name that is there twice is refused, since what
-- would be sent is not what was written.
function json.decode_attribute(text, first_line)
  return decode(text, first_line, "attribute")
end

-- Reads an event: as decode_attribute, and it must be an object.
function json.decode_event(text, first_line)
  local event = decode_plain(text)
  if event then
    return event
  end
  return decode(text, first_line, "event")
end

return json
