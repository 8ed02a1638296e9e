-- "Did you mean ...?", for names: of options, of their values, of what the command line has.

local MOST_EDITS = 2

-- How many edits two words are apart, or a number above the limit. Without the core, of which a message may be to come,
-- nothing is near.
local function distance(a, b)
  local found, core = pcall(require, "postevent.core")
  return found and core.distance(a, b, MOST_EDITS) or MOST_EDITS + 1
end

-- How far a name may be: what is short is near to everything.
local function reach(name)
  return math.min(MOST_EDITS, math.max(1, math.floor(#(name:gsub("^%-+", "")) / 3)))
end

-- Whether one of the two is the other's beginning: "--defs" of "--definitions", "--dry" of "--dry-run", and
-- "--timeout-ms" begins with "--timeout". Three letters that are the same would lead astray.
local function begins(word, name)
  local stem = word:gsub("(%l)s$", "%1")
  if stem:find("%l") and name:sub(1, #stem) == stem then
    return true
  end
  return word:sub(1, #name) == name and word:find("^[-_]", #name + 1) ~= nil
end

-- The one of `names` that was probably meant by `word`: the nearest, of those that are as near the first; or, unless
-- `spelled` (a slip of spelling, and no more), the only one that begins so. nil: none.
return function(word, names, spelled)
  local best, least, started, count = nil, MOST_EDITS + 1, nil, 0
  for _, name in ipairs(names) do
    local edits = distance(word, name)
    if edits < least and edits <= reach(name) then
      best, least = name, edits
    end
    if not spelled and begins(word, name) then
      started, count = name, count + 1
    end
  end
  return best or (count == 1 and started) or nil
end
