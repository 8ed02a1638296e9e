-- As much of a description as a shell shows beside a name: what stands before its first colon, semicolon or full stop.
return function(text)
  local plain = text:gsub(" %(%-: stdin%)", ""):gsub("%s+", " ")
  return (plain .. " "):match("^(.-)[.:;] ") or plain
end
