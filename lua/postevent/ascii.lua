-- Letters of ASCII, whatever the host's locale makes of them: in a Turkish one the capital of "i" is not "I", to Lua's
-- string library, too. What we compare is ASCII: types, headers, schemes, hosts, words of the command.

local ascii = {}

local small, capital = {}, {}
for byte = ("A"):byte(), ("Z"):byte() do
  local letter = string.char(byte)
  small[letter] = string.char(byte + 32)
  capital[small[letter]] = letter
end

function ascii.lower(text)
  return (text:gsub("[A-Z]", small))
end

function ascii.upper(text)
  return (text:gsub("[a-z]", capital))
end

return ascii
