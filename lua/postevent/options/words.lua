-- What a message says of the value that was given for an option, and of what was probably meant. A value is quoted
-- where it is no secret.

local ascii = require("postevent.ascii")
local check = require("postevent.options.check")
local find_nearest = require("postevent.nearest")
local names = require("postevent.options.names")
local printable = require("postevent.printable")

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
  number = true, integer = true, codes = true, log = true }

-- A number as Lua's and JSON's texts have it, whatever the locale's decimal point is.
local function show_number(number)
  return (("%.14g"):format(number):gsub("[^%w+-]+", "."))
end

-- A value of `property`; or, without one, of what is no option's. What stands in place of a table or a function may be
-- anything, and is not shown.
function words.describe(value, property)
  local kind = type(value)
  if value == "" then
    return "empty text"
  elseif property and property.secret then
    return kind == "string" and "text" or "a " .. kind
  elseif kind == "number" then
    return show_number(value)
  elseif kind == "boolean" or kind == "nil" then
    return tostring(value)
  elseif kind ~= "string" then
    return "a " .. kind
  end
  local shown = property and QUOTED[property.type] and show(value)
  return shown and '"' .. shown .. '"' or "text"
end

-- The same of a name, which is no secret.
function words.name(name)
  return words.describe(name, { type = "text" })
end

-- ---- what was probably meant ----

-- "maxEvents", "max-events" and " MAX_EVENTS" are "max_events".
local function simplify(name)
  return ascii.lower(name:gsub("[%s_-]", ""))
end

-- The nearest name of a list, where one is near; or nil.
local function nearest_of(name, list)
  local simple, by_simple = {}, {}
  for i, candidate in ipairs(list) do
    simple[i] = simplify(candidate)
    by_simple[simple[i]] = candidate
  end
  local wanted = simplify(name)
  return by_simple[wanted] or by_simple[wanted ~= "" and find_nearest(wanted, simple)]
end

-- The same of the `candidates`: name -> anything.
function words.nearest(name, candidates)
  local list = {}
  for candidate in pairs(candidates) do
    list[#list + 1] = candidate
  end
  table.sort(list)
  return nearest_of(name, list)
end

-- "did you mean "live"?", of a text that should be one of the list; or nil.
function words.meant(text, list)
  local near = type(text) == "string" and nearest_of(text, list)
  return near and ('did you mean "%s"?'):format(near) or nil
end

-- What may be the matter with a value of `property` that was refused: each returns words, or nothing.
local HINTS = {
  function(value, property) -- milliseconds
    if property.type == "seconds" and type(value) == "number" and value > property.most
        and not check.seconds(value / 1000, property) then
      return ("seconds, not milliseconds: %s?"):format(show_number(value / 1000))
    end
  end,
  function(value, property)
    return type(value) == "string" and (property.least or property.above) and tonumber(value)
      and "a number is written without quotes"
  end,
  function(value, property)
    local flag = property.type == "boolean" and type(value) == "string" and ascii.lower(value)
    return (flag == "true" or flag == "false") and flag .. " is written without quotes"
  end,
  function(value, property)
    return property.values and words.meant(value, property.values)
  end,
  function(value, property)
    return property.type == "codes" and type(value) == "number" and "a list of one is written { ... }"
  end,
}

-- The first of these, or nil.
function words.hint(value, property)
  for _, hint in ipairs(property.secret and {} or HINTS) do
    local text = hint(value, property)
    if text then
      return text
    end
  end
end

-- All of the message about a value that was refused: "mode: expected ..., got "Live" (did you mean "live"?)". `name`:
-- what it is called; `property`: what is known of it, as in properties.lua; nil: nothing, and no text of it is shown;
-- `expected` and `reason`: of check.lua.
function words.refusal(name, value, property, expected, reason)
  reason = reason or property and words.hint(value, property)
  return ("%s: expected %s, got %s%s"):format(name, expected, words.describe(value, property),
    reason and (" (%s)"):format(reason) or "")
end

-- The words for a name in `group` ("" is the table itself) that is no option: "timout, did you mean timeout?"
function words.unknown(name, group)
  local prefix = group ~= "" and group .. "." or ""
  if type(name) ~= "string" then
    return prefix .. words.describe(name)
  end
  return prefix .. (show(name) or "text") .. names.suggest(name, group)
end

return words
