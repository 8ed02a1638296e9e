-- UTF-8 as RFC 3629 has it. Lua's own library for it is not in 5.1, and takes surrogates in 5.3.

local utf8 = {}

-- The well-formed sequences.
local SEQUENCES = {
  "[\194-\223][\128-\191]",
  "\224[\160-\191][\128-\191]",
  "[\225-\236\238\239][\128-\191][\128-\191]",
  "\237[\128-\159][\128-\191]",
  "\240[\144-\191][\128-\191][\128-\191]",
  "[\241-\243][\128-\191][\128-\191][\128-\191]",
  "\244[\128-\143][\128-\191][\128-\191]",
}

-- Whether the text is UTF-8.
function utf8.check(text)
  for i = 1, #SEQUENCES do
    if not text:find("[\128-\255]") then
      return true
    end
    text = text:gsub(SEQUENCES[i], "?") -- not by nothing: what is left and right of it must not join
  end
  return not text:find("[\128-\255]")
end

-- Where the character of two bytes or more ends that begins at `position`; nil: there is none.
function utf8.find_end(text, position)
  for i = 1, #SEQUENCES do
    local _, last = text:find("^" .. SEQUENCES[i], position)
    if last then
      return last
    end
  end
end

return utf8
