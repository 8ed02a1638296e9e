-- Copies of a caller's tables, so that ours can be completed and kept while theirs never changes. Keys are read raw,
-- metatables left behind (but for those of empty tables): what was checked is what is read.

local copy = {}

-- The core refuses what nests deeper than 32 tables; what lies below that is not worth copying.
local MAX_DEPTH = 34

-- An empty table may say by its metatable that it is an array (cjson.array_mt). One with a finalizer says something
-- else, and a copy must not be finalized.
local function keep_marker(value, result)
  local metatable = getmetatable(value)
  if type(metatable) == "table" and rawget(metatable, "__gc") == nil then
    setmetatable(result, metatable)
  end
  return result
end

local function copy_below(value, depth, seen)
  if type(value) ~= "table" or depth > MAX_DEPTH then
    return value
  end
  if not seen[value] then
    local result = {}
    seen[value] = result
    if next(value) == nil then
      return keep_marker(value, result)
    end
    for key, inner in next, value do
      result[key] = copy_below(inner, depth + 1, seen)
    end
  end
  return seen[value]
end

-- The value and all that is in it. A table that is met twice is copied once, so cycles are safe.
function copy.deep(value)
  return copy_below(value, 0, {})
end

-- A table of the same pairs. A value that is a table stays the caller's, with its metatable: compiled definitions need
-- theirs.
function copy.shallow(given)
  local result = {}
  for key, value in next, given do
    result[key] = value
  end
  return result
end

return copy
