-- Random UUIDs (version 4) for the sandbox's request ids. Owns one open handle of the system's random source.

local source

--- A fresh UUID in lower case. Raises where the system has no random source.
return function()
  source = source or assert(io.open("/dev/urandom", "rb"))
  local b = { assert(source:read(16)):byte(1, 16) }
  b[7] = 0x40 + b[7] % 0x10 -- version 4
  b[9] = 0x80 + b[9] % 0x40 -- the variant of RFC 4122
  return ("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x"):format((table.unpack or unpack)(b))
end
