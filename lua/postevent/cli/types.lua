-- Writes definitions as types of the Lua language server, to go with library/postevent.lua: a class for each event, and
-- client:post, client:track and client:encode for each class, so that an editor completes and checks the attributes.

local output = require("postevent.cli.output")

local types = {}

local TYPES = { DOUBLE = "number", INTEGER = "integer", BOOLEAN = "boolean", DATE = "string|number" }

-- What every event may have (platform.md, Standard attributes), and is not in definitions.
local STANDARD = {
  { "eventDateTime", "string|number", "When it happened: a date, or seconds since 1970. Absent: now." },
  { "storeUnitID", "string" },
  { "orgResolver", "table", "For a parent organisation that routes to its children." },
}

-- The client fills it where it is absent, unless it is told otherwise (the option id_attribute).
local ID = "external_event_id"

local METHODS = {
  { name = "post", returns = "postevent.reply?, string?, postevent.code?, postevent.detail?" },
  { name = "track", returns = "integer?, string?, postevent.code?, postevent.detail?" },
  { name = "encode", returns = "string?, string?, postevent.code?, postevent.detail?" },
}

-- A value in quotes; nil where none fit: a type must not end early, and a comment must not end at all; nor where it
-- could not be shown as it is.
local function quote(value)
  if value:find("\\", 1, true) or output.printable(value) ~= value then
    return nil
  elseif not value:find('"', 1, true) then
    return '"' .. value .. '"'
  end
  return not value:find("'", 1, true) and "'" .. value .. "'" or nil
end

-- "1"|"2", or string where one of the values cannot be written so.
local function union(values)
  local literals = {}
  for i, value in ipairs(values or {}) do
    literals[i] = quote(value)
    if not literals[i] then
      return "string"
    end
  end
  return literals[1] and table.concat(literals, "|") or "string"
end

local function type_of(attribute)
  if attribute.type == "ENUM" then
    return union(attribute.values)
  end
  return TYPES[attribute.type] or "string"
end

-- "CUSTOMER (mobile), unique, sensitive, matches [0-9]{4}"
local function describe(attribute)
  local parts = { attribute.type .. (attribute.identifier and (" (%s)"):format(attribute.identifier) or "") }
  parts[#parts + 1] = attribute.unique and "unique" or nil
  parts[#parts + 1] = attribute.sensitive and "sensitive" or nil
  parts[#parts + 1] = attribute.regex and "matches " .. attribute.regex or nil
  return output.printable(table.concat(parts, ", "))
end

-- An attribute's name as a field: name, ["a name"]; nil where it cannot be written.
local function field_name(name)
  if name:find("^[%a_][%w_]*$") then
    return name
  end
  local quoted = quote(name)
  return quoted and "[" .. quoted .. "]"
end

local function add_field(lines, name, kind, is_required, text)
  local field = field_name(name)
  if not field then
    return
  end
  if text then
    lines[#lines + 1] = "---" .. text
  end
  -- The mark of a field in brackets belongs to its type.
  local mark = is_required and "" or "?"
  if field:find("^%[") then
    kind = mark ~= "" and ("(%s)?"):format(kind) or kind
    mark = ""
  end
  lines[#lines + 1] = ("---@field %s%s %s"):format(field, mark, kind)
end

local function add_class(lines, event, class)
  local given = { event_name = true }
  lines[#lines + 1] = ""
  lines[#lines + 1] = ("---The event %s%s"):format(output.printable(event.name),
    event.published and "." or ", which is not published.")
  lines[#lines + 1] = ("---@class %s: postevent.event"):format(class)
  add_field(lines, "event_name", quote(event.name) or "string", true)
  for _, attribute in ipairs(event.attributes) do
    if not given[attribute.name] then
      given[attribute.name] = true
      add_field(lines, attribute.name, type_of(attribute), attribute.required and attribute.name ~= ID,
        describe(attribute))
    end
  end
  for _, standard in ipairs(STANDARD) do
    if not given[standard[1]] then
      add_field(lines, standard[1], standard[2], false, standard[3])
    end
  end
end

-- A name of a class for each event, in the same order, no two the same.
local function class_names(events)
  local names, taken = {}, {}
  for i, event in ipairs(events) do
    local name = "postevent.event." .. event.name:gsub("[^%w_]", "_")
    while taken[name] do
      name = name .. "_"
    end
    taken[name] = true
    names[i] = name
  end
  return names
end

-- The types of normalised events, as the text of a Lua file that is never run. `source`: where they are from.
function types.write(events, source)
  local lines = { "---@meta", "",
    ("-- Events of %s, written by `postevent definitions types`."):format(output.printable(source)) }
  local classes = class_names(events)
  for i, event in ipairs(events) do
    add_class(lines, event, classes[i])
  end
  lines[#lines + 1] = ""
  -- Fields, not @overload: that is not looked at while an argument of a method is completed.
  lines[#lines + 1] = "---@class postevent.client"
  for _, method in ipairs(METHODS) do
    for _, class in ipairs(classes) do
      lines[#lines + 1] = ("---@field %s fun(self: postevent.client, event: %s): %s"):format(method.name, class,
        method.returns)
    end
  end
  return table.concat(lines, "\n")
end

return types
