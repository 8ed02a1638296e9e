-- The options of postevent.new: their defaults, their checks, and the flat table of settings that the core reads.
-- Every mistake raises a message (without a position) that names the option.

local check = require("postevent.options.check")
local copy = require("postevent.copy")
local core = require("postevent.core")
local credentials = require("postevent.options.credentials")
local definitions = require("postevent.definitions")
local phase = require("postevent.phase")
local prepare = require("postevent.options.prepare")
local raw_copy = require("postevent.raw_copy")

local options = {}

local checks = {
  url = check.text,
  authorization = function() end, -- these three are checked together, in credentials.lua
  user = function() end,
  password = function() end,
  headers = check.table,
  timeout = check.seconds,
  connect_timeout = check.seconds,
  attempts = check.integer(1, 100),
  tls = check.table,
  proxy = check.text,
  http_version = check.one_of("1.1", "2"),
  allow_http = check.boolean,
  allow_blocking = check.boolean,
  user_agent = check.text,
  accept_codes = check.codes,
  max_event_bytes = check.integer(2, 10 * 1024 * 1024), -- the gateway refuses more than 10 MB (platform.md)
  common = check.table,
  definitions = function() end, -- read, and checked, by postevent.definitions
  validation = check.one_of("strict", "warn", "off"),
  unknown_events = check.one_of("error", "allow"),
  unknown_attributes = check.one_of("error", "allow"),
  stamp = check.boolean,
  id_attribute = check.attribute,
  before_send = check.func,
  mode = check.one_of("live", "record", "off"),
  log = check.func,
  max_in_flight = check.integer(1, 1000),
  queue = check.table,
  retry = check.table,
  rate_limit = check.table,
  results = check.integer(0, 1000000),
  max_posts = check.integer(1, 10000),
}

local queue_checks = {
  max_events = check.integer(1, 2 ^ 31),
  max_bytes = check.integer(1024, 2 ^ 40),
  overflow = check.one_of("reject", "drop_oldest", "wait"),
  wait = check.seconds,
}

local retry_checks = {
  initial = check.seconds,
  max = check.seconds,
  max_age = check.age,
  ambiguous = check.boolean,
}

local rate_limit_checks = {
  per_second = check.rate,
  burst = check.integer(1, 1000000),
}

local tls_checks = {
  ca_file = check.readable,
  ca_path = check.readable,
  cert_file = check.readable,
  key_file = check.readable,
  key_password = check.text,
  verify = check.boolean,
}

options.defaults = {
  timeout = 15,
  connect_timeout = 5,
  attempts = 3,
  allow_http = false,
  allow_blocking = false,
  user_agent = "postevent/" .. core.version,
  accept_codes = { 1100 },
  max_event_bytes = 32768,
  validation = "strict",
  unknown_events = "error",
  unknown_attributes = "error",
  stamp = true,
  mode = "live",
  max_in_flight = 16,
  results = 1024,
  max_posts = 100,
}

-- Those of `queue` and `retry`, in events, bytes and seconds.
options.queue_defaults = { max_events = 10000, max_bytes = 32 * 1024 * 1024, overflow = "reject", wait = 1.0 }
options.retry_defaults = { initial = 0.5, max = 30, max_age = 86400, ambiguous = true }

-- Text is never quoted, and neither is what stands where a secret belongs.
local function describe(value, name)
  if name == "key_password" then
    return "a " .. type(value)
  end
  if type(value) == "number" or type(value) == "boolean" then
    return tostring(value)
  end
  return type(value) == "string" and "text" or "a " .. type(value)
end

-- ", did you mean timeout?" or nothing.
local function suggestion(name, known)
  local nearest, least = nil, 3
  for candidate in pairs(known) do
    local distance = core.distance(name, candidate, 2)
    if distance < least or (distance == least and nearest and candidate < nearest) then
      nearest, least = candidate, distance
    end
  end
  return nearest and (", did you mean %s?"):format(nearest) or ""
end

