-- postevent: posts behavioural events to the webhook of a customer data platform. The public module.

local core = require("postevent.core")
local credentials = require("postevent.credentials")
local options = require("postevent.options")

local postevent = {
  version = core.version,
  -- What this build has: curl and tls (versions), http2 (true or false).
  features = core.features(),
}

-- Where each client sends, for the checks of set_authorization: { tls =, loopback =, allow_http = }.
local targets = setmetatable({}, { __mode = "k" })

-- postevent.new(options) -> client. Raises, naming the option, on a mistake. The options are listed in the README.
-- Opens no connection; the first event does.
function postevent.new(given)
  local ok, settings, target = pcall(options.check, given)
  if not ok then
    error("postevent.new: " .. tostring(settings), 2)
  end
  local made, client = pcall(core.new, settings)
  if not made then
    error("postevent.new: " .. tostring(client), 2)
  end
  target.allow_http = given.allow_http
  targets[client] = target
  if not settings.verify and settings.log then
    pcall(settings.log, "warn", "tls.verify is false: anyone on the way can read and change the events")
  end
  return client
end

-- client:set_authorization(value), or (user, password): the credentials of every later request. Raises on a mistake.
-- Returns true; or nil, message, "closed", detail.
function core.methods:set_authorization(...)
  local target = targets[self] or error("set_authorization: expected a client", 2)
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

return postevent
