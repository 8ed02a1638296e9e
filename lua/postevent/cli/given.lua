-- What a message says of a text of the command line: it is quoted where it is surely no credential that stands in a
-- wrong place.

local given = {}

local LONGEST_SHOWN = 32

-- Whether a text is surely no credential: words, short numbers, and what people put between them.
function given.is_plain(text)
  for part in text:gmatch("%w+") do
    if not (part:find("^%u?%l+%d?%d?%d?$") or part:find("^%u+$") or part:find("^%l+%u%l+$")
      or part:find("^%d+%l?$")) then
      return false
    end
  end
  return #text <= LONGEST_SHOWN and text:find("^[%w_. -]+$") ~= nil
end

-- ", got \"soon\""
function given.got(text)
  if text == "" then
    return ", got empty text"
  end
  return given.is_plain((text:gsub("[=,]", " "))) and (', got "%s"'):format(text) or ", got text"
end

return given
