-- The option `relay`: its checks, and what it changes. Raises a message that names the option and quotes no url: it may
-- hold a password.

local core = require("postevent.native")("postevent.core")
local endpoint = require("postevent.options.endpoint")

local relay = {}

-- They say how something is posted, which is the deliverers' business.
local MEANINGLESS = { "url", "authorization", "user", "password", "headers", "proxy", "rate_limit",
  "max_in_flight", "tls" }

local function check_password(parsed, allow_http)
  if parsed.has_password and not (parsed.tls or parsed.loopback or allow_http) then
    error("relay.url: redis:// to another machine would show the password and the events; use a tunnel for TLS, or "
      .. "give allow_http = true", 0)
  end
end

-- relay.read_url(url, allow_http, option) -> { tls =, loopback =, has_password =, text = where it is }
function relay.read_url(url, allow_http)
  if not core.features().redis then
    error("relay: this build of postevent has no hiredis: install its development package "
      .. "(libhiredis-dev, hiredis-devel, hiredis-dev), make clean, and build again", 0)
  end
  local parsed, why = core.check_redis(url)
  if not parsed then
    error("relay.url: " .. why, 0)
  end
  if parsed.tls and not core.features().redis_tls then
    error("relay.url: rediss:// is not spoken by this build, which needs hiredis 1.0 or newer for it; let a tunnel for "
      .. "TLS on this machine (stunnel) lead there, and name that: redis://127.0.0.1:6380", 0)
  end
  check_password(parsed, allow_http)
  return parsed
end

-- Returns the target of a client whose options (`values`) have a relay.
function relay.read(values, given)
  for _, name in ipairs(MEANINGLESS) do
    if given[name] ~= nil then
      error(("%s: has no meaning with `relay`: who delivers has it"):format(name), 0)
    end
  end
  local parsed = relay.read_url(values["relay.url"], values.allow_http)
  if given.relay.tls and not parsed.tls then
    error("relay.tls: needs a relay.url that begins with rediss://", 0)
  end
  return { tls = true, loopback = true, relays = true, text = "relay " .. parsed.text }
end

-- What names the endpoint of a spool: the address without the credentials, and the stream.
function relay.endpoint(values)
  return ("%s#%s"):format(endpoint(values["relay.url"]), values["relay.stream"])
end

return relay
