-- The endpoint whose events a spool keeps: the address without what may be secret in it (credentials, the query), and
-- in one spelling, however it was given: in the scheme and the host large letters are as good as small ones, and a port
-- that goes without saying is not said.

local ascii = require("postevent.ascii")

local DEFAULT_PORTS = { http = "80", https = "443", redis = "6379", rediss = "6379" }

return function(url)
  local scheme, authority, path = url:match("^([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)")
  if not scheme then
    return (url:match("^[^?#]*"))
  end
  scheme = ascii.lower(scheme)
  local host = ascii.lower(authority:gsub("^.*@", ""))
  local name, port = host:match("^(.*):0*(%d*)$")
  if name and (port == "" or port == DEFAULT_PORTS[scheme]) then
    host = name
  elseif name then
    host = name .. ":" .. port
  end
  return ("%s://%s%s"):format(scheme, host, path == "" and "/" or path)
end
