-- The class of nginx's clients: a plain client's methods, but for those that wait, which let the worker go on.

local ngx = ngx
local core = require("postevent.native")("postevent.core")
local ledger = require("postevent.resty.ledger")
local phase = require("postevent.phase")
local waker = require("postevent.resty.waker")
local words = require("postevent.options.words")

local FIRST_LOOK, LONGEST_LOOK = 0.001, 0.05 -- seconds between two looks at a client that closes

local timeouts = setmetatable({}, { __mode = "k" }) -- client -> the seconds that a post of it may take
local methods = setmetatable({}, { __index = core.methods })
local class = core.derive(methods)
class.__gc = ledger.drop

-- ---- what a method is called with: said as the core says it, of the method that was called ----

local function check_self(self, name)
  if not core.facts(self) then
    error(("%s: expected a client, got %s; methods are called with a colon: client:%s(...)"):format(name, type(self),
      name), 3)
  end
end

local function check_event(event, name)
  if type(event) ~= "table" then
    error(words.refusal(name .. ": event", event, nil, "a table of attributes"), 3)
  end
end

local SECONDS = { type = "number" }
local YEAR = 366 * 86400

local function check_seconds(seconds, name)
  local number = type(seconds) ~= "boolean" and tonumber(seconds)
  if seconds ~= nil and not (number and number >= 0 and number <= YEAR) then
    error(words.refusal(name .. ": seconds", seconds, SECONDS, ("a number from 0 to %d"):format(YEAR)), 3)
  end
end

-- ---- the methods ----

-- A post that failed, or was tried more than once, goes into the log, as a plain client's does. Who refuses it before
-- any attempt has seen to that.
local function note(client, reply, message, code, detail)
  local attempts = (reply or detail).attempts or 0
  if attempts > 1 or (code and attempts > 0) then
    client:_log_post(attempts, code, message)
  end
  return reply, message, code, detail
end

-- client:post(event): lets the worker go on until the answer is there. In the modes "record" and "off" there is nothing
-- to wait for.
function methods:post(event)
  check_self(self, "post")
  check_event(event, "post")
  if core.facts(self).mode ~= "live" then
    return core.methods.post(self, event)
  end
  phase.check_post_may_yield()
  return note(self, waker.post(self, event, timeouts[self]))
end

-- track and start are a plain client's, once the process is one that stays.
function methods:track(event)
  check_self(self, "track")
  check_event(event, "track")
  phase.check_has_begun("track")
  methods.track = nil
  return core.methods.track(self, event)
end

function methods:start()
  check_self(self, "start")
  phase.check_has_begun("start")
  methods.start = nil
  return core.methods.start(self)
end

-- client:close(seconds): as a plain client's where nobody waits for the worker; else it lets the worker go on until all
-- is delivered, or returns at once where that cannot be, and the rest happens behind it.
function methods:close(seconds)
  check_self(self, "close")
  check_seconds(seconds, "close")
  if phase.may_wait() then
    return core.methods.close(self, seconds)
  end
  self:_finish(seconds) -- nothing, where it has been called before
  local pause = FIRST_LOOK
  while self:_life() == "closing" and phase.may_yield() do
    ngx.sleep(pause)
    pause = math.min(pause * 1.5, LONGEST_LOOK)
  end
  return self:_remaining()
end

-- Makes a plain client one of nginx's; `timeout`: the option of that name.
return function(client, timeout)
  core.become(client, class)
  timeouts[client] = timeout
end
