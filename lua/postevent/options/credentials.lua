-- Who may send: the checks of `authorization`, `user` and `password`, for new and for set_authorization alike.
-- Raises a message that names the option and never quotes its value.

local ascii = require("postevent.ascii")
local check = require("postevent.options.check")
local words = require("postevent.options.words")

local SECRET = { type = "text", secret = true }

local function refuse(name, expected)
  error(("%s: expected %s"):format(name, expected), 0)
end

-- Of a value that is not even text that can be sent.
local function check_text(name, value)
  local expected = check.text(value)
  if expected then
    error(words.refusal(name, value, SECRET, expected), 0)
  end
end

local function checked_pair(user, password)
  if user == nil then
    refuse("password", "a `user` beside it")
  end
  check_text("user", user)
  if user:find(":", 1, true) then
    refuse("user", "text without a colon (RFC 7617, 2)")
  end
  if password == nil then
    refuse("password", "text, since `user` is given")
  end
  if password ~= "" then
    check_text("password", password)
  end
  return { authorization = false, user = user, password = password }
end

-- These mean nothing alone; others may (Negotiate).
local NEED_A_VALUE = { basic = true, bearer = true, digest = true, token = true, apikey = true }

local AS_THEY_ARE = "; for a user and a password there are `user` and `password`"

-- What was expected of what stands behind a scheme that everybody uses; nil: it will do. Base64 is read as many servers
-- do, without its padding or as base64url.
local function judge(scheme, value)
  if value == "" then
    return NEED_A_VALUE[scheme] and 'a value behind the scheme ("Basic dXNlcjpwYXNz", "Bearer ...")'
  elseif scheme == "basic" then
    return not value:find("^[A-Za-z0-9+/_-]+=*$") and 'user:password in base64 behind "Basic"' .. AS_THEY_ARE
  elseif scheme == "bearer" then
    return value:find("%s") and 'one token, without blanks, behind "Bearer"'
  end
end

-- A scheme and what belongs to it (RFC 9110, 11.4). libcurl takes a header of blanks away, and "user:password" alone is
-- the pair that should stand in Basic.
local function check_authorization(authorization)
  check_text("authorization", authorization)
  local scheme, value = authorization:match("^(%S+)%s*(.-)%s*$")
  if scheme and ascii.lower(scheme) == "authorization:" then
    refuse("authorization", "the header's value alone, without its name")
  elseif not scheme or scheme:find("[^A-Za-z0-9!#$%%&'*+.^_`|~-]") then
    refuse("authorization", 'a scheme and its value ("Basic dXNlcjpwYXNz", "Bearer ...")'
      .. (scheme and scheme:find(":", 1, true) and AS_THEY_ARE or ""))
  end
  local expected = judge(ascii.lower(scheme), value)
  if expected then
    refuse("authorization", expected)
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
