-- Reads the small values of definitions, in the platform's form and in the short one: flags, texts, lists.

local ascii = require("postevent.ascii")
local core = require("postevent.native")("postevent.core")

local values = {}

function values.raise(format, ...)
  error(format:format(...), 0)
end

-- JSON's null, lua-cjson's light userdata, is as good as nothing.
function values.given(value)
  if type(value) == "userdata" then
    return nil
  end
  return value
end

-- A flag: a boolean, the text "true" or "false", or { value = ... } of one of these; absent: `default`.
function values.flag(flag, default, where)
  flag = values.given(flag)
  if type(flag) == "table" then
    flag = values.given(flag.value)
  end
  if flag == nil or flag == "" then
    return default
  end
  local text = ascii.lower(tostring(flag))
  if text ~= "true" and text ~= "false" then
    values.raise("%s: expected true or false", where)
  end
  return text == "true"
end

-- The text of an attribute's attribute: itself, or its `value`; "" counts as absent.
function values.text(value, where)
  value = values.given(value)
  if type(value) == "table" then
    value = values.given(value.value)
  end
  if value ~= nil and type(value) ~= "string" then
    values.raise("%s: expected text", where)
  end
  return value ~= "" and value or nil
end

local function is_finite(number)
  return number - number == 0
end

-- A list of texts, or its `values`; "" counts as absent, as for a text.
function values.list(list, where)
  list = values.given(list)
  if type(list) == "table" then
    list = values.given(list.values) or list
  end
  if list == nil or list == "" then
    return nil
  elseif type(list) ~= "table" then
    values.raise("%s: the possible values must be a list", where)
  end
  local result = {}
  for _, value in ipairs(list) do
    if type(value) == "number" and is_finite(value) then
      value = core.number(value) -- as it stands in JSON, whatever the locale
    end
    if type(value) ~= "string" then
      values.raise("%s: the possible values must be text", where)
    end
    result[#result + 1] = value
  end
  return result
end

return values
