-- What the sandbox received: the last events, oldest first, each with the exact bytes that were posted.
-- Bounded by count and by bytes; what falls out at the old end is counted.

local json = require "postevent.sandbox.json"

local MAX_EVENTS = 100000
local MAX_BYTES = 256 * 1024 * 1024

local Store = {}
Store.__index = Store
Store.__name = "postevent.sandbox.store"

local HEAD = '{"event":' -- in front of the body, in the text that is kept of an event

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

local function size_of(event)
  return #event.text + #(event.message or "")
end

local function drop_oldest(self)
  local oldest = self._events[self._first]
  self._events[self._first] = nil
  self._first = self._first + 1
  self._bytes = self._bytes - size_of(oldest)
  self._dropped = self._dropped + 1
end

-- '"outcome":"bad","problems":[...]' behind a comma; nothing where there were no definitions to check against.
local function verdict_to_json(verdict)
  if not verdict.problems then return "" end
  local problems = {}
  for i, problem in ipairs(verdict.problems) do
    problems[i] = ('{"attribute":%s,"rule":%s,"message":%s}'):format(
      json.text(problem.attribute), json.text(problem.rule), json.text(problem.message))
  end
  return (',"outcome":"%s","problems":[%s]'):format(problems[1] and "bad" or "good", table.concat(problems, ","))
end

--- Keeps one event. `body` is the JSON as posted; webhook, id and time are text without a character that JSON escapes.
-- `verdict`, for the log and the filters, and optional as all its fields are: `name` of the event, `time` (seconds
-- since 1970); with definitions `problems` (a list), and of a bad one `message` and `status`.
function Store:add(body, webhook, request_id, received_at, verdict)
  verdict = verdict or {}
  local event = {
    text = ('%s%s,"webhook":"%s","requestId":"%s","received_at":"%s"%s}'):format(
      HEAD, body, webhook, request_id, received_at, verdict_to_json(verdict)),
    body_size = #body, webhook = webhook, request_id = request_id,
    name = verdict.name or "", time = verdict.time or 0,
    is_bad = verdict.problems ~= nil and verdict.problems[1] ~= nil,
    message = verdict.message, status = verdict.status,
  }
  self._last = self._last + 1
  self._events[self._last] = event
  self._bytes = self._bytes + size_of(event)
  while self._last - self._first >= self._max_events or self._bytes > self._max_bytes do
    drop_oldest(self)
  end
end

local function reverse(list)
  for i = 1, math.floor(#list / 2) do
    list[i], list[#list + 1 - i] = list[#list + 1 - i], list[i]
  end
end

--- The newest `limit` events (nil: all), oldest first, as JSON text. `outcome`: nil for all, "good" or "bad" for those;
-- without definitions all are good.
function Store:to_json(outcome, limit)
  local texts = {}
  for i = self._last, self._first, -1 do
    if #texts >= (limit or math.huge) then break end
    local event = self._events[i]
    if not outcome or event.is_bad == (outcome == "bad") then texts[#texts + 1] = event.text end
  end
  reverse(texts)
  return ('{"count":%d,"dropped":%d,"events":[%s]}'):format(#texts, self._dropped, table.concat(texts, ","))
end

-- An event as the platform's log has it. What the sandbox has no notion of is as in the platform's documented example.
local function log_entry(event)
  local body = event.text:sub(#HEAD + 1, #HEAD + event.body_size)
  return ('{"startTime":%.0f,"responseTime":0,"orgId":0,"status":"%s","eventName":%s,"inputRequest":%s,"id":"%s",'
    .. '"webhookId":"%s","parentOrgId":-1,"message":%s}'):format(event.time * 1000,
      event.is_bad and event.status or "EVENT_SUCCESS", json.text(event.name), json.text(body), event.request_id,
      event.webhook, json.text(event.is_bad and event.message or "Event processed successfully"))
end

--- The platform's log of the events, newest first, as JSON text: at most `limit`, of the events named `name`, or of
-- all.
function Store:log_to_json(name, limit)
  local entries = {}
  for i = self._last, self._first, -1 do
    if #entries >= limit then break end
    local event = self._events[i]
    if not name or event.name == name then entries[#entries + 1] = log_entry(event) end
  end
  return ('{"data":[%s],"warnings":[],"errors":[]}'):format(table.concat(entries, ","))
end

return Store
