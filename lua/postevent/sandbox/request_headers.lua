-- The headers of a request, fit to be shown: without what may be a credential.

local ascii = require "postevent.ascii"
local printable = require "postevent.printable"

local request_headers = {}

local LONGEST = 300 -- bytes of a value
local HIDDEN = "(not shown)"

-- In small letters. A header that has one of these in its name may let its reader in somewhere.
local SECRET = { "auth", "cookie", "token", "secret", "key", "passw", "signature", "session" }

local function is_secret(name)
  name = ascii.lower(name)
  for _, word in ipairs(SECRET) do
    if name:find(word, 1, true) then return true end
  end
  return false
end

local function short(value)
  if #value <= LONGEST and not value:find("[^\32-\126]") then return value end -- most are, at 10,000 events a second
  value = printable.line(value:sub(1, LONGEST))
  return #value <= LONGEST and value or value:sub(1, LONGEST) .. "..."
end

--- A list of pairs, name and value. `header`: the server's function; without a name it returns all.
function request_headers.of(header)
  local shown = {}
  for i, pair in ipairs(header()) do
    shown[i] = { short(pair[1]), is_secret(pair[1]) and HIDDEN or short(pair[2]) }
  end
  return shown
end

return request_headers
