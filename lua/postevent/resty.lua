-- postevent in nginx (OpenResty): clients whose `post` lets the worker go on, the counters of all workers, and the end
-- of a worker.

local ngx = rawget(_G, "ngx") or error("postevent.resty needs nginx with its Lua module (OpenResty)", 2)

local copy = require("postevent.copy")
local core = require("postevent.core")
local options = require("postevent.options")
local phase = require("postevent.resty.phase")
local postevent = require("postevent")
local postevent_metrics = require("postevent.metrics")
local shared = require("postevent.resty.shared")
local waker = require("postevent.resty.waker")

local resty = {}

local DICTIONARY = "postevent" -- the shared dictionary, unless the option `shared` names another one
local PUBLISH_SECONDS = 1
local CLOSE_SECONDS = 5
local LEVELS = { info = ngx.INFO, warn = ngx.WARN, error = ngx.ERR }

local clients = {} -- those of this worker that are not closed: { client =, dictionary = or nil }
local counted = {} -- dictionary -> what its closed clients of this worker have counted
local timeouts = setmetatable({}, { __mode = "k" }) -- client -> the seconds that a post of it may take

-- ---- the counters ----

-- What the clients of the dictionary have counted in this worker. Forgets those that are closed.
local function count(dictionary)
  local list = { counted[dictionary] }
  for i = #clients, 1, -1 do
    local entry = clients[i]
    if entry.dictionary == dictionary then
      local counters, closed = entry.client:_counters()
      list[#list + 1] = counters
      if closed then
        counted[dictionary] = core.total { counters, counted[dictionary] or "" }
        table.remove(clients, i)
      end
    end
  end
  return core.total(list)
end

local scheduled = {} -- dictionary -> true: a timer will publish

-- Publishes, and again a second later while events are under way; then the next call of track begins anew. A worker
-- without events has no timer. Returns true when all that is tracked from now on will be published.
local function schedule(dictionary)
  if scheduled[dictionary] then
    return true
  end
  local function publish(premature)
    scheduled[dictionary] = nil
    shared.publish(dictionary, count(dictionary))
    local busy = false
    for _, entry in ipairs(clients) do
      if entry.dictionary == dictionary then
        busy = busy or entry.client:stats().pending > 0
        entry.client:_announce(entry.announce)
      end
    end
    if busy and not premature then
      schedule(dictionary)
    end
  end
  local ok = ngx.timer.at(PUBLISH_SECONDS, publish)
  scheduled[dictionary] = ok or nil
  return ok
end

-- The dictionary that the option names; nil where there is none and none was asked for.
local function find_dictionary(name)
  if name == false then
    return nil
  end
  if name ~= nil and type(name) ~= "string" then
    error("shared: expected the name of a lua_shared_dict, or false", 0)
  end
  local dictionary = ngx.shared[name or DICTIONARY]
  if name and not dictionary then
    error(("shared: there is no dictionary of that name; it needs `lua_shared_dict %s 1m;`"):format(name), 0)
  end
  return dictionary
end

-- resty.metrics(labels, name) -> the counters of all workers together, in the text format of Prometheus. `name`: of the
-- shared dictionary ("postevent"). Raises where there is no such dictionary, or the labels cannot be.
function resty.metrics(labels, name)
  local ok, dictionary = pcall(find_dictionary, name or DICTIONARY)
  if not ok then
    error("metrics: " .. dictionary, 2)
  end
  shared.publish(dictionary, count(dictionary))
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

-- resty.new(options) -> a client whose post yields. The options are those of postevent.new, and `shared`: the name of
-- the lua_shared_dict for the counters of all workers ("postevent", where there is one), or false. Its log is nginx's
-- unless another is given. In init_by_lua, init_worker_by_lua, or later. Raises, naming the option, on a mistake.
function resty.new(given)
  if type(given) ~= "table" then
    error("postevent.resty.new: expected a table of options, got a " .. type(given), 2)
  end
  local ok, dictionary = pcall(find_dictionary, given.shared)
  if not ok then
    error("postevent.resty.new: " .. dictionary, 2)
  end
  local rest = {}
  for name, value in next, given do
    rest[name] = value
  end
  rest.shared = nil
  rest.log = rest.log or log
  local made, client = pcall(postevent.new, rest)
  if not made then
    error((tostring(client):gsub("^postevent%.new", "postevent.resty.new")), 2)
  end
  local entry = { client = client, dictionary = dictionary }
  clients[#clients + 1] = entry
  if dictionary then
    function entry.announce()
      return schedule(dictionary)
    end
    client:_announce(entry.announce)
  end
  if rest.mode == nil or rest.mode == "live" then
    timeouts[client] = rest.timeout or options.defaults.timeout
    if ngx.get_phase() ~= "init" then -- the master has no timers
      waker.watch_exit()
    end
  end
  return client
end

local plain_post = core.methods.post

-- A post that was tried more than once goes into the log, as a plain client's does.
local function note_attempts(client, reply, message, code, detail)
  local attempts = (reply or detail).attempts or 0
  if attempts > 1 then
    client:_log_retries(attempts, code or "delivered")
  end
  return reply, message, code, detail
end

-- client:post(event) of a client that resty.new made: lets the worker go on until the answer is there. Any other client
-- posts as ever.
function core.methods:post(event)
  local timeout = timeouts[self]
  if not timeout then
    return plain_post(self, event)
  end
  phase.check_may_yield()
  if type(event) ~= "table" then
    error("bad argument #1 to 'post' (table expected, got " .. type(event) .. ")", 2)
  end
  return note_attempts(self, waker.post(self, event, timeout))
end

-- resty.from_env(options) -> a copy of the options (a table, or nil), with url and authorization from POSTEVENT_URL and
-- POSTEVENT_AUTHORIZATION where they are not given. Raises when there is no url.
function resty.from_env(given)
  local result = copy(given or {})
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

-- resty.close(seconds) -> true; or nil, message, "timeout", { remaining = }: closes all clients of this worker, at most
-- `seconds` (5) in all, and publishes what they have counted. For exit_worker_by_lua.
function resty.close(seconds)
  seconds = seconds or CLOSE_SECONDS
  local begin = now()
  local remaining, why = 0, nil
  local dictionaries = {}
  for _, entry in ipairs(clients) do
    local left = seconds - (now() - begin)
    local ok, message, _, detail = entry.client:close(math.min(math.max(left, 0), seconds)) -- a clock may be set
    if not ok then
      remaining, why = remaining + detail.remaining, message
    end
    if entry.dictionary then
      dictionaries[entry.dictionary] = true
    end
  end
  for dictionary in pairs(dictionaries) do
    shared.finish(dictionary, count(dictionary))
    counted[dictionary] = nil
  end
  clients = {}
  if remaining > 0 then
    return nil, why, "timeout", { remaining = remaining }
  end
  return true
end

return resty
