-- postevent: posts behavioural events to the webhook of a customer data platform. The public module.

local core = require("postevent.native")("postevent.core")
local check = require("postevent.options.check")
local credentials = require("postevent.options.credentials")
local definitions = require("postevent.definitions")
local metrics = require("postevent.metrics")
local options = require("postevent.options")
local phase = require("postevent.phase")
local printable = require("postevent.printable")
local words = require("postevent.options.words")

local postevent = {
  version = core.version,
  -- What this build has: curl and tls (versions), http2 (false) and pcre2 (true or false).
  features = core.features(),
}

-- At most ten, and how many more: a log is not a report. One that raises is no reason not to start.
local function log_warnings(log, warnings)
  for i = 1, math.min(log and #warnings or 0, 10) do
    pcall(log, "warn", warnings[i])
  end
  if log and #warnings > 10 then
    pcall(log, "warn", ("and %d more warnings about the definitions"):format(#warnings - 10))
  end
end

-- postevent:new { ... } hands over the module in place of what was meant.
local function refuse_colon(first, name)
  if first == postevent then
    error(("postevent.%s: called with a colon; it is postevent.%s(...), with a dot"):format(name, name), 3)
  end
end

-- What `new` keeps for the methods, of the client that one was called with. Raises where it is none.
local function facts_of(client, method)
  return core.facts(client)
    or error(("%s: expected a client; methods are called with a colon: client:%s(...)"):format(method, method), 3)
end

-- Notes among the facts what was changed, where that is done. Returns what the core did.
local function note(facts, name, value, done, ...)
  if done then
    facts[name] = value
  end
  return done, ...
end

-- postevent.new(options) -> client. Raises, naming the option, on a mistake. The options: docs/reference/options.md.
-- Opens no connection; the first event does.
function postevent.new(given)
  refuse_colon(given, "new")
  local ok, settings, warnings = pcall(options.check, given)
  if not ok then
    error("postevent.new: " .. printable.line(tostring(settings)), 2)
  end
  local made, client = pcall(core.new, settings)
  if not made then
    error("postevent.new: " .. printable.line(tostring(client)), 2)
  end
  log_warnings(not settings.log_first_trouble and settings.log, warnings)
  return client
end

-- postevent.definitions(source) -> definitions, for postevent.new { definitions = ... }: read and compiled once, used
-- by any number of clients. A source is a file's name, a JSON string, or a table: the platform's download, or the
-- short form (docs/reference/definitions.md). Raises when it cannot be read.
function postevent.definitions(source)
  refuse_colon(source, "definitions")
  local ok, read = pcall(definitions.read, source)
  if not ok then
    error("postevent.definitions: " .. printable.line(tostring(read)), 2)
  end
  return read
end

-- client:set_authorization(value), or (user, password): the credentials of every later request. Raises on a mistake.
-- Returns true; or nil, message, "closed", detail.
function core.methods:set_authorization(...)
  local target = facts_of(self, "set_authorization").target
  if target.relays then
    error("set_authorization: the client hands its events to a relay; who it is stands in relay.url", 2)
  end
  local first, second = ...
  -- The number of arguments decides: a password that is nil by mistake must not turn a user into a header.
  local given = select("#", ...) == 1 and { authorization = first } or { user = first, password = second }
  if first == nil then
    error("set_authorization: expected the header's value, or a user and a password", 2)
  end
  local ok, checked = pcall(credentials, given, target, target.allow_http)
  if not ok then
    error("set_authorization: " .. tostring(checked), 2)
  end
  return self:_set_credentials(checked)
end

-- client:set_common(common): the common attributes of every later event, in place of those before; nil or {}: none.
-- Raises on a mistake, and those before stay. Returns true; or nil, message, "closed", detail.
function core.methods:set_common(common)
  local facts = facts_of(self, "set_common")
  if self:_life() ~= "open" then -- and what checks may not be made any more: the state may be closing
    return self:_set_common(false, false)
  end
  local ok, checked = pcall(facts.check_common, common)
  if not ok then
    error("set_common: " .. tostring(checked), 2)
  end
  return note(facts, "common", checked, self:_set_common(checked, facts.prepare(checked, facts.mode)))
end

local MODE = { type = "text", values = { "live", "record", "off" } }
local PENDING = { type = "text", values = { "keep", "send", "drop" } }

-- Raises, at its caller's caller, where an argument of set_mode is not what `property` says.
local function check_argument(name, value, property)
  local expected, reason = check.text(value, property)
  if expected then
    error("set_mode: " .. words.refusal(name, value, property, expected, reason), 3)
  end
end

-- client:set_mode(mode, pending): the mode of every later event. `pending` says what becomes of those that were tracked
-- and have no outcome: "keep" (the usual), "send" or "drop"; in the mode "live" they are sent, or dropped. Raises on a
-- mistake. Returns true; or nil, message, code ("closed" or "no_memory"), detail: nothing has changed.
function core.methods:set_mode(mode, pending)
  local facts = facts_of(self, "set_mode")
  if pending == nil then
    pending = "keep"
  end
  check_argument("mode", mode, MODE)
  check_argument("pending", pending, PENDING)
  if mode == "live" and not facts.can_send then
    error("set_mode: mode: \"live\" needs a client that was made with a url", 2)
  end
  if mode == "live" and pending == "keep" then
    pending = "send"
  end
  local may_start = phase.current() ~= "init" -- nginx's master has no thread
  return note(facts, "mode", mode, self:_set_mode(mode, pending, facts.prepare(facts.common, mode), may_start))
end

-- client:metrics(labels) -> the counters of client:stats() in the text format of Prometheus (version 0.0.4). `labels`,
-- { client = "shop" }, go into every sample; raises when they cannot.
function core.methods:metrics(labels)
  facts_of(self, "metrics")
  local ok, text = pcall(metrics, self:stats(), labels)
  if not ok then
    error("metrics: " .. tostring(text), 2)
  end
  return text
end

return postevent
