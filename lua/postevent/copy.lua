-- Copies of a caller's tables, so that ours can be completed and kept while theirs never changes.

-- The core refuses what nests deeper than 32 tables; what lies below that is not worth copying.
local MAX_DEPTH = 34

-- A deep copy, keys read raw, metatables left behind. A table that is met twice is copied once, so cycles are safe.
local function copy(value, depth, seen)
  if type(value) ~= "table" or depth > MAX_DEPTH then
    return value
  end
  if not seen[value] then
    local result = {}
    seen[value] = result
    for key, inner in next, value do
      result[key] = copy(inner, depth + 1, seen)
    end
  end
  return seen[value]
end

return function(value)
  return copy(value, 0, {})
end
