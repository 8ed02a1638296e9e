-- The platform's uniqueness check: has an event come before? Its key is an MD5 of its name, its customer and its unique
-- attributes, as the platform's documents have it. Keys are remembered in two halves, of which the older one is
-- forgotten when the newer is full.

local cjson = require "cjson.safe"
local md5 = require("postevent.sandbox.httpd").md5
local scalar = require "postevent.sandbox.scalar"

local Unique = {}
Unique.__index = Unique
Unique.__name = "postevent.sandbox.unique"

local HALF = 50000 -- keys

local WITHOUT_DEFINITION = { customer = "customer_id", unique = { "external_event_id" } }

-- The names of what makes the key, by the name of the event.
local function parts_of(event)
  local parts = { unique = {} }
  for _, attribute in ipairs(event.attributes) do
    if attribute.type == "CUSTOMER" then
      parts.customer = parts.customer or attribute.name
    elseif attribute.unique then
      parts.unique[#parts.unique + 1] = attribute.name
    end
  end
  return parts
end

--- A check that has seen nothing. `definitions`: what postevent.definitions has made, or nil; of an event that they do
-- not have, the key is made of customer_id and external_event_id.
function Unique.new(definitions)
  local self = setmetatable({ _parts = {} }, Unique)
  for _, event in ipairs(definitions and definitions.events or {}) do
    self._parts[event.name] = self._parts[event.name] or parts_of(event)
  end
  self:reset()
  return self
end

--- Forgets what it has seen.
function Unique:reset()
  self._newer, self._older, self._count = {}, {}, 0
end

--- The key of a decoded event; or nil where one of its unique attributes is absent, or it has none: such an event is
-- never a repeat.
function Unique:key(object)
  local parts = self._parts[object.event_name] or WITHOUT_DEFINITION
  local has_customer = parts.customer and object[parts.customer]
  local texts = { scalar.of(object, "event_name"), has_customer and scalar.of(object, parts.customer) or "" }
  for _, name in ipairs(parts.unique) do
    local value = object[name]
    if value == nil or value == cjson.null then return nil end
    texts[#texts + 1] = scalar.of(object, name)
  end
  return parts.unique[1] and md5(table.concat(texts, "_")) or nil
end

--- The number of the event that came first with the key of this one; or nil, and then it is this, `number`.
function Unique:first(object, number)
  local key = self:key(object)
  if not key then return nil end
  local first = self._newer[key] or self._older[key]
  if first then return first end
  if self._count >= HALF then
    self._newer, self._older, self._count = {}, self._newer, 0
  end
  self._newer[key], self._count = number, self._count + 1
  return nil
end

return Unique
