-- The keys of a fault: what happens, to whom, for how long. The one table of them, from which a fault is checked, read
-- from the command line and written; docs/reference/faults.md is compared with it.
--
-- A key: `name`; `part` ("what", "whom" or "long"); `kind`, and for numbers its bounds: `least`, `most`, `above`.

local keys = {
  { name = "status", part = "what", kind = "integer", least = 200, most = 599 },
  { name = "retry_after", part = "what", kind = "integer", least = 0, most = 86400 },
  { name = "code", part = "what", kind = "integer", least = 0, most = 99999 },
  { name = "html", part = "what", kind = "flag" },
  { name = "unauthorized", part = "what", kind = "flag" },
  { name = "delay", part = "what", kind = "number", above = 0, most = 3600 },
  { name = "drop", part = "what", kind = "word", words = { before = true, after = true, reply = true } },
  { name = "stall", part = "what", kind = "flag" },
  { name = "trickle", part = "what", kind = "number", above = 0, most = 1000000 },
  { name = "taken", part = "what", kind = "boolean" },
  { name = "event", part = "whom", kind = "text", most = 300 },
  { name = "customer", part = "whom", kind = "text", most = 300 },
  { name = "webhook", part = "whom", kind = "text", most = 300 },
  { name = "one", part = "whom", kind = "flag" },
  { name = "share", part = "whom", kind = "number", above = 0, most = 1 },
  { name = "every", part = "whom", kind = "integer", least = 1, most = 1000000 },
  { name = "above", part = "whom", kind = "integer", least = 1, most = 1000000 },
  { name = "times", part = "long", kind = "integer", least = 1, most = 1000000000 },
  { name = "seconds", part = "long", kind = "number", above = 0, most = 1000000 },
  { name = "body", part = "what", kind = "text", most = 4096 }, -- the last: in a text it takes what is behind it
}

keys.names = {}
for _, key in ipairs(keys) do
  keys.names[key.name] = key
end

local check = {}

local function check_number(key, value, what)
  local is_one = type(value) == "number" and value <= key.most
    and (not key.least or value >= key.least) and (not key.above or value > key.above)
  if is_one and (key.kind ~= "integer" or value % 1 == 0) then return nil end
  if key.above then return ("expected a number above %d, at most %d"):format(key.above, key.most) end
  return ("expected %s from %d to %d"):format(what, key.least, key.most)
end

function check.integer(key, value)
  return check_number(key, value, "a whole number")
end

function check.number(key, value)
  return check_number(key, value, "a number")
end

function check.flag(_, value)
  return type(value) ~= "boolean" and "expected true, or the key alone" or nil
end

function check.boolean(_, value)
  return type(value) ~= "boolean" and "expected true or false" or nil
end

function check.text(key, value)
  if type(value) == "string" and value ~= "" and #value <= key.most then return nil end
  return ("expected text of at most %d bytes"):format(key.most)
end

function check.word(key, value)
  if type(value) == "string" and key.words[value] then return nil end
  local words = {}
  for word in pairs(key.words) do
    words[#words + 1] = word
  end
  table.sort(words)
  return "expected " .. table.concat(words, ", "):gsub(", ([^,]*)$", " or %1")
end

--- What is wrong with a value of the key, or nil.
function keys.problem(key, value)
  return check[key.kind](key, value)
end

return keys
