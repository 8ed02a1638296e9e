-- The text of a JSON object, member by member: what is left of it stays as it was written. Without LPeg, which JSON
-- Lines do not need.

local json = require("postevent.json")

local object = {}

-- Where the text ends that begins at `at`, with a quote; nil: it does not.
local function text_end(raw, at)
  local escapes
  repeat
    at = raw:find('["\\]', at + 1)
    escapes = at and raw:byte(at) == 92
    at = escapes and at + 1 or at
  until not escapes
  return at
end

local STEP = { ["{"] = 1, ["["] = 1, ["}"] = -1, ["]"] = -1 }

-- The members, as they are written; nil: it is no object.
local function split(raw)
  local _, at = raw:find("^%s*{")
  local list, depth, from = {}, 1, at and at + 1
  while at and depth > 0 do
    at = raw:find('["{}%[%],]', at + 1)
    local character = at and raw:sub(at, at)
    depth = depth + (STEP[character or ""] or 0)
    if character == '"' then
      at = text_end(raw, at)
    elseif at and (depth == 0 or (character == "," and depth == 1)) then
      list[#list + 1], from = raw:sub(from, at - 1), at + 1
    end
  end
  return at and raw:find("^%s*$", from) and list or nil
end

local function name_of(member)
  local start = member:match('^%s*()"')
  local stop = start and text_end(member, start)
  return stop and (json.decode("[" .. member:sub(start, stop) .. "]") or {})[1]
end

-- The object without the members of these names, a set; as it is where it has none of them, or is no object.
function object.without(raw, names)
  local kept, has_any = {}, false
  for _, member in ipairs(split(raw) or {}) do
    local is_named = names[name_of(member) or false]
    has_any = has_any or is_named
    kept[#kept + 1] = not is_named and member or nil
  end
  return has_any and "{" .. table.concat(kept, ",") .. "}" or raw
end

return object
