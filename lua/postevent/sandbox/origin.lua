-- Who may talk to the sandbox through a browser. A page of a stranger's must not read what the sandbox holds by giving
-- its own name the address of this machine (DNS rebinding: the Host is a name then), nor change anything by a form
-- that it posts here (the Origin is its own then). What is no browser sends no Origin, and says the host that it means.

local ascii = require("postevent.ascii")
local is_own_address = require("postevent.sandbox.httpd").is_own_address

local origin = {}

local LONGEST = 300 -- bytes: a name has 253 at most; the patterns go back and forth

-- The host of "name:port", "[::1]:port", in small letters; nil where it is none. Some clients leave the brackets out.
local function host_of(authority)
  if #authority > LONGEST then return nil end
  local host = authority:match("^%[([%x:.]+)%]:?%d*$") or authority:match("^([^:%[%]/@%s]+):?%d*$")
    or authority:match("^%x*:[%x:.]*:[%x.]*$")
  return host and ascii.lower(host)
end

-- An IPv6 address without its brackets may have a port behind it.
local function is_own(host)
  return is_own_address(host) or is_own_address(host:match("^(.*:.*):%d+$") or "")
end

-- origin.new(names) -> a function of a Host header (or nil) and an Origin header (or nil), which returns nil where the
-- request is welcome, else why not. `names`: what is taken besides localhost and addresses of this machine, a list.
function origin.new(names)
  local welcome = { localhost = true }
  for _, name in ipairs(names) do
    welcome[ascii.lower(name)] = true
  end
  return function(host, from)
    local name = host and host_of(host)
    if host and not (name and (welcome[name] or is_own(name))) then
      return "this host is not the sandbox's: see --allow-host"
    end
    if from and ascii.lower(from):match("^https?://([^/]+)$") ~= ascii.lower(host or "") then
      return "a page of another origin may not do that"
    end
  end
end

return origin
