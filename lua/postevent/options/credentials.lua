-- Who may send: the checks of `authorization`, `user` and `password`, for new and for set_authorization alike.
-- Raises a message that names the option and never quotes its value.

local check = require("postevent.options.check")

local function refuse(name, expected)
  error(("%s: expected %s"):format(name, expected), 0)
end

local function checked_pair(user, password)
  if user == nil then
    refuse("password", "a `user` beside it")
  end
  local expected = check.text(user)
  if expected then
    refuse("user", expected)
  end
  if user:find(":", 1, true) then
    refuse("user", "text without a colon (RFC 7617, 2)")
  end
  if password == nil then
    refuse("password", "text, since `user` is given")
  end
  if password ~= "" and check.text(password) then
    refuse("password", check.text(password))
  end
  return { authorization = false, user = user, password = password }
end

-- A scheme and what belongs to it (RFC 9110, 11.4). libcurl takes a header of blanks away, and "user:password" alone is
-- the pair that should stand in Basic.
local function check_authorization(authorization)
  local expected = check.text(authorization)
  if expected then
    refuse("authorization", expected)
  end
  local scheme = authorization:match("^(%S+)")
  if not scheme or scheme:find("[^%w!#$%%&'*+.^_`|~-]") then
    local meant = scheme and scheme:find(":", 1, true) and "; for a user and a password there are `user` and `password`"
    refuse("authorization", ('a scheme and its value ("Basic dXNlcjpwYXNz", "Bearer ...")%s'):format(meant or ""))
  end
end

-- given: { authorization = } or { user =, password = } or neither.
-- target: { tls =, loopback = } of the url and its proxy; allow_http: the option of that name.
-- Returns a table with these three fields; what is not given is false.
return function(given, target, allow_http)
  local authorization, user, password = given.authorization, given.user, given.password
  local any = authorization ~= nil or user ~= nil or password ~= nil
  if any and not (target.tls or target.loopback or allow_http) then
    error("url: http:// to a host, or through a proxy, that is not this machine would show the credentials; "
      .. "use https://, or give allow_http = true", 0)
  end
  if authorization ~= nil then
    if user ~= nil or password ~= nil then
      error("authorization: give either `authorization`, or `user` and `password`, not both", 0)
    end
    check_authorization(authorization)
    return { authorization = authorization, user = false, password = false }
  end
  if not any then
    return { authorization = false, user = false, password = false }
  end
  return checked_pair(user, password)
end
