-- Copies of a caller's tables, so that ours can be completed and kept while theirs never changes. Keys are read raw,
-- metatables left behind: what was checked is what is read. But a table may stand for something: what a JSON library
-- has as its null is itself in the copy too, and what says of itself what it is still says so.

local core = require("postevent.native")("postevent.core")

local copy = {}

-- The core refuses what nests deeper than 32 tables; what lies below that is not worth copying.
local MAX_DEPTH = 34

-- What the copying of one value has seen: `copies` by the original; `markers`, once they were asked for.
local function find_markers(state)
  state.markers = state.markers or core.markers()
  return state.markers
end

local function says_something(metatable, state)
  return rawget(metatable, "__jsontype") ~= nil or rawget(metatable, "__serialize") ~= nil
    or rawget(metatable, "__tojson") ~= nil or find_markers(state)[metatable]
end

-- An empty table keeps its metatable, whatever that is, since a library may know it by that; another if that says what
-- the table is in JSON. One with a finalizer says something else, and a copy must not be finalized.
local function keep_metatable(value, result, state)
  local metatable = getmetatable(value)
  if type(metatable) ~= "table" or rawget(metatable, "__gc") ~= nil then
    return
  end
  if next(value) == nil or says_something(metatable, state) then
    setmetatable(result, metatable)
  end
end

local function copy_below(value, depth, state)
  if type(value) ~= "table" or depth > MAX_DEPTH then
    return value
  end
  if next(value) == nil and find_markers(state)[value] then
    return value
  end
  if not state.copies[value] then
    local result = {}
    state.copies[value] = result
    for key, inner in next, value do
      result[key] = copy_below(inner, depth + 1, state)
    end
    keep_metatable(value, result, state)
  end
  return state.copies[value]
end

-- The value and all that is in it. A table that is met twice is copied once, so cycles are safe.
function copy.deep(value)
  return copy_below(value, 0, { copies = {} })
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
