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

return annotations
