-- Checks of option values, one for each type of properties.lua. Each takes a value and the property, and returns nil
-- when the value is good, else what was expected, in words that follow "expected", and perhaps the reason in others;
-- and where it is an item of a list that will not do, thirdly the item's key. No value is ever quoted here: it may be a
-- secret.

local check = {}

local YEAR = 366 * 86400
local MOST_TEXT = 65536 -- bytes: a request's head ends at a megabyte in libcurl, with "out of memory"

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
  if #value > MOST_TEXT then
    return ("text of at most %d bytes"):format(MOST_TEXT)
  end
  if value:find("[%z\1-\31\127]") then
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

-- Where the news go. In its place may stand anything, and only what is known is told of.
function check.log(value)
  if type(value) ~= "function" and value ~= "stderr" and value ~= false then
    local reason = (value == "stdout" or value == io.stdout) and "stdout is the program's; a function may write there"
    return 'a function, "stderr" or false', reason or value == io.stderr and '"stderr" is a text' or nil
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
    return ("a number of seconds above %.0f, at most %s"):format(property.above, most)
  end
end

function check.number(value, property)
  if not is_within(value, property) then
    return ("a number above %.0f, at most %.0f"):format(property.above, property.most)
  end
end

local function is_whole(value, least, most)
  return type(value) == "number" and value % 1 == 0 and value >= least and value <= most
end

function check.integer(value, property)
  if not is_whole(value, property.least, property.most) then
    return ("a whole number from %.0f to %.0f"):format(property.least, property.most)
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
  if not value:find("^[A-Za-z0-9_]+$") or value == "event_name" or value == "eventDateTime" then
    return "the name of an attribute of the event's own, of letters, digits and _"
  end
end

-- HTTP's. A stream of HTTP/2 that the server refused (RFC 9113, 8.7) and one that broke after the server had read it
-- look the same to a user of libcurl, from 7.80 to 8.22: the one must not count as maybe sent, the other must.
function check.version(value, property)
  local expected = one_of(value, property.values)
  local version = expected and tostring(value):gsub(",", "."):match("^[%a/]*(%d[%d.]*)")
  if version == property.values[1] then
    return expected, type(value) == "string" and "the number alone" or "in quotes"
  elseif version and version:find("^2") then
    return expected, "over HTTP/2 libcurl does not tell what the server never took from what may have arrived"
  elseif expected then
    return expected, "no other version is offered"
  end
end

-- What the system says to the first byte of the file, or to the directory; nil: nothing is in the way.
local function refusal(path, is_directory)
  local name = is_directory and path .. "/." or path
  local file, reason = io.open(name, "rb")
  if not file then
    return reason:sub(1, #name) == name and reason:sub(#name + 3) or reason
  end
  if not is_directory then
    reason = select(2, file:read(1)) -- a directory can be opened, too
  end
  file:close()
  return reason
end

-- A file, or a directory, that can be read now: a wrong path is a mistake of the program, not of the world.
function check.file(value, property)
  local expected = check.text(value)
  if type(value) == "string" and value:find("-----BEGIN ", 1, true) then
    return "the name of a file, not what is in it"
  elseif expected then
    return expected
  end
  local reason = refusal(value, property.directory)
  if reason then
    return property.directory and "a directory that can be read" or "a file that can be read", reason
  end
end

-- An item of the list below, as a property.
check.CODE = { type = "integer", least = -2 ^ 31, most = 2 ^ 31 }

-- A list of whole numbers, not empty.
function check.codes(value)
  local expected = "a list of whole numbers"
  local count = 0
  if type(value) ~= "table" then
    return expected
  end
  for key, code in next, value do
    count = count + 1
    if rawget(value, count) == nil then
      return expected
    elseif not is_whole(code, check.CODE.least, check.CODE.most) then
      return type(key) == "number" and "a whole number" or expected, nil, type(key) == "number" and key or nil
    end
  end
  return count == 0 and expected or nil
end

return check
