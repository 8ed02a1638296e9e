-- What the user gave -> the value of every property, by name, checked against properties.lua and completed with the
-- defaults. Raises a message that names the option; a value that may be a secret is never quoted.

local check = require("postevent.options.check")
local properties = require("postevent.options.properties")
local words = require("postevent.options.words")

-- The properties by group and name: { [""] = { timeout = property }, queue = { wait = property } }
local known = { [""] = {} }
local required = {} -- property -> the name of its group

for _, property in ipairs(properties) do
  local group, field = property.name:match("^(.+)%.(.*)$")
  if property.type == "group" then
    known[property.name] = {}
  end
  known[group or ""][field or property.name] = property
  required[property] = property.required and group or nil
end

-- Checks every value of `given` and stores it in `values`. `group` is "", "tls" or "relay.tls".
local function read_all(given, group, values)
  local fields = known[group]
  for name, value in next, given do
    local property = fields[name]
    if not property then
      error("unknown option: " .. words.unknown(name, group), 0)
    end
    local expected, reason, key = check[property.type](value, property)
    if key then
      error(words.refusal(("%s[%s]"):format(property.name, key), value[key], check.CODE, expected, reason), 0)
    elseif expected then
      error(words.refusal(property.name, value, property, expected, reason), 0)
    end
    if property.type == "group" then
      read_all(value, property.name, values)
    end
    values[property.name] = value
  end
end

-- Whether what an option needs is given: { name } or { name, value }.
local function is_met(needs, values)
  local value = values[needs[1]]
  return value ~= nil and (needs[2] == nil or value == needs[2])
end

-- What is given and would do nothing was meant to do something. Before there are defaults.
local function check_needs(values)
  for _, property in ipairs(properties) do
    local needs = values[property.name] ~= nil and property.needs
    if needs and not is_met(needs, values) then
      local wanted = needs[2] ~= nil and (" = %s"):format(words.describe(needs[2], property)) or ""
      error(("%s: needs %s%s"):format(property.name, needs[1], wanted), 0)
    end
  end
end

-- read(given) -> { timeout = 15, ["queue.wait"] = 1, ... }: what is not set and has no default is absent.
return function(given)
  if type(given) ~= "table" then
    error(("expected a table of options, got %s"):format(words.describe(given)), 0)
  end
  local values = {}
  read_all(given, "", values)
  check_needs(values)
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
