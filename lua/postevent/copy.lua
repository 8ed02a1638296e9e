-- Copies of a caller's tables, so that ours can be completed and kept while theirs never changes. Keys are read raw,
-- metatables left behind: what was checked is what is read. But a table may stand for something: what a JSON library
-- has as its null is itself in the copy too, and what says of itself what it is still says so.

local core = require("postevent.native")("postevent.core")

local copy = {}

-- The copying of one value: `copies` by the original; `todo`, a list of the originals whose copies are empty still;
-- `markers`, once they were asked for.
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
  local metatable = core.metatable(value) -- it may be protected: the core sees it all the same
  if not metatable or rawget(metatable, "__gc") ~= nil then
    return
  end
  if next(value) == nil or says_something(metatable, state) then
    setmetatable(result, metatable)
  end
end

-- The copy that stands for a value, be it empty so far; what is no table, or a marker, stands for itself.
local function copy_of(value, state)
  if type(value) ~= "table" or (next(value) == nil and find_markers(state)[value]) then
    return value
  end
  if not state.copies[value] then
    state.copies[value] = {}
    state.todo[#state.todo + 1] = value
  end
  return state.copies[value]
end

-- The value and all that is in it, however deep: what is left to the caller, before_send could change. A table that is
-- met twice is copied once, so cycles are safe.
function copy.deep(value)
  local state = { copies = {}, todo = {} }
  local copied = copy_of(value, state)
  while state.todo[1] do
    local original = table.remove(state.todo)
    local result = state.copies[original]
    for key, inner in next, original do
      result[key] = copy_of(inner, state)
    end
    keep_metatable(original, result, state)
  end
  return copied
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
