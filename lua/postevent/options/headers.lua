-- The option `headers` -> the lines that are sent. Raises a message that names the option.

-- Headers that are the client's own; the option to use instead, where there is one.
local OWN = {
  ["authorization"] = "; use `authorization`",
  ["user-agent"] = "; use `user_agent`",
  ["content-type"] = "",
  ["content-length"] = "",
  ["transfer-encoding"] = "",
  ["accept-encoding"] = "",
  ["connection"] = "",
  ["expect"] = "",
}

-- { ["X-Source"] = "nginx" } -> { "X-Source: nginx" }
return function(headers)
  local lines = {}
  for name, value in next, headers do
    if type(name) ~= "string" or not name:find("^[%w!#$%%&'*+.^_`|~-]+$") then -- a token of RFC 9110, 5.6.2
      error("headers: the name of a header must be a token of letters, digits and -", 0)
    end
    if OWN[name:lower()] then
      error(("headers: %s is set by the client%s"):format(name, OWN[name:lower()]), 0)
    end
    if type(value) ~= "string" or value:find("[%z\1-\8\10-\31\127]") then
      error(("headers: %s: expected text without control characters (CR, LF, NUL, ...)"):format(name), 0)
    end
    -- libcurl's spelling of a header without a value; "Name:" would take the header away.
    lines[#lines + 1] = value:find("%S") and (name .. ": " .. value) or (name .. ";")
  end
  return lines
end
