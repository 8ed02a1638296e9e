-- Makes a text that matches an attribute's regex: for samples of events. Understands what people write in such patterns
-- (letters, classes, groups, alternatives, repetitions) and leaves the rest to trying: what it makes is to be checked.

local ascii = require("postevent.ascii")

local sample_text = {}

local MAX_BYTES = 2000 -- of a text; a pattern that asks for more has none
local MANY = 4 -- how many more than it must a repetition is, at most

local CHARACTER = "^[%z\1-\127\192-\247][\128-\191]*()"
local DIGITS = "0123456789"
local LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

-- Raised at what is not understood.
local UNKNOWN = {}

local function attempt(f, ...)
  local ok, result = pcall(f, ...)
  if not ok and result ~= UNKNOWN then
    error(result, 0)
  end
  return ok, result
end

local function set_of(characters)
  local set = {}
  for character in characters:gmatch(".") do
    set[#set + 1] = character
  end
  return set
end

-- The printable characters of ASCII that are not in the set.
local function complement(set)
  local taken, rest = {}, {}
  for _, character in ipairs(set) do
    taken[character] = true
  end
  for byte = 33, 126 do
    local character = string.char(byte)
    rest[#rest + 1] = not taken[character] and character or nil
  end
  return rest
end

local CLASSES = { d = set_of(DIGITS), w = set_of(LETTERS .. DIGITS .. "_"), s = { " " } }
for _, name in ipairs { "d", "w", "s" } do
  CLASSES[ascii.upper(name)] = complement(CLASSES[name])
end
CLASSES.t, CLASSES.n, CLASSES.r = { "\t" }, { "\n" }, { "\r" }

local NOTHING = { kind = "all" }

-- ---- reading: a node is { kind = "set" | "all" | "one" | "times", ... } ----

local function take_character(cursor)
  local stop = cursor.text:match(CHARACTER, cursor.at) or error(UNKNOWN, 0)
  local character = cursor.text:sub(cursor.at, stop - 1)
  cursor.at = stop
  return character
end

-- Takes what the pattern matches here, which begins with "^"; returns its captures, or nil.
local function take(cursor, pattern)
  local start, stop, first, second = cursor.text:find(pattern, cursor.at)
  if start then
    cursor.at = stop + 1
    return first or true, second
  end
end

-- Behind a backslash: the set that it stands for, or an empty node.
local function read_escape(cursor)
  local character = take_character(cursor)
  if CLASSES[character] then
    return { kind = "set", set = CLASSES[character] }
  elseif character:find("^[bBAzZ]$") then
    cursor.is_exact = false
    return NOTHING
  elseif character:find("^%w$") then
    error(UNKNOWN, 0)
  end
  return { kind = "set", set = { character } }
end

local function add_range(set, first, last)
  if #first > 1 or #last > 1 or first > last then
    error(UNKNOWN, 0)
  end
  for byte = first:byte(), last:byte() do
    set[#set + 1] = string.char(byte)
  end
end

local function read_class_item(cursor, set)
  if take(cursor, "^\\") then
    for _, character in ipairs(read_escape(cursor).set or error(UNKNOWN, 0)) do
      set[#set + 1] = character
    end
    return
  end
  local first = take_character(cursor)
  if first == "[" or (first == "&" and cursor.text:find("^&", cursor.at)) then
    error(UNKNOWN, 0)
  end
  if cursor.text:find("^%-[^%]\\]", cursor.at) then
    cursor.at = cursor.at + 1
    add_range(set, first, take_character(cursor))
  else
    set[#set + 1] = first
  end
end

-- Behind "[".
local function read_class(cursor)
  local negated, set = take(cursor, "^%^"), {}
  repeat
    read_class_item(cursor, set)
  until take(cursor, "^%]")
  set = negated and complement(set) or set
  if not set[1] then
    error(UNKNOWN, 0)
  end
  return { kind = "set", set = set }
end

local read_alternatives

-- Behind "(". Of what looks ahead or behind, and of flags, nothing is understood: they stand for nothing.
local function read_group(cursor)
  local is_plain = not cursor.text:find("^%?", cursor.at) or take(cursor, "^%?:") or take(cursor, "^%?<%a%w*>")
  if not is_plain then
    cursor.is_exact = false
    is_plain = take(cursor, "^%?[%a-]+:")
  end
  if not is_plain and not take(cursor, "^%?[%a-]+") and not take(cursor, "^%?<?[=!]") then
    error(UNKNOWN, 0)
  end
  local inner = read_alternatives(cursor)
  if not take(cursor, "^%)") then
    error(UNKNOWN, 0)
  end
  return is_plain and inner or NOTHING
end

local function read_atom(cursor)
  if take(cursor, "^\\") then
    return read_escape(cursor)
  elseif take(cursor, "^%[") then
    return read_class(cursor)
  elseif take(cursor, "^%(") then
    return read_group(cursor)
  elseif take(cursor, "^[%^$]") then
    return NOTHING
  elseif take(cursor, "^%.") then
    return { kind = "set", set = CLASSES.w }
  elseif cursor.text:find("^[*+?{]", cursor.at) then
    error(UNKNOWN, 0)
  end
  return { kind = "set", set = { take_character(cursor) } }
end

-- Behind an atom: how often at least and at most.
local function read_times(cursor)
  local mark = take(cursor, "^([*+?])")
  if mark then
    return mark == "+" and 1 or 0, mark == "?" and 1 or math.huge
  end
  local least, most = take(cursor, "^{(%d+),?(%d*)}")
  if not least then
    return 1, 1
  end
  local is_open = cursor.text:sub(cursor.at - 2, cursor.at - 2) == ","
  return tonumber(least), tonumber(most) or (is_open and math.huge or tonumber(least))
end

local function read_sequence(cursor)
  local nodes = {}
  while cursor.at <= #cursor.text and not cursor.text:find("^[|)]", cursor.at) do
    local node = read_atom(cursor)
    local least, most = read_times(cursor)
    cursor.is_exact = not take(cursor, "^%+") and cursor.is_exact
    take(cursor, "^%?")
    nodes[#nodes + 1] = { kind = "times", node = node, least = least, most = most }
  end
  nodes.kind = "all"
  return nodes
end

function read_alternatives(cursor)
  local nodes = { kind = "one" }
  repeat
    nodes[#nodes + 1] = read_sequence(cursor)
  until not take(cursor, "^|")
  return nodes
end

-- ---- writing ----

local write = {}

local function add(out, node)
  write[node.kind](out, node)
end

function write.set(out, node)
  local character = node.set[out.random(#node.set)]
  out.size = out.size + #character
  if out.size > MAX_BYTES then
    error(UNKNOWN, 0)
  end
  out[#out + 1] = character
end

function write.all(out, node)
  for _, inner in ipairs(node) do
    add(out, inner)
  end
end

function write.one(out, node)
  add(out, node[out.random(#node)])
end

-- As few as may be, but one where that may be too; with luck more.
function write.times(out, node)
  local least = math.max(node.least, math.min(node.most, 1))
  local count = least + out.random(math.min(node.most - least, MANY) + 1) - 1
  if out.random(MANY) == MANY then
    count = node.least
  end
  for _ = 1, count do
    out.steps = out.steps + 1
    if out.steps > MAX_BYTES then
      error(UNKNOWN, 0)
    end
    add(out, node.node)
  end
end

-- A function that makes a text for the pattern, by random(n) -> 1 to n, each time another one, or nil; and whether what
-- it makes is sure to match, because all of the pattern was understood. Or nil, where too little of it was.
function sample_text.generator(pattern)
  local cursor = { text = pattern, at = 1, is_exact = true }
  local ok, node = attempt(read_alternatives, cursor)
  if not ok or cursor.at <= #pattern then
    return nil
  end
  return function(random)
    local out = { random = random, size = 0, steps = 0 }
    return attempt(add, out, node) and table.concat(out) or nil
  end, cursor.is_exact
end

return sample_text
