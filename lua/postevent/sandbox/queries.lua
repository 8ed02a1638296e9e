-- What queries ask for, and long replies in pieces: for all that is read from the sandbox.

local printable = require "postevent.printable"

local queries = {}

local LONG_REPLY = 64 * 1024 -- bytes

--- The pieces as one text; or as they are, where they are so many that a reader may be slow.
function queries.gather(pieces)
  local texts, size = {}, 0
  while size < LONG_REPLY do
    local piece = pieces()
    if not piece then return table.concat(texts) end
    texts[#texts + 1], size = piece, size + #piece
  end
  local first = table.concat(texts)
  return function()
    local piece = first or pieces()
    first = nil
    return piece
  end
end

--- An argument of the query; an empty one counts as absent.
function queries.argument(query, name)
  local value = query(name)
  return value ~= "" and value or nil
end

-- The client's module knows which word was meant; it is loaded for nothing else here.
local function unknown(name, known)
  local near = require("postevent.options.words").nearest(name, known)
  return ("%s: there is no such argument%s"):format(printable.line(name:sub(1, 50)),
    near and (", did you mean %s?"):format(near) or "")
end

--- What is wrong with a query of which these arguments are known (name -> true), each once; or nil. Who has asked for
-- something else is not to get everything instead.
function queries.problem(query, known)
  local seen = {}
  for _, pair in ipairs(query()) do
    local name = pair[1]
    if not known[name] then return unknown(name, known) end
    if seen[name] then return name .. ": given twice" end
    seen[name] = true
  end
end

--- How many are wanted; or nil and what is wrong.
function queries.limit(query, otherwise)
  local limit = queries.argument(query, "limit")
  local number = limit and (limit:find("^%d+$") and tonumber(limit) or 0) or otherwise
  if number >= 1 then return number end
  return nil, "limit: expected a whole number above 0"
end

return queries
