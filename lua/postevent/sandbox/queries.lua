-- What queries ask for, and long replies in pieces: for all that is read from the sandbox.

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

--- How many are wanted; or nil and what is wrong.
function queries.limit(query, otherwise)
  local limit = queries.argument(query, "limit")
  local number = limit and (limit:find("^%d+$") and tonumber(limit) or 0) or otherwise
  if number >= 1 then return number end
  return nil, "limit: expected a whole number above 0"
end

return queries
