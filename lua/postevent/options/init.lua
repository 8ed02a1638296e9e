-- The options of postevent.new -> the flat table of settings that the core reads. What there is, its defaults and its
-- checks stand in properties.lua; here is what goes beyond one value. Every mistake raises a message (without a
-- position) that names the option.

local copy = require("postevent.copy")
local core = require("postevent.core")
local credentials = require("postevent.options.credentials")
local definitions = require("postevent.definitions")
local header_lines = require("postevent.options.headers")
local phase = require("postevent.phase")
local prepare = require("postevent.options.prepare")
local properties = require("postevent.options.properties")
local read = require("postevent.options.read")
local target = require("postevent.options.target")

local options = {}

-- By name ("timeout", "queue.wait").
options.defaults = {}

for _, property in ipairs(properties) do
  options.defaults[property.name] = property.default
end

-- What concerns more than one option.
local function check_together(values)
  if values["tls.key_file"] and not values["tls.cert_file"] then
    error("tls.key_file: needs tls.cert_file", 0)
  end
  if values["queue.max_bytes"] < values.max_event_bytes + 1024 then -- and what is kept beside it
    error("queue.max_bytes: must hold an event of max_event_bytes and 1024 bytes more", 0)
  end
  if values["retry.max"] < values["retry.initial"] then
    error("retry.max: must not be less than retry.initial", 0)
  end
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

-- Sets what the core checks events against; returns the warnings of the definitions, and the events they have.
local function read_definitions(values, settings)
  settings.validation = values.validation
  settings.allow_unknown_events = values.unknown_events == "allow"
  settings.allow_unknown_attributes = values.unknown_attributes == "allow"
  if values.definitions == nil then
    return {}
  end
  local ok, compiled = pcall(definitions.read, values.definitions)
  if not ok then
    error("definitions: " .. tostring(compiled), 0)
  end
  settings.definitions = compiled.compiled
  return compiled.warnings, compiled.events
end

-- What `track` needs: the queue, its retries, its rate.
local function set_tracking(values, settings)
  settings.queue_max_events, settings.queue_max_bytes = values["queue.max_events"], values["queue.max_bytes"]
  settings.queue_overflow, settings.queue_wait = values["queue.overflow"], values["queue.wait"]
  settings.retry_initial, settings.retry_max = values["retry.initial"], values["retry.max"]
  settings.max_age, settings.retry_ambiguous = values["retry.max_age"], values["retry.ambiguous"]
  settings.rate_per_second = values["rate_limit.per_second"] or 0
  settings.rate_burst = values["rate_limit.burst"] or math.max(1, math.floor(settings.rate_per_second))
end

-- Turns what the user gave into what the core reads. Returns the settings, whose field `target` says where events go,
-- the target's table, and a list of warnings to be logged.
function options.check(given)
  local values = read(given)
  check_together(values)
  local where = target.read(values.url, values.mode)
  where.allow_http = values.allow_http
  local proxy, no_proxy = target.read_proxy(values.proxy, where)
  local settings = credentials(values, where, where.allow_http)
  settings.proxy, settings.no_proxy = proxy, no_proxy
  for _, name in ipairs { "url", "timeout", "connect_timeout", "attempts", "user_agent", "accept_codes",
    "max_event_bytes", "stamp", "mode", "log", "max_posts", "max_in_flight", "results" } do
    settings[name] = values[name]
  end
  for _, name in ipairs { "ca_file", "ca_path", "cert_file", "key_file", "key_password", "verify" } do
    settings[name] = values["tls." .. name]
  end
  settings.guard = not values.allow_blocking and phase.guard() or nil
  settings.target = where.text
  settings.headers = header_lines(values.headers or {})
  target.check_version(values.http_version, where)
  settings.http_2 = values.http_version == "2"
  set_tracking(values, settings)
  -- An id that the event has is told in replies; one is made up only for an attribute that the user named.
  settings.id_attribute = values.id_attribute or "external_event_id"
  settings.fill_id = values.id_attribute ~= nil
  local warnings, events = read_definitions(values, settings)
  if not settings.verify then
    table.insert(warnings, 1, "tls.verify is false: anyone on the way can read and change the events")
  end
  settings.common = read_common(values.common, settings)
  settings.prepare = prepare(settings.common, values.before_send, values.mode, events)
  return settings, where, warnings
end

return options
