-- Checks of option values, one for each type of properties.lua. Each takes a value and the property, and returns nil
-- when the value is good, else what was expected, in words that follow "expected". No value is ever quoted here: it
-- may be a secret.

local check = {}

local YEAR = 366 * 86400

local function one_of(value, names)
  for _, name in ipairs(names) do
    if value == name then
      return nil
    end
  end
  return '"' .. table.concat(names, '", "') .. '"'
end

function check.text(value, property)
  if property and property.values then
    return one_of(value, property.values)
  end
  if type(value) ~= "string" or value == "" then
    return "text"
  end
  if value:find("%c") then
    return "text without control characters (CR, LF, NUL, ...)"
  end
end

function check.boolean(value)
  if type(value) ~= "boolean" then
    return "true or false"
  end
end

check["function"] = function(value)
  if type(value) ~= "function" then
    return "a function"
  end
end

function check.table(value)
  if type(value) ~= "table" then
    return "a table"
  end
end

check.group = check.table -- its fields are checked one by one

function check.other() -- where it is read
end

local function is_within(value, property)
  return type(value) == "number" and value > property.above and value <= property.most
end

function check.seconds(value, property)
  if not is_within(value, property) then
    local most = property.most == YEAR and "a year" or property.most
    return ("a number of seconds above %d, at most %s"):format(property.above, most)
  end
end

function check.number(value, property)
  if not is_within(value, property) then
    return ("a number above %d, at most %d"):format(property.above, property.most)
  end
end

local function is_whole(value, least, most)
  return type(value) == "number" and value % 1 == 0 and value >= least and value <= most
end

function check.integer(value, property)
  if not is_whole(value, property.least, property.most) then
    return ("a whole number from %d to %d"):format(property.least, property.most)
  end
end

-- The name of an attribute that a client may fill in.
function check.attribute(value)
  local expected = check.text(value)
  if expected then
    return expected
  end
  if #value > 50 then -- platform.md, Event definitions
    return "at most 50 characters"
  end
  if not value:find("^[%w_]+$") or value == "event_name" or value == "eventDateTime" then
    return "the name of an attribute of the event's own, of letters, digits and _"
  end
end

-- HTTP's. A stream of HTTP/2 that the server refused (RFC 9113, 8.7) and one that broke after the server had read it
-- look the same to a user of libcurl, from 7.80 to 8.22: the one must not count as maybe sent, the other must.
function check.version(value, property)
  local expected = one_of(value, property.values)
  if expected and value == "2" then
    expected = expected .. " (over HTTP/2 libcurl does not tell what the server never took from what may have arrived)"
  end
  return expected
end

-- A file that can be opened now: a wrong path is a mistake of the program, not of the world.
function check.file(value)
  local expected = check.text(value)
  if expected then
    return expected
  end
  local file, reason = io.open(value, "rb")
  if not file then
    return "a file that can be read (" .. reason .. ")"
  end
  file:close()
end

-- A list of whole numbers, not empty.
function check.codes(value)
  local expected = "a list of whole numbers"
  local count = 0
  if type(value) ~= "table" then
    return expected
  end
  for _, code in next, value do
    count = count + 1
    if rawget(value, count) == nil or not is_whole(code, -2 ^ 31, 2 ^ 31) then
      return expected
    end
  end
  return count == 0 and expected or nil
end

return check
