-- What a message says of the value that was given for an option, and of what was probably meant. A value is quoted
-- where it is no secret.

local check = require("postevent.options.check")
local core = require("postevent.native")("postevent.core")
local printable = require("postevent.printable")
local properties = require("postevent.options.properties")

local words = {}

local MOST_SHOWN = 200 -- bytes: the path of a file is shown whole

-- Text of the program's in one line, cut. Not where it has lines of its own, or may be a key in place of its file.
local function show(text)
  if text:find("[\r\n]") or text:find("-----BEGIN", 1, true) then
    return nil
  end
  return printable.line(text:sub(1, MOST_SHOWN)) .. (#text > MOST_SHOWN and "..." or "")
end

local QUOTED = { text = true, file = true, attribute = true, version = true, boolean = true, seconds = true,
  number = true, integer = true, codes = true }

-- A value of `property`; or, without one, of what is no option's. What stands in place of a table or a function may be
-- anything, and is not shown.
function words.describe(value, property)
  local kind = type(value)
  if value == "" then
    return "empty text"
  elseif property and property.secret then
    return kind == "string" and "text" or "a " .. kind
  elseif kind == "number" or kind == "boolean" or kind == "nil" then
    return tostring(value)
  elseif kind ~= "string" then
    return "a " .. kind
  end
  local shown = property and QUOTED[property.type] and show(value)
  return shown and '"' .. shown .. '"' or "text"
end

-- What is probably the matter with a value that was refused: " (...)", or nothing.
function words.hint(value, property)
  if property.secret then
    return ""
  elseif property.type == "seconds" and type(value) == "number" and check.seconds(value / 1000, property) == nil then
    return value > property.most and (" (seconds, not milliseconds: %.14g?)"):format(value / 1000) or ""
  elseif type(value) == "string" and (property.least or property.above) and tonumber(value) then
    return " (a number is written without quotes)"
  elseif property.type == "boolean" and (value == "true" or value == "false") then
    return (" (%s is written without quotes)"):format(value)
  end
  return ""
end

-- ---- names of options ----

-- "maxEvents" and "max-events" are "max_events".
local function simplify(name)
  return (name:gsub("[_-]", ""):lower())
end

-- The nearest name of the `candidates`, where one is near; or nil. (name -> anything)
function words.nearest(name, candidates)
  local nearest, least = nil, math.min(3, #name)
  for candidate in pairs(candidates) do
    local distance = core.distance(simplify(name), simplify(candidate), 2)
    if distance < least or (distance == least and nearest and candidate < nearest) then
      nearest, least = candidate, distance
    end
  end
  return nearest
end

-- The options outside of `group` ("" is the table itself): field -> full name. No field has the name of another one.
local function options_outside(group)
  local names = {}
  for _, property in ipairs(properties) do
    local owner, field = property.name:match("^([%w_]+)%.(.*)$")
    if (owner or "") ~= group then
      names[field or property.name] = names[field or property.name] or property.name
      names[property.name] = property.name
    end
  end
  return names
end

-- How an option is written that stands in `group`.
local function written(name)
  local group, field = name:match("^([%w_]+)%.(.*)$")
  return group and ("%s = { %s = ... }"):format(group, field) or name .. " = ..."
end

-- Where an option is that was given in `group`, or under its full name ("queue.wait"); or nil.
local function place_of(name, group, elsewhere)
  local full = elsewhere[name]
  return full and (", it is written %s%s"):format(written(full), group ~= "" and (", outside of " .. group) or "")
end

local function suggestion(name, fields, elsewhere)
  local near, far = words.nearest(name, fields), words.nearest(name, elsewhere)
  local meant = near or far and written(elsewhere[far])
  return meant and (", did you mean %s?"):format(meant) or ""
end

-- The words for a name in `group` that is none of its `fields`: "timout, did you mean timeout?"
function words.unknown(name, group, fields)
  local prefix = group ~= "" and group .. "." or ""
  if type(name) ~= "string" then
    return prefix .. words.describe(name)
  end
  local elsewhere = options_outside(group)
  return prefix .. (show(name) or "text") .. (place_of(name, group, elsewhere) or suggestion(name, fields, elsewhere))
end

return words
