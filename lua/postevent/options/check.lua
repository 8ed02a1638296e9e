-- Checks of option values. Each takes a value and returns nil when it is good, else what was expected, in words that
-- follow "expected". No value is ever quoted here: it may be a secret.

local check = {}

function check.text(value)
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

function check.func(value)
  if type(value) ~= "function" then
    return "a function"
  end
end

function check.table(value)
  if type(value) ~= "table" then
    return "a table"
  end
end

-- Seconds, as a number above 0; a day at most, so that a slip (milliseconds) is noticed.
function check.seconds(value)
  if type(value) ~= "number" or not (value > 0 and value <= 86400) then
    return "a number of seconds above 0, at most 86400"
  end
end

-- The same for what may take longer: a year at most.
function check.age(value)
  if type(value) ~= "number" or not (value > 0 and value <= 366 * 86400) then
    return "a number of seconds above 0, at most a year"
  end
end

-- Events a second.
function check.rate(value)
  if type(value) ~= "number" or not (value > 0 and value <= 1000000) then
    return "a number above 0, at most 1000000"
  end
end

function check.integer(least, most)
  return function(value)
    if type(value) ~= "number" or value % 1 ~= 0 or value < least or value > most then
      return ("a whole number from %d to %d"):format(least, most)
    end
  end
end

function check.one_of(...)
  local names = { ... }
  return function(value)
    for _, name in ipairs(names) do
      if value == name then
        return nil
      end
    end
    return '"' .. table.concat(names, '", "') .. '"'
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

-- A file that can be opened now: a wrong path is a mistake of the program, not of the world.
function check.readable(value)
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
    if rawget(value, count) == nil or check.integer(-2 ^ 31, 2 ^ 31)(code) then
      return expected
    end
  end
  return count == 0 and expected or nil
end

return check
