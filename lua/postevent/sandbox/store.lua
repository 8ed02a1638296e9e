-- What the sandbox received: the last events, each with the exact bytes that were posted. Bounded by count and by
-- bytes; what falls out at the old end is counted. The bytes lie in the server's ring, out of the collector's sight:
-- what is kept of an event is one record there, and nothing else.
--
-- What is told of them comes in pieces: a function that returns the next, and nil behind the last. It raises where what
-- it is about to tell has fallen out meanwhile.

local json = require "postevent.sandbox.json"
local new_ring = require("postevent.sandbox.httpd").new_ring
local telling = require "postevent.sandbox.telling"
local uuid = require "postevent.sandbox.uuid"

local MAX_EVENTS = 100000
local MAX_BYTES = 256 * 1024 * 1024
local PIECE = 16 * 1024 -- bytes
local LINES_AT_ONCE = 64

local Store = {}
Store.__index = Store
Store.__name = "postevent.sandbox.store"

-- A record: the head, then the parts whose sizes it tells. "text" is the event as /sandbox/events shows it; "line" and
-- "alone" are telling.lua's.
local PARTS = { "line", "text", "alone", "name", "message", "webhook", "request_id", "status" }
-- Is it bad, what became of it (the kinds below), its time, the size of the body, of the parts.
local HEAD = "%d%d %12.0f %8d" .. (" %8d"):rep(#PARTS) .. "\n"
local HEAD_PATTERN = "^(%d)(%d) +(%d+) +(%d+)" .. (" +(%d+)"):rep(#PARTS) .. "\n"
local HEAD_SIZE = #HEAD:format(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
local LINE_SIZE_FROM = #("%d%d %12.0f %8d "):format(0, 0, 0, 0) + 1 -- in the head: where the line's size begins, and
local LINE_SIZE_TO = LINE_SIZE_FROM + 7 -- ends
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
  self._run = uuid() -- who follows what comes is told that all was forgotten, or that the sandbox was started anew
end

--- Keeps one event, or an attempt to post one. `body` is the JSON as posted. `record`: `webhook`, `request_id` and
-- `received_at`, text without a character that JSON escapes; `is_taken`, whether the platform has it now; and what may
-- be absent: `duplicate_of`, the number under which it had it before; the status that was the `answer`, and the `code`
-- in it; the `fault` that it met; for the log and the filters the `name` of the event and the `time` (seconds since
-- 1970); with definitions `problems` (a list), and of a bad one `message` and `status`; for those who look at it
-- `short_name`, `customer`, `id`, the `headers` of the request (a list of pairs) and the text of the `reply`. Of what
-- is no event `body` is "null", and the record has an `excerpt` of what came, and `why` that is none.
function Store:add(body, record)
  local is_bad = record.problems ~= nil and record.problems[1] ~= nil
  local name, message, status = record.name or "", record.message or "", record.status or ""
  local behind, line, alone = telling.behind(record), telling.line(record), telling.alone(record)
  local kind = not record.is_taken and NOT_TAKEN or record.duplicate_of and REPEAT or TAKEN
  local head = HEAD:format(is_bad and 1 or 0, kind, record.time or 0, #body,
    #line, #BEFORE_BODY + #body + #behind, #alone, #name, #message, #record.webhook, #record.request_id, #status)
  self._all_alike = self._all_alike and kind == TAKEN
  self._ring:add(head, line, BEFORE_BODY, body, behind, alone, name, message, record.webhook, record.request_id,
    status)
end

--- The number that the next one will have.
function Store:next_number()
  local _, newest = self._ring:bounds()
  return newest + 1
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

-- The line of a record, without a look at the rest: it stands first, and a page that follows reads each.
local function read_line(self, number)
  local size = assert(self._ring:read(number, LINE_SIZE_FROM, LINE_SIZE_TO), "gone")
  return assert(self._ring:read(number, HEAD_SIZE + 1, HEAD_SIZE + tonumber(size)), "gone")
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

--- The number behind which somebody's next lines are who has seen those of `run` up to `after` (nil: of this one); and
-- whether there is anything to tell: lines, or that it is another run.
function Store:place(after, run)
  local _, newest = self._ring:bounds()
  if run and run ~= self._run then return 0, true end
  return math.min(after, newest), after < newest
end

--- A line for each attempt behind the one of the number `after`, which `place` has said, oldest first, at most `limit`,
-- as pieces of JSON; "newest" is what to go on from.
function Store:lines(after, limit)
  local oldest, newest = self._ring:bounds()
  local first = math.max(after + 1, oldest)
  local last = math.min(newest, first + limit - 1)
  return coroutine.wrap(function()
    coroutine.yield(('{"run":"%s","newest":%d,"more":%s,"lines":['):format(self._run, last, tostring(last < newest)))
    for from = first, last, LINES_AT_ONCE do
      local texts = {}
      for number = from, math.min(last, from + LINES_AT_ONCE - 1) do
        texts[#texts + 1] = ('{"number":%.0f,%s'):format(number, read_line(self, number))
      end
      coroutine.yield((from > first and "," or "") .. table.concat(texts, ","))
    end
    coroutine.yield("]}")
  end)
end

--- The attempt of that number, with its request and its reply, as pieces of JSON; nil where it is not kept.
function Store:attempt(number)
  local oldest, newest = self._ring:bounds()
  if number < oldest or number > newest then return nil end
  return coroutine.wrap(function()
    local head = read_head(self, number)
    yield_bytes(self, number, head.from.text, head.to.text - 1) -- "alone" has the last brace
    coroutine.yield((',"number":%.0f'):format(number))
    coroutine.yield(read_part(self, number, head, "alone"))
  end)
end

--- The number of the attempt that has that request id, or nil.
function Store:number_of(request_id)
  local number, count = find(self, 1, function(number)
    return is_part(self, number, read_head(self, number), "request_id", request_id)
  end)
  return count > 0 and number or nil
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
