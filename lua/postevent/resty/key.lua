-- Options -> a text that is the same for options that are equal, down to the tables in them, and for no others. What
-- has an identity of its own (functions, what other modules made) is equal to itself alone. It holds whatever the
-- options hold, credentials too: it is a key, and shown to nobody.

local numbers = setmetatable({}, { __mode = "k" }) -- what has an identity -> its number, which is never used again
local last = 0

local function number_of(value)
  if not numbers[value] then
    last = last + 1
    numbers[value] = last
  end
  return numbers[value]
end

local key_of

-- Of a table that does not stand in itself.
local function fields_of(value, above)
  local fields = {}
  above[value] = true
  for name, field in next, value do
    fields[#fields + 1] = key_of(name, above) .. key_of(field, above)
  end
  above[value] = nil
  table.sort(fields)
  return "{" .. table.concat(fields) .. "}"
end

function key_of(value, above)
  local kind = type(value)
  if kind == "string" then
    return ("s%d:%s"):format(#value, value)
  elseif kind == "number" then
    return ("n%.17g;"):format(value)
  elseif kind == "boolean" then
    return value and "t" or "f"
  elseif kind == "table" and not getmetatable(value) and not above[value] then
    return fields_of(value, above)
  end
  return ("i%d;"):format(number_of(value))
end

return function(options)
  return key_of(options, {})
end
