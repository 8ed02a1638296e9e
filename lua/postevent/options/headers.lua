-- The option `headers` -> the lines that are sent. Raises a message that names the option.

local ascii = require("postevent.ascii")
local words = require("postevent.options.words")

local MOST_BYTES = 65536 -- of all lines: where a server takes more, libcurl ends at a megabyte

-- Headers that are the client's own, or that speak of the connection; the option to use instead, where there is one.
local OWN = {
  ["authorization"] = "; use `authorization`",
  ["user-agent"] = "; use `user_agent`",
  ["host"] = "; it is that of `url`",
  ["proxy-authorization"] = "; the user and the password stand in `proxy`",
  ["content-type"] = "",
  ["content-length"] = "",
  ["content-encoding"] = "",
  ["transfer-encoding"] = "",
  ["accept-encoding"] = "",
  ["connection"] = "",
  ["proxy-connection"] = "",
  ["keep-alive"] = "",
  ["te"] = "",
  ["trailer"] = "",
  ["upgrade"] = "",
  ["expect"] = "",
}

local SECRET = { type = "text", secret = true }

local function check_name(name, seen)
  if type(name) == "number" then
    error(("headers: [%s] has no name; a header is written [\"Name\"] = \"value\""):format(tostring(name)), 0)
  elseif type(name) ~= "string" or not name:find("^[A-Za-z0-9!#$%%&'*+.^_`|~-]+$") then -- a token of RFC 9110, 5.6.2
    error("headers: the name of a header must be a token of letters, digits and -", 0)
  end
  local lower = ascii.lower(name)
  if OWN[lower] then
    error(("headers: %s is set by the client%s"):format(name, OWN[lower]), 0)
  elseif seen[lower] then
    error(("headers: %s is given twice, in capitals and in small letters"):format(lower), 0)
  end
  seen[lower] = true
end

-- { ["X-Source"] = "nginx" } -> { "X-Source: nginx" }
return function(headers)
  local lines, seen, bytes = {}, {}, 0
  for name, value in next, headers do
    check_name(name, seen)
    if type(value) ~= "string" or value:find("[%z\1-\8\10-\31\127]") then
      error("headers: " .. words.refusal(name, value, SECRET, "text without control characters (CR, LF, NUL, ...)"), 0)
    end
    -- libcurl's spelling of a header without a value; "Name:" would take the header away.
    lines[#lines + 1] = value:find("%S") and (name .. ": " .. value) or (name .. ";")
    bytes = bytes + #lines[#lines] + 2
  end
  if bytes > MOST_BYTES then
    error(("headers: %d bytes in all, at most %d are sent"):format(bytes, MOST_BYTES), 0)
  end
  return lines
end
