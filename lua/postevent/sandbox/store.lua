-- What the sandbox received: the last events, oldest first, each with the exact bytes that were posted.
-- Bounded by count and by bytes; what falls out at the old end is counted.

local MAX_EVENTS = 100000
local MAX_BYTES = 256 * 1024 * 1024

local Store = {}
Store.__index = Store
Store.__name = "postevent.sandbox.store"

--- An empty store. `max_events` and `max_bytes` are for tests.
function Store.new(max_events, max_bytes)
  local self = setmetatable({ _max_events = max_events or MAX_EVENTS, _max_bytes = max_bytes or MAX_BYTES }, Store)
  self:reset()
  return self
end

--- Forgets everything, the count of the dropped too.
function Store:reset()
  self._events = {} -- from _first to _last
  self._first, self._last, self._bytes, self._dropped = 1, 0, 0, 0
end

local function drop_oldest(self)
  local oldest = self._events[self._first]
  self._events[self._first] = nil
  self._first = self._first + 1
  self._bytes = self._bytes - #oldest
  self._dropped = self._dropped + 1
end

--- Keeps one event. `body` is the JSON as posted; the rest is text without a character that JSON escapes.
function Store:add(body, webhook, request_id, received_at)
  local text = ('{"event":%s,"webhook":"%s","requestId":"%s","received_at":"%s"}'):format(
    body, webhook, request_id, received_at)
  self._last = self._last + 1
  self._events[self._last] = text
  self._bytes = self._bytes + #text
  while self._last - self._first >= self._max_events or self._bytes > self._max_bytes do
    drop_oldest(self)
  end
end

--- Everything, as JSON text.
function Store:to_json()
  local count = self._last - self._first + 1
  return ('{"count":%d,"dropped":%d,"events":[%s]}'):format(
    count, self._dropped, table.concat(self._events, ",", self._first, self._last))
end

return Store
