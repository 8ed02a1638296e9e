-- What a cell of CSV is where its attribute has a type: "20" is a number where the definition says so, or --types.

local json = require("postevent.json")

local types = {}

types.NAMES = { number = true, boolean = true, text = true, json = true }

local BOOLEANS = { ["true"] = true, ["false"] = false, ["TRUE"] = true, ["FALSE"] = false, ["True"] = true,
  ["False"] = false } -- as spreadsheets write it, too
local OF_DEFINITION = { DOUBLE = "number", INTEGER = "number", BOOLEAN = "boolean" }
local MOST_DIGITS = 15 -- that every Lua keeps

-- The name of the type for an attribute of that type in a definition.
function types.of_definition(kind)
  return OF_DEFINITION[kind] or "text"
end

local function trim(text)
  return text:match("^%s*(.-)%s*$")
end

-- Any JSON; or nil and why not.
local function read_json(text, wanted)
  local value, message = json.decode_attribute(text)
  if message or (wanted and type(value) ~= wanted) then
    return nil, message and message:match("^line %d+, column %d+: (a number of 2.*)$")
  end
  return value
end

local readers = {}

function readers.number(cell)
  local text = trim(cell)
  if #text <= MOST_DIGITS and text:find("^%-?[1-9]%d*$") then
    return tonumber(text)
  end
  local value, why = read_json(text, "number")
  return value, why or "expected a number"
end

function readers.boolean(cell)
  return BOOLEANS[trim(cell)], "expected true or false"
end

function readers.json(cell)
  return read_json(cell), "expected JSON"
end

-- The value of a cell; or nil and what was expected.
function types.read(cell, name)
  local reader = readers[name]
  if not reader then
    return cell
  end
  return reader(cell)
end

return types