-- Checks every value of `given`; `prefix` is "" or "tls.".
local function check_all(given, known, prefix)
  for name, value in next, given do
    if type(name) ~= "string" then
      error(("unknown option: %s%s"):format(prefix, describe(name)), 0)
    end
    if not known[name] then
      error(("unknown option: %s%s%s"):format(prefix, name, suggestion(name, known)), 0)
    end
    local expected = known[name](value)
    if expected then
      error(("%s%s: expected %s, got %s"):format(prefix, name, expected, describe(value, name)), 0)
    end
  end
end

-- The url's target: { tls =, loopback =, host =, text for tostring = }.
local function check_target(url, mode)
  if url == nil then
    if mode == "live" then
      error("url: missing; the address of the webhook", 0)
    end
    return { tls = true, loopback = true, text = "no url" }
  end
  local target, why = core.check_url(url)
  if not target then
    error(("url: %s"):format(why), 0)
  end
  target.text = (target.tls and "https://" or "http://") .. target.host
  return target
end

-- Headers that are the client's own; the option to use instead, where there is one.
local own_headers = {
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
local function header_lines(headers)
  local lines = {}
  for name, value in next, headers do
    if type(name) ~= "string" or not name:find("^[%w!#$%%&'*+.^_`|~-]+$") then -- a token of RFC 9110, 5.6.2
      error("headers: the name of a header must be a token of letters, digits and -", 0)
    end
    if own_headers[name:lower()] then
      error(("headers: %s is set by the client%s"):format(name, own_headers[name:lower()]), 0)
    end
    if type(value) ~= "string" or value:find("[%z\1-\8\10-\31\127]") then
      error(("headers: %s: expected text without control characters (CR, LF, NUL, ...)"):format(name), 0)
    end
    -- libcurl's spelling of a header without a value; "Name:" would take the header away.
    lines[#lines + 1] = value:find("%S") and (name .. ": " .. value) or (name .. ";")
  end
  return lines
end

-- The proxy of the environment, as curl's manual has it. HTTP_PROXY in capitals is left out: in a CGI program a
-- request's header can set it.
local function environment_proxy(target)
  local names = { "all_proxy", "ALL_PROXY" }
  if target.tls then
    table.insert(names, 1, "https_proxy")
    table.insert(names, 2, "HTTPS_PROXY")
  else
    table.insert(names, 1, "http_proxy")
  end
  for _, name in ipairs(names) do
    local value = os.getenv(name)
    if value and value ~= "" then
      if not value:find("://", 1, true) then
        value = "http://" .. value -- as curl takes it
      end
      return value, os.getenv("no_proxy") or os.getenv("NO_PROXY") or ""
    end
  end
  return nil
end

local function read_proxy(proxy, target)
  local no_proxy
  if proxy == "environment" then
    proxy, no_proxy = environment_proxy(target)
  end
  if proxy then
    local parsed, why = core.check_proxy(proxy)
    if not parsed then
      error(("proxy: %s"):format(why), 0)
    end
    target.loopback = target.loopback and parsed.loopback -- over http:// the proxy reads everything
  end
  return proxy, no_proxy
end

-- HTTP/2 is for those who ask for it: one post at a time gains nothing by it, and a server can keep libcurl in its
-- frames beyond any time-out. Without TLS no gateway takes it, and libcurl 7.88 never gets over reusing a connection.
local function check_version(version, target)
  if version == "2" and not core.features().http2 then
    error("http_version: this libcurl has no HTTP/2", 0)
  end
  if version == "2" and not target.tls then
    error("http_version: HTTP/2 needs an https:// url", 0)
  end
end

local function read_tls(tls)
  check_all(tls, tls_checks, "tls.")
  if tls.key_file and not tls.cert_file then
    error("tls.key_file: needs tls.cert_file", 0)
  end
  return tls
end

-- A table of options of its own, checked and completed.
local function read_group(given, name, known, defaults)
  local group = {}
  for key, value in next, defaults do
    group[key] = value
  end
  check_all(given or {}, known, name .. ".")
  for key, value in next, given or {} do
    group[key] = value
  end
  return group
end

-- What `track` needs: the queue, its retries, its rate.
local function read_tracking(value, settings)
  local queue = read_group(value("queue"), "queue", queue_checks, options.queue_defaults)
  local retry = read_group(value("retry"), "retry", retry_checks, options.retry_defaults)
  local rate = read_group(value("rate_limit"), "rate_limit", rate_limit_checks, {})
  if queue.max_bytes < settings.max_event_bytes + 1024 then -- and what is kept beside it
    error("queue.max_bytes: must hold an event of max_event_bytes and 1024 bytes more", 0)
  end
  if retry.max < retry.initial then
    error("retry.max: must not be less than retry.initial", 0)
  end
  if value("rate_limit") and not rate.per_second then
    error("rate_limit.per_second: missing", 0)
  end
  settings.max_in_flight, settings.results = value("max_in_flight"), value("results")
  settings.queue_max_events, settings.queue_max_bytes = queue.max_events, queue.max_bytes
  settings.queue_overflow, settings.queue_wait = queue.overflow, queue.wait
  settings.retry_initial, settings.retry_max = retry.initial, retry.max
  settings.max_age, settings.retry_ambiguous = retry.max_age, retry.ambiguous
  settings.rate_per_second = rate.per_second or 0
  settings.rate_burst = rate.burst or math.max(1, math.floor(rate.per_second or 1))
end

-- `common`, checked as every event is: by the core, in a client that sends nothing.
local function read_common(common, settings)
  if common == nil then
    return nil
  end
  local copied = copy(common)
  local event = copy(common)
  event.event_name = event.event_name or "common"
  local scratch = core.new { mode = "off", max_event_bytes = settings.max_event_bytes, target = "", verify = true }
  local body, message = scratch:encode(event)
  scratch:close()
  if not body then
    error(("common: %s"):format(message), 0)
  end
  return copied
end

-- Sets what the core checks events against; returns the warnings of the definitions.
local function read_definitions(value, settings)
  settings.validation = value("validation")
  settings.allow_unknown_events = value("unknown_events") == "allow"
  settings.allow_unknown_attributes = value("unknown_attributes") == "allow"
  if value("definitions") == nil then
    return {}
  end
  local ok, read = pcall(definitions.read, value("definitions"))
  if not ok then
    error("definitions: " .. tostring(read), 0)
  end
  settings.definitions = read.compiled
  return read.warnings, read.events
end

-- Turns what the user gave into what the core reads. Returns the settings, whose field `target` says where events go,
-- the target's table, and a list of warnings to be logged.
function options.check(given)
  if type(given) ~= "table" then
    error(("expected a table of options, got %s"):format(describe(given)), 0)
  end
  check_all(given, checks, "")
  given = raw_copy(given)
  local function value(name)
    if given[name] == nil then
      return options.defaults[name]
    end
    return given[name]
  end

  local target = check_target(value("url"), value("mode"))
  target.allow_http = value("allow_http")
  local proxy, no_proxy = read_proxy(value("proxy"), target)
  local settings = credentials(given, target, target.allow_http)
  settings.proxy, settings.no_proxy = proxy, no_proxy
  for _, name in ipairs { "url", "timeout", "connect_timeout", "attempts", "user_agent", "accept_codes",
    "max_event_bytes", "stamp", "mode", "log", "max_posts" } do
    settings[name] = value(name)
  end
  for name, file in next, read_tls(value("tls") or {}) do
    settings[name] = file
  end
  settings.verify = settings.verify ~= false
  settings.guard = not value("allow_blocking") and phase.guard() or nil
  settings.target = target.text
  settings.headers = header_lines(value("headers") or {})
  check_version(value("http_version"), target)
  settings.http_2 = value("http_version") == "2"
  read_tracking(value, settings)
  -- An id that the event has is told in replies; one is made up only for an attribute that the user named.
  settings.id_attribute = value("id_attribute") or "external_event_id"
  settings.fill_id = value("id_attribute") ~= nil
  local warnings, events = read_definitions(value, settings)
  if not settings.verify then
    table.insert(warnings, 1, "tls.verify is false: anyone on the way can read and change the events")
  end
  settings.common = read_common(value("common"), settings)
  settings.prepare = prepare(settings.common, value("before_send"), value("mode"), events)
  return settings, target, warnings
end

return options
