-- postevent in nginx (OpenResty): clients whose `post` lets the worker go on, the counters of all workers, and the end
-- of a worker.

local ngx = rawget(_G, "ngx") or error("postevent.resty needs nginx with its Lua module (OpenResty)", 2)

local become = require("postevent.resty.class")
local copy = require("postevent.copy")
local kept = require("postevent.resty.kept")
local key_of = require("postevent.resty.key")
local ledger = require("postevent.resty.ledger")
local options = require("postevent.options")
local phase = require("postevent.phase")
local postevent = require("postevent")
local postevent_metrics = require("postevent.metrics")
local shared = require("postevent.resty.shared")
local words = require("postevent.options.words")

local resty = {}

local DICTIONARY = "postevent" -- the shared dictionary, unless the option `shared` names another one
local CLOSE_SECONDS = 5
local NAME, SECONDS = { type = "text" }, { type = "seconds", above = -1, most = 86400 } -- what is known of arguments
local LEVELS = { info = ngx.INFO, warn = ngx.WARN, error = ngx.ERR }

-- ---- the counters ----

-- The dictionary of that name, or the usual one; nil where it is not wanted, or not asked for and not there. Raises,
-- naming `what`, where it cannot be.
local function find_dictionary(name, what)
  if name == false then
    return nil
  end
  if name ~= nil and (type(name) ~= "string" or not name:find("^%S+$")) then
    error(words.refusal(what, name, NAME, "the name of a lua_shared_dict"), 0)
  end
  local dictionary = ngx.shared[name or DICTIONARY]
  if name and not dictionary then
    error(("%s: there is no dictionary of that name; it needs `lua_shared_dict %s 1m;`"):format(what, name), 0)
  end
  return dictionary
end

-- resty.metrics(labels, name) -> the counters of all workers together, in the text format of Prometheus. `name`: of the
-- shared dictionary ("postevent"). Raises where there is no such dictionary, or the labels cannot be.
function resty.metrics(labels, name)
  local ok, dictionary = pcall(find_dictionary, name or DICTIONARY, "name")
  if not ok then
    error("metrics: " .. dictionary, 2)
  end
  ledger.publish(dictionary)
  local text
  ok, text = pcall(postevent_metrics, shared.stats(dictionary), labels)
  if not ok then
    error("metrics: " .. tostring(text), 2)
  end
  return text
end

-- ---- the clients ----

local function log(level, message)
  ngx.log(LEVELS[level] or ngx.ERR, "postevent: ", message)
end

-- Raises, at its caller's caller, where the function of that name has no table of options.
local function check_call(given, name)
  if given == resty then
    error(("%s: called with a colon; it is resty.%s(...), with a dot"):format(name, name:match("%w+$")), 3)
  end
  if type(given) ~= "table" then
    error(words.refusal(name, given, nil, "a table of options"), 3)
  end
end

-- A plain client for the options, then their copy, then the dictionary of its counters or nil. Raises what is wrong
-- with them.
local function build(given)
  local settings = copy.shallow(given)
  local dictionary = find_dictionary(settings.shared, "shared")
  settings.shared = nil
  if type(settings.spool) == "table" and settings.spool.wait and not settings.allow_blocking then
    error("spool.wait: it blocks the worker for every event; without it, an event is on disk a few milliseconds later. "
      .. "`allow_blocking = true` allows it", 0)
  end
  if settings.log == nil then
    settings.log = log
  end
  local ok, client = pcall(postevent.new, settings)
  if not ok then
    error((tostring(client):gsub("^postevent%.new: ", "")), 0)
  end
  return client, settings, dictionary
end

-- Makes what `build` returns a client of this module.
local function adopt(client, settings, dictionary)
  become(client, settings.timeout or options.defaults.timeout)
  ledger.add(client, dictionary, settings.drain or options.defaults.drain)
  return client
end

-- resty.new(options) -> a client whose post and close yield. The options are those of postevent.new, and `shared`: the
-- name of the lua_shared_dict for the counters of all workers ("postevent", where there is one), or false. Its log is
-- nginx's unless another is given. In init_by_lua, init_worker_by_lua, or later. Raises, naming the option, on a
-- mistake, and on `spool.wait`.
function resty.new(given)
  check_call(given, "postevent.resty.new")
  local ok, client, settings, dictionary = pcall(build, given)
  if not ok then
    error("postevent.resty.new: " .. client, 2)
  end
  return adopt(client, settings, dictionary)
