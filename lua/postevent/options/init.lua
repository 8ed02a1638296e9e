-- The options of postevent.new -> the flat table of settings that the core reads. What there is, its defaults and its
-- checks stand in properties.lua; here is what goes beyond one value. Every mistake raises a message (without a
-- position) that names the option.

local copy = require("postevent.copy")
local core = require("postevent.native")("postevent.core")
local credentials = require("postevent.options.credentials")
local definitions = require("postevent.definitions")
local header_lines = require("postevent.options.headers")
local endpoint = require("postevent.options.endpoint")
local log = require("postevent.options.log")
local phase = require("postevent.phase")
local prepare = require("postevent.options.prepare")
local properties = require("postevent.options.properties")
local read = require("postevent.options.read")
local relay = require("postevent.options.relay")
local target = require("postevent.options.target")
local words = require("postevent.options.words")

local options = {}

-- By name ("timeout", "queue.wait").
options.defaults = {}

for _, property in ipairs(properties) do
  options.defaults[property.name] = property.default
end

-- What concerns more than one option.
local function check_together(values)
  if values["queue.max_bytes"] < values.max_event_bytes + 1024 then -- and what is kept beside it
    error("queue.max_bytes: must hold an event of max_event_bytes and 1024 bytes more", 0)
  end
  if values["spool.max_bytes"] < 2 * values.max_event_bytes + 65536 then -- its id and name are kept twice
    error("spool.max_bytes: must hold two events of max_event_bytes and 65536 bytes more", 0)
  end
  if values["retry.max"] < values["retry.initial"] then
    error("retry.max: must not be less than retry.initial", 0)
  end
end

-- What postevent.definitions made of the option; nothing at all where it is not given.
local function read_definitions(source)
  if source == nil then
    return { warnings = {}, compiled = false }
  end
  local ok, result = pcall(definitions.read, source)
  if not ok then
    error("definitions: " .. tostring(result), 0)
  end
  return result
end

local function list_warnings(values, compiled)
  local warnings = {}
  for _, prefix in ipairs { "", "relay." } do
    if not values[prefix .. "tls.verify"] then
      warnings[#warnings + 1] = prefix .. "tls.verify is false: anyone on the way can read and change the events"
    end
  end
  for _, warning in ipairs(compiled.warnings) do
    warnings[#warnings + 1] = warning
  end
  return warnings
end

-- The settings as the core reads them: every property that is its business, by its name; what is not set is false,
-- so that the core can tell it from what was forgotten. Those that are not of one option alone come with the rest.
local function flatten(values)
  local settings = {}
  for _, property in ipairs(properties) do
    if property.type ~= "group" and not property.lua then
      local value = values[property.name]
      settings[property.name] = value ~= nil and value or false
    end
  end
  return settings
end

-- Whose events a spool keeps.
local function endpoint_of(values)
  local moved = values["spool.endpoint"]
  if values["relay.url"] then
    return moved and error("spool.endpoint: has no meaning with `relay`", 0) or relay.endpoint(values)
  elseif moved then
    local parsed, why = core.check_url(moved)
    if not parsed then
      error(("spool.endpoint: %s"):format(why), 0)
    end
  end
  return values.url and endpoint(moved or values.url) or false
end

-- What a spool changes. It belongs to one endpoint.
local function set_spool(values, settings)
  settings.endpoint = endpoint_of(values)
  if not values["spool.path"] then
    return
  end
  if not core.features().sqlite then
    error("spool: this build of postevent has no SQLite: install its development package "
      .. "(libsqlite3-dev, sqlite-devel, sqlite-dev), make clean, and build again", 0)
  end
  settings["retry.max_age"] = values["spool.max_age"]
end

-- The settings of where events go, and by which way and as whom. Returns the target.
local function set_target(values, settings, given)
  local where = values["relay.url"] and relay.read(values, given) or target.read(values.url, values.mode)
  where.allow_http = values.allow_http
  local proxy, no_proxy = target.read_proxy(values.proxy, where)
  settings.proxy, settings.no_proxy = proxy or false, no_proxy or false
  for name, value in pairs(credentials(values, where, where.allow_http)) do
    settings[name] = value
  end
  settings.headers = header_lines(values.headers or {})
  settings.target = where.text
  return where
end

-- The settings of a client that sends nothing, knows no secret, and asks for nothing but JSON.
local function plain_settings(settings)
  local plain = copy.shallow(settings)
  for _, property in ipairs(properties) do
    if property.secret and plain[property.name] then
      plain[property.name] = false
    end
  end
  plain.mode, plain.definitions, plain.common, plain.stamp, plain.fill_id = "off", false, false, false, false
  plain.log, plain.log_first_trouble, plain.last_words = false, false, false
  plain.guard, plain.prepare, plain.facts = false, false, false
  plain.headers = {}
  return plain
end

-- The function that checks `common`, in new and later, as every event is checked: by the core. Returns a copy; false
-- for nil.
local function common_checker(settings)
  local plain = plain_settings(settings)
  return function(common)
    if common == nil then
      return false
    elseif type(common) ~= "table" then -- in new, read.lua has said so
      error(words.refusal("common", common, nil, "a table"), 0)
    end
    local copied = copy.deep(common)
    local event = copy.deep(common)
    rawset(event, "event_name", rawget(event, "event_name") or "common")
    local scratch = core.new(plain)
    local body, message = scratch:encode(event)
    scratch:close()
    if not body then
      error(("common: %s"):format(message), 0)
    end
    return copied
  end
end

-- What the methods need that change something later. `prepare` is the function that makes the setting of that name.
local function list_facts(where, settings, values, events)
  return {
    target = where,
    mode = values.mode,
    can_send = values.url ~= nil or values["relay.url"] ~= nil,
    check_common = common_checker(settings),
    prepare = function(common, mode)
      return prepare(common, values.before_send, mode, events)
    end,
  }
end

-- Turns what the user gave into what the core reads. Returns the settings, and a list of warnings to be logged.
function options.check(given)
  local values = read(given)
  check_together(values)
  local settings = flatten(values)
  set_spool(values, settings)
  local where = set_target(values, settings, given)
  settings["relay.max_length"] = values["relay.max_length"] or 0
  settings["rate_limit.per_second"] = values["rate_limit.per_second"] or 0
  settings["rate_limit.burst"] = values["rate_limit.burst"]
    or math.max(1, math.floor(settings["rate_limit.per_second"]))
  -- An id that the event has is told in replies; one is made up only for an attribute that the user named.
  settings.id_attribute = values.id_attribute or "external_event_id"
  settings.fill_id = values.id_attribute ~= nil
  settings.guard = not values.allow_blocking and phase.guard() or false
  settings.log, settings.log_first_trouble = log(values.log, values["spool.path"])
  settings.log = settings.log or false
  settings.last_words = values.log ~= false
  settings.prepare, settings.facts = false, false
  local compiled = read_definitions(values.definitions)
  settings.definitions = compiled.compiled
  local facts = list_facts(where, settings, values, compiled.events)
  facts.common = facts.check_common(values.common)
  settings.common, settings.prepare = facts.common, facts.prepare(facts.common, facts.mode)
  settings.facts = facts
  return settings, list_warnings(values, compiled)
end

return options
