-- Is a text UTF-8 as RFC 3629 has it? Lua's own library for it is not in 5.1, and takes surrogates in 5.3.

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

return function(text)
  for i = 1, #SEQUENCES do
    if not text:find("[\128-\255]") then
      return true
    end
    text = text:gsub(SEQUENCES[i], "?") -- not by nothing: what is left and right of it must not join
  end
  return not text:find("[\128-\255]")
end
