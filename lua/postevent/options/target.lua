-- Where events go, and by which way: the checks of `url` and `proxy`. Raises a message that names the option and
-- quotes no address: it may hold a password.

local ascii = require("postevent.ascii")
local core = require("postevent.native")("postevent.core")
local words = require("postevent.options.words")

local target = {}

-- target.read(url, mode) -> { tls =, loopback =, host =, text = for tostring }
function target.read(url, mode)
  if url == nil then
    if mode == "live" then
      error("url: missing; the address of the webhook", 0)
    end
    return { tls = true, loopback = true, text = "no url" }
  end
  local parsed, why = core.check_url(url)
  if not parsed then
    error(("url: %s"):format(why), 0)
  end
  parsed.text = (parsed.tls and "https://" or "http://") .. parsed.host
  return parsed
end

-- The proxy of the environment, as curl's manual has it. HTTP_PROXY in capitals is left out: in a CGI program a
-- request's header can set it.
local HTTPS_PROXIES = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" }
local HTTP_PROXIES = { "http_proxy", "all_proxy", "ALL_PROXY" }

-- What is empty is not there, as for curl.
local function first_of(names)
  for _, name in ipairs(names) do
    local value = os.getenv(name)
    if value and value ~= "" then
      return value
    end
  end
end

-- Whether the list excludes the host in every version of libcurl: as it stands there, or with all. Domains and networks
-- are libcurl's to read.
local function excludes(no_proxy, host)
  for name in no_proxy:gmatch("[^ ,]+") do
    if ascii.lower(name) == ascii.lower(host) then
      return true
    end
  end
  return no_proxy == "*"
end

local function environment_proxy(parsed)
  local proxy = first_of(parsed.tls and HTTPS_PROXIES or HTTP_PROXIES)
  local no_proxy = first_of { "no_proxy", "NO_PROXY" } or ""
  if not proxy or excludes(no_proxy, parsed.host or "") then
    return nil
  elseif not proxy:find("://", 1, true) then
    proxy = "http://" .. proxy -- as curl takes it
  end
  return proxy, no_proxy
end

-- target.read_proxy(option, parsed) -> the proxy's URL, and for which hosts there is none; or nil. Takes back that the
-- target is this machine where the proxy is not.
function target.read_proxy(proxy, parsed)
  local no_proxy
  if proxy == "environment" then
    proxy, no_proxy = environment_proxy(parsed)
  end
  if proxy then
    local read, why = core.check_proxy(proxy)
    if not read then
      local meant = words.meant(proxy, { "environment" })
      error(("proxy: %s%s"):format(why, meant and (" (%s)"):format(meant) or ""), 0)
    end
    parsed.loopback = parsed.loopback and read.loopback -- over http:// the proxy reads everything
  end
  return proxy, no_proxy
end

return target
