-- Reads a file of test vectors: one JSON object a line.
local cjson = require "cjson"

return function(name)
  local list = {}
  for line in io.lines("spec/vectors/" .. name) do
    list[#list + 1] = cjson.decode(line)
  end
  assert(#list > 0)
  return list
end
