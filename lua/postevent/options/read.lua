-- What the user gave -> the value of every property, by name, checked against properties.lua and completed with the
-- defaults. Raises a message that names the option; a value that may be a secret is never quoted.

local check = require("postevent.options.check")
local core = require("postevent.core")
local properties = require("postevent.options.properties")

-- The properties by group and name: { [""] = { timeout = property }, queue = { wait = property } }
local known = { [""] = {} }
local required = {} -- property -> the name of its group

for _, property in ipairs(properties) do
  local group, field = property.name:match("^([%w_]+)%.(.*)$")
  if property.type == "group" then
    known[property.name] = {}
  end
  known[group or ""][field or property.name] = property
  required[property] = property.required and group or nil
end

-- Text is never quoted, and neither is what stands where a secret belongs.
local function describe(value, property)
  if not (property and property.secret) and (type(value) == "number" or type(value) == "boolean") then
    return tostring(value)
  end
  return type(value) == "string" and "text" or "a " .. type(value)
end

-- ", did you mean timeout?" or nothing.
local function suggestion(name, candidates)
  local nearest, least = nil, 3
  for candidate in pairs(candidates) do
    local distance = core.distance(name, candidate, 2)
    if distance < least or (distance == least and nearest and candidate < nearest) then
      nearest, least = candidate, distance
    end
  end
  return nearest and (", did you mean %s?"):format(nearest) or ""
end

-- Checks every value of `given` and stores it in `values`. `prefix` is "" or "tls."; `fields`: what there may be.
local function read_all(given, fields, prefix, values)
  for name, value in next, given do
    local property = fields[name]
    if not property then
      local meant = type(name) == "string" and name .. suggestion(name, fields) or describe(name)
      error(("unknown option: %s%s"):format(prefix, meant), 0)
    end
    local expected = check[property.type](value, property)
    if expected then
      error(("%s: expected %s, got %s"):format(property.name, expected, describe(value, property)), 0)
    end
    if property.type == "group" then
      read_all(value, known[name], name .. ".", values)
    end
    values[property.name] = value
  end
end

-- read(given) -> { timeout = 15, ["queue.wait"] = 1, ... }: what is not set and has no default is absent.
return function(given)
  if type(given) ~= "table" then
    error(("expected a table of options, got %s"):format(describe(given)), 0)
  end
  local values = {}
  read_all(given, known[""], "", values)
  for _, property in ipairs(properties) do
    if values[property.name] == nil then
      values[property.name] = property.default
    end
    if required[property] and values[required[property]] and values[property.name] == nil then
      error(property.name .. ": missing", 0)
    end
  end
  return values
end
