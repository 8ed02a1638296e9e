-- What the sandbox received: the last events, each with the exact bytes that were posted. Bounded by count and by
-- bytes; what falls out at the old end is counted. The bytes lie in the server's ring, out of the collector's sight:
-- what is kept of an event is one record there, and nothing else.
--
-- What is told of them comes in pieces: a function that returns the next, and nil behind the last. It raises where what
-- it is about to tell has fallen out meanwhile.

local json = require "postevent.sandbox.json"
local new_ring = require("postevent.sandbox.httpd").new_ring

local MAX_EVENTS = 100000
local MAX_BYTES = 256 * 1024 * 1024
local PIECE = 16 * 1024 -- bytes

local Store = {}
Store.__index = Store
Store.__name = "postevent.sandbox.store"

-- A record: the head, then the parts whose sizes it tells. "text" is the event as /sandbox/events shows it.
local PARTS = { "text", "name", "message", "webhook", "request_id", "status" }
-- Is it bad, what became of it (the kinds below), its time, the size of the body, of the parts.
local HEAD = "%d%d %12.0f %8d" .. (" %8d"):rep(#PARTS) .. "\n"
local HEAD_PATTERN = "^(%d)(%d) +(%d+) +(%d+)" .. (" +(%d+)"):rep(#PARTS) .. "\n"
local HEAD_SIZE = #HEAD:format(0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
local NOT_TAKEN, TAKEN, REPEAT = 0, 1, 2 -- a repeat was taken, too
local BEFORE_BODY = '{"event":' -- in the text

--- An empty store. `max_events` and `max_bytes` are bounds where the defaults are not.
function Store.new(max_events, max_bytes)
  local self = setmetatable({ _ring = new_ring(max_events or MAX_EVENTS, max_bytes or MAX_BYTES) }, Store)
  self:reset()
  return self
end

--- Forgets everything, the count of the dropped too.
function Store:reset()
  self._all_alike = true -- all are TAKEN: none need be looked at to be found
  self._ring:clear()
  self._origin = self._ring:bounds() -- the number of the first since then
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

-- What is told of an event behind its bytes.
local function told(record)
  local fault = record.fault and (',"fault":%s'):format(json.text(record.fault)) or ""
  local more = record.is_repeat and ',"duplicate":true' or ""
  local answer = record.answer and ("%d"):format(record.answer) or "null"
  return (',"webhook":"%s","requestId":"%s","received_at":"%s","answer":%s%s%s%s}'):format(record.webhook,
    record.request_id, record.received_at, answer, fault, more, verdict_to_json(record))
end

--- Keeps one event, or an attempt to post one. `body` is the JSON as posted. `record`: `webhook`, `request_id` and
-- `received_at`, text without a character that JSON escapes; `is_taken`, whether the platform has it now; and what may
-- be absent: `is_repeat`, whether it had it before; the status that was the `answer`; the `fault` that it met; for the
-- log and the filters the `name` of the event and the `time` (seconds since 1970); with definitions `problems` (a
-- list), and of a bad one `message` and `status`.
function Store:add(body, record)
  local is_bad = record.problems ~= nil and record.problems[1] ~= nil
  local name, message, status = record.name or "", record.message or "", record.status or ""
  local behind = told(record)
  local kind = not record.is_taken and NOT_TAKEN or record.is_repeat and REPEAT or TAKEN
  local head = HEAD:format(is_bad and 1 or 0, kind, record.time or 0, #body,
    #BEFORE_BODY + #body + #behind, #name, #message, #record.webhook, #record.request_id, #status)
  self._all_alike = self._all_alike and kind == TAKEN
  self._ring:add(head, BEFORE_BODY, body, behind, name, message, record.webhook, record.request_id, status)
end

-- What the head of a record says: is_bad, kind, time, body_size, and of each part where it begins and ends: from,
-- to.
local function read_head(self, number)
  local fields = { assert(self._ring:read(number, 1, HEAD_SIZE), "gone"):match(HEAD_PATTERN) }
  local head = { is_bad = fields[1] == "1", kind = tonumber(fields[2]), time = tonumber(fields[3]),
    body_size = tonumber(fields[4]), from = {}, to = {} }
  local at = HEAD_SIZE
  for i, part in ipairs(PARTS) do
    head.from[part], at = at + 1, at + tonumber(fields[4 + i])
    head.to[part] = at
  end
  return head
end

local function read_part(self, number, head, part)
  return assert(self._ring:read(number, head.from[part], head.to[part]), "gone")
end

-- A match of all records.
local function all()
  return true
end

-- A match of the events that were taken, the repeats or none of them with them, where `also` (of a record's head and
-- its number) holds.
local function of_taken(self, has_repeats, also)
  if self._all_alike and not also then return all end
  return function(number)
    local head = read_head(self, number)
    return (head.kind == TAKEN or has_repeats and head.kind == REPEAT) and (not also or also(head, number))
  end
end

local function of_outcome(outcome)
  return outcome and function(head)
    return head.is_bad == (outcome == "bad")
  end
end

-- Whether a part of a record is that text.
local function is_part(self, number, head, part, text)
  return head.to[part] - head.from[part] + 1 == #text and read_part(self, number, head, part) == text
end

-- Of the events with that name (nil: all), from one second to another.
local function of_log(self, name, from, to)
  if not name and from == -math.huge and to == math.huge then return nil end
  return function(head, number)
    return head.time >= from and head.time <= to and (not name or is_part(self, number, head, "name", name))
  end
end

-- The oldest of the newest `limit` records that match, and how many these are; and the number of the newest of all.
-- There may be 100,000: no list is made of them.
local function find(self, limit, matches)
  local first, last = self._ring:bounds()
  if matches == all then
    local count = math.min(limit, last + 1 - first)
    return last + 1 - count, count, last
  end
  local oldest, count = last + 1, 0
  for number = last, first, -1 do
    if count >= limit then break end
    if matches(number) then oldest, count = number, count + 1 end
  end
  return oldest, count, last
end

-- Yields the bytes of a record, as change(bytes) has them.
local function yield_bytes(self, number, from, to, change)
  for at = from, to, PIECE do
    local bytes = assert(self._ring:read(number, at, math.min(at + PIECE - 1, to)), "gone")
    coroutine.yield(change and change(bytes) or bytes)
  end
end

-- The newest `limit` records that match, oldest first, as pieces of JSON.
local function tell(self, matches, limit)
  return coroutine.wrap(function()
    local oldest, count, newest = find(self, limit or math.huge, matches)
    coroutine.yield(('{"count":%d,"dropped":%d,"events":['):format(count, self:dropped()))
    for number = oldest, newest do
      if matches(number) then
        local head = read_head(self, number)
        if number > oldest then coroutine.yield(",") end
        yield_bytes(self, number, head.from.text, head.to.text)
      end
    end
    coroutine.yield("]}")
  end)
end

--- The newest `limit` events (nil: all) that were taken, oldest first, as pieces of JSON. `outcome`: nil for all, or
-- "good" or "bad" for those; without definitions all are good.
function Store:events(outcome, limit)
  return tell(self, of_taken(self, true, of_outcome(outcome)), limit)
end

--- The same of every attempt that was kept, taken or not.
function Store:attempts(limit)
  return tell(self, all, limit)
end

-- Bytes of a text as they stand inside JSON's quotes.
local function escape(bytes)
  return json.text(bytes):sub(2, -2)
end

-- An event as the platform's log has it. What the sandbox has no notion of is as in the platform's documented example.
local function yield_log_entry(self, number)
  local head = read_head(self, number)
  local function part(name)
    return read_part(self, number, head, name)
  end
  coroutine.yield(('{"startTime":%.0f,"responseTime":0,"orgId":0,"status":"%s","eventName":'):format(head.time * 1000,
    head.is_bad and part "status" or "EVENT_SUCCESS"))
  coroutine.yield(json.text(part "name") .. ',"inputRequest":"')
  local body = head.from.text + #BEFORE_BODY
  yield_bytes(self, number, body, body + head.body_size - 1, escape)
  coroutine.yield(('","id":"%s","webhookId":"%s","parentOrgId":-1,"message":%s}'):format(part "request_id",
    part "webhook", json.text(head.is_bad and part "message" or "Event processed successfully")))
end

--- How many have been dropped.
function Store:dropped()
  return self._ring:bounds() - self._origin
end

--- The platform's log of the events that it has processed, newest first, as pieces of JSON: at most `limit`, of the
-- events named `name`, or of all, that were received in the seconds `from` to `to`.
function Store:log(name, limit, from, to)
  return coroutine.wrap(function()
    local matches = of_taken(self, false, of_log(self, name, from, to))
    local oldest, _, newest = find(self, limit, matches)
    local before = '{"data":['
    for number = newest, oldest, -1 do
      if matches(number) then
        coroutine.yield(before)
        yield_log_entry(self, number)
        before = ","
      end
    end
    if before ~= "," then coroutine.yield(before) end
    coroutine.yield('],"warnings":[],"errors":[]}')
  end)
end

-- What the platform does with an event, one after the other.
local STATES = { "EVENT_PROCESSING_STARTED", "EVENT_FIELD_VALIDATION_STARTED", "EVENT_FIELD_VALIDATION_FINISHED",
  "EVENT_VALIDATION_FINISHED", "EVENT_CONSUMER_STARTED" }

--- The states of the event that was answered with the id, as JSON; or nil where it is not kept, or was not processed.
function Store:states(request_id)
  local matches = of_taken(self, false, function(head, number)
    return is_part(self, number, head, "request_id", request_id)
  end)
  local number, count = find(self, 1, matches)
  if count == 0 then return nil end
  local head = read_head(self, number)
  local texts = {}
  for i, state in ipairs(STATES) do
    texts[i] = ('{"message":"","date":%.0f,"status":"%s"}'):format(head.time * 1000, state)
  end
  if head.is_bad then
    texts[#texts + 1] = ('{"message":%s,"date":%.0f,"status":"EVENT_CONSUMER_FAILED"}'):format(
      json.text(read_part(self, number, head, "message")), head.time * 1000)
  end
  return ('{"stateList":[%s]}'):format(table.concat(texts, ","))
end

return Store
