-- Reads the annotations of library/postevent.lua, as far as the specs ask: classes with their fields, aliases,
-- functions.
local files = require "support.files"

local annotations = {}

-- "timeout? number Seconds ... Default: `15`." -> name, field
local function read_field(text)
  local name, rest = text:match "^(%S+)%s+(.*)$"
  local field = { optional = name:sub(-1) == "?", text = rest }
  field.type = rest:match "^%b{}" or rest:match "^fun%b():%s*%S+" or rest:match "^fun%b()" or rest:match "^table%b<>"
    or rest:match "^%S+"
  field.default = rest:match "Default: `(.-)`"
  return (name:gsub("%?$", "")), field
end

-- { classes = { name = { field = { type, optional, default, text } } }, aliases = { name = { value = true } },
--   functions = { object = { name = true } } }
function annotations.read(path)
  local result = { classes = {}, aliases = {}, functions = {} }
  local class, alias
  for line in files.read(path):gmatch "([^\n]*)\n" do
    local tag, rest = line:match "^%-%-%-@(%l+)%s*(.*)$"
    local value = line:match '^%-%-%-| "(.-)"'
    local object, name = line:match "^function ([%w_]+)[.:]([%w_]+)%("
    if tag == "class" then
      class = {}
      result.classes[rest:match "^%S+"] = class
    elseif tag == "alias" then
      alias = {}
      result.aliases[rest:match "^%S+"] = alias
    elseif tag == "field" then
      local field_name, field = read_field(rest)
      assert(not class[field_name], field_name .. " is there twice")
      class[field_name] = field
    elseif value then
      alias[value] = true
    elseif object then
      result.functions[object] = result.functions[object] or {}
      result.functions[object][name] = true
    end
  end
  return result
end

-- ---- the options ----

local LUATYPES = { text = "string", file = "string", attribute = "string", boolean = "boolean", seconds = "number",
  number = "number", integer = "integer", codes = "integer[]" }

local function luatype(property)
  if property.luatype then
    return property.luatype
  elseif property.type == "group" then
    return "postevent." .. property.name
  end
  return property.values and '"' .. table.concat(property.values, '"|"') .. '"' or LUATYPES[property.type]
end

-- A default as Lua writes it.
local function literal(value)
  if type(value) == "table" then
    return "{ " .. table.concat(value, ", ") .. " }"
  elseif type(value) == "number" then
    return ("%.14g"):format(value)
  end
  return type(value) == "string" and ('"%s"'):format(value) or tostring(value)
end

-- The line for a property of postevent/options/properties.lua.
function annotations.write(property, name)
  local words = { "---@field", name .. (property.required and "" or "?"), luatype(property), property.text }
  if property.least then
    words[#words + 1] = ("%d to %d."):format(property.least, property.most)
  end
  if property.default ~= nil then
    words[#words + 1] = ("Default: `%s`."):format(literal(property.default))
  end
  return table.concat(words, " ")
end

-- The fields of a class, line by line.
function annotations.lines(path, class)
  local lines, inside = {}, false
  for line in files.read(path):gmatch "([^\n]*)\n" do
    inside = inside and line ~= "" or line == "---@class " .. class
    lines[#lines + 1] = inside and line:find "^%-%-%-@field" and line or nil
  end
  return lines
end

return annotations
