-- What was probably meant by a name that is no option: it stands elsewhere, it is what other clients call the same, or
-- it is nearly one. A hint names the right option, or there is none: to be sent astray is worse.

local ascii = require("postevent.ascii")
local find_nearest = require("postevent.nearest")
local others = require("postevent.options.others")
local properties = require("postevent.options.properties")

local names = {}

-- "maxEvents", "max-events" and " MAX_EVENTS" are max_events, and "queue_max_events" is queue.max_events.
local function simplify(name)
  return ascii.lower(name:gsub("[%s_.-]", ""))
end

-- The same with its words told apart: "certFile" is "cert_file".
local function in_words(name)
  return ascii.lower(name:gsub("(%l)(%u)", "%1_%2"):gsub("[%s.-]", "_"))
end

-- The group of a full name ("" is the table itself), and the field there.
local function split(full)
  local group, field = full:match("^(.+)%.(.*)$")
  return group or "", field or full
end

-- ---- the options ----

local fields = {} -- group -> the names of its fields
local types = {} -- full name -> type
local by_simple = {} -- full name, simplified -> full name
local owners = {} -- field -> the full name of the option, where one alone has it

local several = {}

local function note_owner(field, full)
  several[field] = several[field] or owners[field] ~= nil
  owners[field] = not several[field] and full or nil
end

for _, property in ipairs(properties) do
  local group, field = split(property.name)
  fields[group] = fields[group] or {}
  table.insert(fields[group], field)
  types[property.name] = property.type
  by_simple[simplify(property.name)] = property.name
  if group ~= "relay.tls" then -- it has what tls has, which is meant where nothing else is said
    note_owner(field, property.name)
  end
end

local everywhere, by_field = {}, {} -- their names; and simplified -> full name

for field, full in pairs(owners) do
  everywhere[#everywhere + 1] = field
  by_field[simplify(field)] = full
end
table.sort(everywhere)

-- ---- what is near ----

-- The longest of the list that begins the name in whole words, or the only one that the name begins so.
local function by_words(name, list)
  local longer, count, shorter = nil, 0, nil
  for _, candidate in ipairs(list) do
    if candidate:sub(1, #name + 1) == name .. "_" then
      longer, count = candidate, count + 1
    elseif name:sub(1, #candidate + 1) == candidate .. "_" and #candidate > #(shorter or "") then
      shorter = candidate
    end
  end
  return shorter or (count == 1 and longer) or nil
end

-- The one of the list that is nearly the name; or nil.
local function nearest_of(name, list)
  local simple, back = {}, {}
  for i, candidate in ipairs(list) do
    simple[i] = simplify(candidate)
    back[simple[i]] = candidate
  end
  local wanted = simplify(name)
  return wanted ~= "" and (back[find_nearest(wanted, simple, true)] or by_words(in_words(name), list)) or nil
end

-- The full name of an option that other clients give that name in the group; false: none is; or nil.
local function other_in(group, simple)
  local option = (others.inside[group == "relay.tls" and "tls" or group] or {})[simple]
  local full = option and group .. "." .. option
  return types[full] and full or option
end

-- The full name of the option that is called `simple`, here or elsewhere; false: it is known that none is; or nil.
local function known_as(simple, group)
  local full = by_simple[simplify(group) .. simple]
  if full == nil then
    full = other_in(group, simple)
  end
  if full == nil then
    full = others.anywhere[simple]
  end
  return full == nil and (by_simple[simple] or by_field[simple]) or full
end

-- The same of the name without the unit that it ends in, for an option in seconds.
local function known_with_unit(simple, group)
  for _, unit in ipairs { "milliseconds", "millis", "msec", "ms", "seconds", "secs", "sec" } do
    local full = simple:sub(-#unit) == unit and known_as(simple:sub(1, -#unit - 1), group)
    if full and types[full] == "seconds" then
      return full
    end
  end
end

-- The full name of the option that was meant in `group`, and whether the name has another unit; or nil. What is surest
-- comes first.
local function meant(name, group)
  local simple = simplify(name)
  local full = known_as(simple, group)
  if full ~= nil then
    return full or nil
  end
  full = known_with_unit(simple, group)
  if full then
    return full, true
  end
  local near = nearest_of(name, fields[group])
  return near and (group ~= "" and group .. "." or "") .. near or owners[nearest_of(name, everywhere)]
end

-- ---- the words ----

-- How an option is written that stands in `group`.
local function written(name)
  local group, rest = name:match("^([%w_]+)%.(.*)$")
  return group and ("%s = { %s }"):format(group, written(rest)) or name .. " = ..."
end

-- The words that follow a name in `group` that is none of its fields: ", did you mean timeout?"; or "".
function names.suggest(name, group)
  local full, has_unit = meant(name, group)
  if not full then
    return ""
  end
  local owner, field = split(full)
  if field == name or full == name then
    return (", it is written %s%s"):format(written(full), group ~= "" and ", outside of " .. group or "")
  end
  return (", did you mean %s%s?"):format(owner == group and field or written(full), has_unit and ", in seconds" or "")
end

return names
