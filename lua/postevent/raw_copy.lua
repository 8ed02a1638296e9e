-- The same pairs without the metatable, read raw: what was checked is what is read. A value that is a table stays the
-- caller's, with its metatable: compiled definitions need theirs. (A deep copy: copy.lua.)
return function(given)
  local result = {}
  for name, value in next, given do
    result[name] = value
  end
  return result
end
