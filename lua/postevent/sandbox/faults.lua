-- The faults that are on, and which of them a request meets: the first that is meant for it. They stand in the order in
-- which it is asked: those that close before the event is read, then the others, each in the order in which they were
-- turned on. Each draws from a sequence of its own, which begins with the seed: so a run can be repeated, whatever the
-- other faults are.

local fault = require "postevent.sandbox.fault"
local keys = require "postevent.sandbox.fault_keys"
local now = require("postevent.sandbox.httpd").now

local Faults = {}
Faults.__index = Faults
Faults.__name = "postevent.sandbox.faults"

local MODULUS, MULTIPLIER = 2147483647, 48271 -- Park and Miller's; the product is exact in a double
local KNOWN_BY = 4096 -- bytes of a body, where there is no id to know an event by

Faults.LARGEST_SEED = MODULUS - 1
Faults.MOST = 100 -- that are on at a time

--- None are on. `seed`: 1 to LARGEST_SEED. `customers`: a function of a decoded event, which returns the set of its
-- customers' identifiers.
function Faults.new(seed, customers)
  return setmetatable({ seed = seed, _customers = customers, _list = {}, _last = 0 }, Faults)
end

local function first_state(seed, id)
  local state = (seed + id * 7919) % MODULUS
  state = state > 0 and state or 1
  for _ = 1, 3 do -- neighbours begin alike
    state = state * MULTIPLIER % MODULUS
  end
  return state
end

-- A number from 0 up to, but not, 1.
local function draw(one)
  one.state = one.state * MULTIPLIER % MODULUS
  return (one.state - 1) / (MODULUS - 1)
end

local function is_over(one, time)
  local fields = one.fields
  return fields.times ~= nil and one.met >= fields.times
    or fields.seconds ~= nil and one.began ~= nil and time - one.began >= fields.seconds
end

-- Room is made by those that are over.
local function make_room(self)
  local time = now()
  for i = #self._list, 1, -1 do
    if #self._list < Faults.MOST then return true end
    if is_over(self._list[i], time) then table.remove(self._list, i) end
  end
  return #self._list < Faults.MOST
end

local function is_early(one)
  return one.fields.drop == "before"
end

-- Where a new one stands.
local function place_of(self, new)
  local place = #self._list + 1
  while is_early(new) and place > 1 and not is_early(self._list[place - 1]) do
    place = place - 1
  end
  return place
end

--- Turns on a fault that fault.check or fault.parse made. Returns its number, from 1; or nil and what is wrong.
function Faults:add(fields)
  if not make_room(self) then return nil, ("there are %d faults already"):format(Faults.MOST) end
  local id = self._last + 1
  self._last = id
  local new = {
    id = id, fields = fields, text = fault.text(fields), state = first_state(self.seed, id), met = 0, seen = 0,
  }
  table.insert(self._list, place_of(self, new), new)
  return id
end

--- Turns one off. Returns whether it was there.
function Faults:remove(id)
  for i, one in ipairs(self._list) do
    if one.id == id then
      table.remove(self._list, i)
      return true
    end
  end
  return false
end

--- Turns all off. The next is number 1 again, and draws what the first one drew.
function Faults:clear()
  self._list, self._last = {}, 0
end

-- Whether it is for everybody and for ever: nothing behind it is met.
local function meets_all(one)
  for _, key in ipairs(keys) do
    if key.part ~= "what" and one.fields[key.name] ~= nil then return false end
  end
  return not one.fields.unauthorized
end

--- A list of { id =, fields =, text =, met = how many requests, over = boolean, shadowed = whether one before it meets
-- all }, in their order.
function Faults:list()
  local list, time, shadowed = {}, now(), false
  for i, one in ipairs(self._list) do
    list[i] = { id = one.id, fields = one.fields, text = one.text, met = one.met, over = is_over(one, time),
      shadowed = shadowed }
    shadowed = shadowed or meets_all(one)
  end
  return list
end

--- Says to `log`, a function of a line, what is needed to repeat a run; nothing where none is on.
function Faults:announce(log)
  if self._list[1] then log(("faults are on, drawn from the seed %d"):format(self.seed)) end
end

-- ---- to whom ----

-- How an event is known when it comes again.
local function identity(request)
  local id = request.object.external_event_id
  return type(id) == "string" and id or request.body:sub(1, KNOWN_BY)
end

local function is_the_one(one, request)
  one.known = one.known or identity(request)
  return one.known == identity(request)
end

-- The credential that it meets first is the one that is not good any more.
local function has_old_credential(one, request)
  local credential = request.authorization or ""
  one.credential = one.credential or credential
  return one.credential == credential
end

-- More requests than that in the second that runs?
local function is_above(one, time)
  if not one.window or time - one.window >= 1 then
    one.window, one.in_window = time, 0
  end
  one.in_window = one.in_window + 1
  return one.in_window > one.fields.above
end

-- In this order: what counts and what draws looks only at requests that the rest is meant for.
local function is_meant(self, one, request, time)
  local fields = one.fields
  if is_over(one, time) or fields.webhook and fields.webhook ~= request.webhook then return false end
  if fields.event and fields.event ~= request.object.event_name then return false end
  if fields.customer and not self._customers(request.object)[fields.customer] then return false end
  if fields.one and not is_the_one(one, request) then return false end
  if fields.unauthorized and not has_old_credential(one, request) then return false end
  one.began = one.began or time
  if fields.above and not is_above(one, time) then return false end
  one.seen = one.seen + 1
  if fields.every and one.seen % fields.every ~= 0 then return false end
  return not fields.share or draw(one) < fields.share
end

local function meet(self, request, is_read)
  local time = now()
  for _, one in ipairs(self._list) do
    if is_early(one) ~= is_read and is_meant(self, one, request, time) then
      one.met = one.met + 1
      return one
    end
  end
end

--- The fault that a request meets before its event is read, or nil: { fields =, text = }.
function Faults:meet_early(webhook)
  return meet(self, { webhook = webhook }, false)
end

--- The fault that a request meets: { webhook =, object = the decoded event, body =, authorization = or nil }; or nil.
function Faults:meet(request)
  return meet(self, request, true)
end

return Faults
