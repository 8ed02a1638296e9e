-- postevent in nginx (OpenResty): clients whose `post` lets the worker go on, the counters of all workers, and the end
-- of a worker.

local ngx = rawget(_G, "ngx") or error("postevent.resty needs nginx with its Lua module (OpenResty)", 2)

local copy = require("postevent.copy")
local core = require("postevent.native")("postevent.core")
local key_of = require("postevent.resty.key")
local ledger = require("postevent.resty.ledger")
local options = require("postevent.options")
local phase = require("postevent.phase")
local postevent = require("postevent")
local postevent_metrics = require("postevent.metrics")
local shared = require("postevent.resty.shared")
local waker = require("postevent.resty.waker")

local resty = {}

local DICTIONARY = "postevent" -- the shared dictionary, unless the option `shared` names another one
local CLOSE_SECONDS = 5
local FIRST_LOOK, LONGEST_LOOK = 0.001, 0.05 -- seconds between two looks at a client that closes
local MOST_KEPT, KEPT_SECONDS = 100, 600 -- clients, by resty.get
local LEVELS = { info = ngx.INFO, warn = ngx.WARN, error = ngx.ERR }

local timeouts = setmetatable({}, { __mode = "k" }) -- client -> the seconds that a post of it may take
local methods = setmetatable({}, { __index = core.methods }) -- a plain client's, but for post and close
local class = core.derive(methods)
class.__gc = ledger.drop

-- ---- the counters ----

-- The dictionary of that name, or the usual one; nil where it is not wanted, or not asked for and not there. Raises,
-- naming `what`, where it cannot be.
local function find_dictionary(name, what)
  if name == false then
    return nil
  end
  if name ~= nil and (type(name) ~= "string" or not name:find("^%S+$")) then
    error(("%s: expected the name of a lua_shared_dict"):format(what), 0)
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

local function is_live(client)
  local facts = core.facts(client)
  return facts and facts.mode == "live"
end

-- What resty.new returns; raises, as the function of that name, at its caller's caller.
local function make(given, name)
  if given == resty then
    error(("%s: called with a colon; it is resty.%s(...), with a dot"):format(name, name:match("%w+$")), 3)
  end
  if type(given) ~= "table" then
    error(("%s: expected a table of options, got a %s"):format(name, type(given)), 3)
  end
  local settings = copy.shallow(given)
  local ok, dictionary = pcall(find_dictionary, settings.shared, "shared")
  if not ok then
    error(name .. ": " .. dictionary, 3)
  end
  settings.shared = nil
  if type(settings.spool) == "table" and settings.spool.wait and not settings.allow_blocking then
    error(name .. ": spool.wait: it blocks the worker for every event; without it, an event is on disk a few "
      .. "milliseconds later. `allow_blocking = true` allows it", 3)
  end
  if settings.log == nil then
    settings.log = log
  end
  local made, client = pcall(postevent.new, settings)
  if not made then
    error((tostring(client):gsub("^postevent%.new", name)), 3)
  end
  core.become(client, class)
  ledger.add(client, dictionary, settings.drain or options.defaults.drain)
  timeouts[client] = settings.timeout or options.defaults.timeout
  return client
end

-- resty.new(options) -> a client whose post and close yield. The options are those of postevent.new, and `shared`: the
-- name of the lua_shared_dict for the counters of all workers ("postevent", where there is one), or false. Its log is
-- nginx's unless another is given. In init_by_lua, init_worker_by_lua, or later. Raises, naming the option, on a
-- mistake, and on `spool.wait`.
function resty.new(given)
  return make(given, "postevent.resty.new")
end

local kept = {} -- key of the options -> { client =, used = number of the last call of resty.get for it, at = its time }
local kept_count, calls = 0, 0

local function drop(key)
  kept[key] = nil
  kept_count = kept_count - 1
end

-- Those are dropped that nobody asked for in ten minutes (a route that is gone, credentials that were replaced), and of
-- a hundred the one that was not asked for the longest.
local function make_room()
  local now, oldest = ngx.now(), nil
  for key, entry in pairs(kept) do
    if now - entry.at > KEPT_SECONDS then
      drop(key)
    else
      oldest = oldest and kept[oldest].used < entry.used and oldest or key
    end
  end
  if kept_count >= MOST_KEPT then
    drop(oldest)
  end
end

-- resty.get(options) -> the client of this worker for these options: the same one for options that are equal, down to
-- the tables in them. Made at need; the hundred that were asked for last are kept, and of those, when another is made,
-- the ones of the last ten minutes. Raises as resty.new.
function resty.get(given)
  local key = type(given) == "table" and given ~= resty and key_of(given)
  local entry = kept[key]
  if not entry or entry.client:_life() ~= "open" then
    local client = make(given, "postevent.resty.get")
    if not entry then
      make_room()
      kept_count = kept_count + 1
    end
    entry = { client = client }
    kept[key] = entry
  end
  calls = calls + 1
  entry.used, entry.at = calls, ngx.now()
  return entry.client
end

-- A post that was tried more than once goes into the log, as a plain client's does.
local function note_attempts(client, reply, message, code, detail)
  local attempts = (reply or detail).attempts or 0
  if attempts > 1 then
    client:_log_retries(attempts, code or "delivered")
  end
  return reply, message, code, detail
end

-- client:post(event): lets the worker go on until the answer is there. In the modes "record" and "off" there is nothing
-- to wait for.
function methods:post(event)
  if not is_live(self) then
    return core.methods.post(self, event)
  end
  phase.check_post_may_yield()
  if type(event) ~= "table" then
    error("bad argument #1 to 'post' (table expected, got " .. type(event) .. ")", 2)
  end
  return note_attempts(self, waker.post(self, event, timeouts[self]))
end

-- track and start are a plain client's, once the process is one that stays.
for _, name in ipairs { "track", "start" } do
  methods[name] = function(...)
    phase.check_has_begun(name)
    methods[name] = nil
    return core.methods[name](...)
  end
end

-- client:close(seconds): as a plain client's where nobody waits for the worker; else it lets the worker go on until all
-- is delivered, or returns at once where that cannot be, and the rest happens behind it.
function methods:close(seconds)
  if phase.may_wait() then
    return core.methods.close(self, seconds)
  end
  if self:_life() == "ended" then
    return true
  end
  self:_finish(seconds)
  local pause = FIRST_LOOK
  while self:_life() == "closing" and phase.may_yield() do
    ngx.sleep(pause)
    pause = math.min(pause * 1.5, LONGEST_LOOK)
  end
  return self:_remaining()
end

-- resty.from_env(options) -> a copy of the options (a table, or nil), with url and authorization from POSTEVENT_URL and
-- POSTEVENT_AUTHORIZATION where they are not given. Raises when there is no url.
function resty.from_env(given)
  if given ~= nil and type(given) ~= "table" then
    error("postevent.resty.from_env: expected a table of options, got a " .. type(given), 2)
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
    error("postevent.resty.close: expected a number of seconds, 0 to 86400", 2)
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