end

-- resty.check(options) -> true; or nil and what is wrong with them. For a plugin's schema: resty.new and resty.get take
-- what it takes.
function resty.check(given)
  check_call(given, "postevent.resty.check")
  local ok, client = pcall(build, given)
  if not ok then
    return nil, client
  end
  client:_collect()
  return true
end

-- Options that are refused with each request have a line a second in the log.
local told_at, untold = -1, 0

local function tell_refused(message)
  local elapsed = ngx.now() - told_at
  if elapsed >= 0 and elapsed < 1 then -- a clock may be set back
    untold = untold + 1
    return
  end
  log("error", message .. (untold > 0 and (" (and %d more of the kind)"):format(untold) or ""))
  told_at, untold = ngx.now(), 0
end

-- resty.get(options) -> the client of this worker for these options: the same one for options that are equal, down to
-- the tables in them. Made at need. Where they are refused: nil and why, and the log says so, since who asks is a
-- plugin with what a configuration or a vault holds, and a visitor waits.
function resty.get(given)
  check_call(given, "postevent.resty.get")
  local key = key_of(given)
  local known = kept.find(key)
  if known then
    return known
  end
  local ok, client, settings, dictionary = pcall(build, given)
  if not ok then
    tell_refused("no client: " .. client)
    return nil, client
  end
  return kept.keep(key, adopt(client, settings, dictionary))
end

-- resty.from_env(options) -> a copy of the options (a table, or nil), with url and authorization from POSTEVENT_URL and
-- POSTEVENT_AUTHORIZATION where they are not given. Raises when there is no url.
function resty.from_env(given)
  if given ~= nil and type(given) ~= "table" then
    error(words.refusal("postevent.resty.from_env", given, nil, "a table of options"), 2)
  end
  local result = copy.shallow(given or {})
  result.url = result.url or os.getenv("POSTEVENT_URL")
  if result.user == nil then
    result.authorization = result.authorization or os.getenv("POSTEVENT_AUTHORIZATION")
  end
  if not result.url then
    error("postevent.resty.from_env: POSTEVENT_URL is not set here; in nginx.conf, outside of all blocks, "
      .. "`env POSTEVENT_URL;` hands it to the workers", 2)
  end
  return result
end

-- ---- the end of a worker ----

local function now()
  ngx.update_time()
  return ngx.now()
end

-- Closes one that is open, or ends one that closes. Returns as client:close.
local function close_one(client, seconds)
  if client:_life() ~= "closing" then
    return client:close(seconds)
  end
  client:_finish(seconds)
  client:_end(seconds)
  return client:_remaining()
end

-- Closes the clients, in so many seconds altogether. Returns how many events are left, and what stood in the way.
local function close_all(list, seconds)
  local begin = now()
  local remaining, why = 0, nil
  for _, client in ipairs(list) do
    local left = seconds - (now() - begin)
    local ok, message, _, detail = close_one(client, math.min(math.max(left, 0), seconds)) -- a clock may be set
    if not ok then
      remaining, why = remaining + detail.remaining, message
    end
  end
  return remaining, why
end

-- resty.close(seconds) -> true; or nil, message, "timeout", { remaining = }: closes all clients of this worker, at most
-- `seconds` (5) in all, and publishes what they have counted. Without it they are closed all the same when the worker
-- ends, each in the time of its option `drain`. For exit_worker_by_lua.
function resty.close(seconds)
  if seconds ~= nil and not (type(seconds) == "number" and seconds >= 0 and seconds <= 86400) then
    error(words.refusal("postevent.resty.close", seconds, SECONDS, "a number of seconds, 0 to 86400"), 2)
  end
  if not phase.may_wait() then
    error("postevent.resty.close would block the worker here: it is for exit_worker_by_lua; without it, the end of a "
      .. "worker closes all clients, each in the time of its option drain", 2)
  end
  local dictionaries = ledger.dictionaries()
  local remaining, why = close_all(ledger.clients(), seconds or CLOSE_SECONDS)
  if phase.current() ~= "init" then
    for _, dictionary in ipairs(dictionaries) do
      ledger.finish(dictionary)
    end
  end
  ledger.forget_ended()
  if remaining > 0 then
    return nil, why, "timeout", { remaining = remaining }
  end
  return true
end

return resty
