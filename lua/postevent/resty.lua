-- postevent in nginx (OpenResty): clients whose `post` lets the worker go on, the counters of all workers, and the end
-- of a worker.

local ngx = rawget(_G, "ngx") or error("postevent.resty needs nginx with its Lua module (OpenResty)", 2)

local copy = require("postevent.copy")
local core = require("postevent.native")("postevent.core")
local options = require("postevent.options")
local phase = require("postevent.phase")
local postevent = require("postevent")
local postevent_metrics = require("postevent.metrics")
local shared = require("postevent.resty.shared")
local waker = require("postevent.resty.waker")

local resty = {}

local DICTIONARY = "postevent" -- the shared dictionary, unless the option `shared` names another one
local PUBLISH_SECONDS = 1
local CLOSE_SECONDS = 5
local LEVELS = { info = ngx.INFO, warn = ngx.WARN, error = ngx.ERR }

local clients = {} -- those of this worker that are not closed: { client =, dictionary = or nil, announce = or nil }
local counted = {} -- dictionary -> what its closed clients of this worker have counted
local timeouts = setmetatable({}, { __mode = "k" }) -- client -> the seconds that a post of it may take
local methods = setmetatable({}, { __index = core.methods }) -- a plain client's, but for post
local class = core.derive(methods)

-- ---- the counters ----

-- Keeps what closed clients have counted, and forgets the clients. Returns the counters of those that are open, as a
-- list for each dictionary.
local function take_stock()
  local open, lists = {}, {}
  for _, entry in ipairs(clients) do
    local counters, closed = entry.client:_counters()
    local dictionary = entry.dictionary
    if not closed then
      open[#open + 1] = entry
    end
    if dictionary and closed then
      counted[dictionary] = core.total { counters, counted[dictionary] or "" }
    elseif dictionary then
      lists[dictionary] = lists[dictionary] or {}
      table.insert(lists[dictionary], counters)
    end
  end
  clients = open
  return lists
end

-- What the clients of the dictionary have counted in this worker.
local function count(dictionary)
  local list = take_stock()[dictionary] or {}
  list[#list + 1] = counted[dictionary]
  return core.total(list)
end

local function publish(dictionary)
  if phase.current() ~= "init" then -- the master has no events
    shared.publish(dictionary, count(dictionary))
  end
end

local scheduled = {} -- dictionary -> true: a timer will publish

-- Has a timer publish, and again a second later while events are under way; then the next call of track begins anew: a
-- worker without events has no timer. Returns whether all that is tracked from now on will be published.
local function schedule(dictionary)
  if scheduled[dictionary] then
    return true
  end
  local ok = ngx.timer.at(PUBLISH_SECONDS, function(premature)
    local busy = false
    scheduled[dictionary] = nil
    publish(dictionary)
    for _, entry in ipairs(clients) do
      if entry.dictionary == dictionary then
        local _, _, pending = entry.client:_counters()
        busy = busy or pending > 0
        entry.client:_announce(entry.announce)
      end
    end
    if busy and not premature then
      schedule(dictionary)
    end
  end)
  if not ok then -- in a worker that exits: as well as can be
    publish(dictionary)
  end
  scheduled[dictionary] = ok or nil
  return ok
end

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
  publish(dictionary)
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

-- resty.new(options) -> a client whose post yields. The options are those of postevent.new, and `shared`: the name of
-- the lua_shared_dict for the counters of all workers ("postevent", where there is one), or false. Its log is nginx's
-- unless another is given. In init_by_lua, init_worker_by_lua, or later. Raises, naming the option, on a mistake.
function resty.new(given)
  if given == resty then
    error("postevent.resty.new: called with a colon; it is resty.new(...), with a dot", 2)
  end
  if type(given) ~= "table" then
    error("postevent.resty.new: expected a table of options, got a " .. type(given), 2)
  end
  local settings = copy.shallow(given)
  local ok, dictionary = pcall(find_dictionary, settings.shared, "shared")
  if not ok then
    error("postevent.resty.new: " .. dictionary, 2)
  end
  settings.shared = nil
  if settings.log == nil then
    settings.log = log
  end
  local made, client = pcall(postevent.new, settings)
  if not made then
    error((tostring(client):gsub("^postevent%.new", "postevent.resty.new")), 2)
  end
  core.become(client, class)
  take_stock() -- closed ones are forgotten
  local entry = { client = client, dictionary = dictionary }
  clients[#clients + 1] = entry
  if dictionary then
    function entry.announce()
      return schedule(dictionary)
    end
    client:_announce(entry.announce)
  end
  timeouts[client] = settings.timeout or options.defaults.timeout
  return client
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

-- Closes the clients, in so many seconds altogether. Returns how many events are left, and what stood in the way.
local function close_all(list, seconds)
  local begin = now()
  local remaining, why = 0, nil
  for _, entry in ipairs(list) do
    local left = seconds - (now() - begin)
    local ok, message, _, detail = entry.client:close(math.min(math.max(left, 0), seconds)) -- a clock may be set
    if not ok then
      remaining, why = remaining + detail.remaining, message
    end
  end
  return remaining, why
end

-- resty.close(seconds) -> true; or nil, message, "timeout", { remaining = }: closes all clients of this worker, at most
-- `seconds` (5) in all, and publishes what they have counted. For exit_worker_by_lua.
function resty.close(seconds)
  if seconds ~= nil and not (type(seconds) == "number" and seconds >= 0 and seconds <= 86400) then
    error("postevent.resty.close: expected a number of seconds, 0 to 86400", 2)
  end
  phase.check_may_wait("close", 2)
  local list, dictionaries = {}, {}
  for i, entry in ipairs(clients) do
    list[i] = entry
    dictionaries[entry.dictionary or false] = true
  end
  local remaining, why = close_all(list, seconds or CLOSE_SECONDS)
  dictionaries[false] = nil
  if phase.current() ~= "init" then
    for dictionary in pairs(dictionaries) do
      shared.finish(dictionary, count(dictionary))
      counted[dictionary] = nil
    end
  end
  take_stock()
  if remaining > 0 then
    return nil, why, "timeout", { remaining = remaining }
  end
  return true
end

return resty
