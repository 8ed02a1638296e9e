-- What a posted event is answered with, and what is kept and logged of it. Writes no line that holds a credential.

local fault_answers = require "postevent.sandbox.fault_answers"
local json = require "postevent.sandbox.json"
local printable = require "postevent.printable"
local replies = require "postevent.sandbox.replies"
local request_headers = require "postevent.sandbox.request_headers"
local scalar = require "postevent.sandbox.scalar"
local uuid = require "postevent.sandbox.uuid"

local webhook = {}

local ACCEPTED = 1100
local LONGEST_NAME = 100 -- characters of an event's name in the log
local LONGEST_REASON = 1000 -- bytes there, of what is wrong with an event
local LONGEST_EXCERPT = 500 -- bytes of a body that is no event
local NO_FAULT = {}

local function date(time)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", time)
end

-- A posted name may hold anything, what steers a terminal too: one word of ASCII is what the log gets.
local function log_name(object)
  local name = object and object.event_name
  if type(name) ~= "string" or name == "" then return "-" end
  return (name:sub(1, LONGEST_NAME):gsub("[^\33-\126]", "_"))
end

-- At most so many bytes of a text, and no half a character.
local function cut(text, most)
  if #text <= most then return text end
  for at = most, most - 3, -1 do
    if not text:find("^[\128-\191]", at + 1) then return text:sub(1, at) .. "..." end
  end
  return text:sub(1, most) .. "..."
end

-- The same of what may be anything, as one line. 4: whether there is more is still to be seen, and whole characters.
local function cut_line(text, most)
  return cut(printable.line(text:sub(1, most + 4)), most)
end

-- What is wrong with an event: a part of its bytes may be in it.
local function log_reason(message)
  return cut_line(message, LONGEST_REASON)
end

-- At most so much of an attribute: a name, an id may have megabytes. Nil where it is neither text nor a number.
local function short(object, name)
  local kind = type(object[name])
  return (kind == "string" or kind == "number") and cut(scalar.of(object, name), LONGEST_NAME) or nil
end

-- `record`: what was found; its `answer` is nil where there was none.
local function log_event(context, record, object)
  local answer = record.answer and ("%d"):format(record.answer) or "-"
  local line = ("%s %s %s %s"):format(date(record.time), log_name(object), answer, record.request_id or "-")
  if record.duplicate_of then line = line .. " duplicate" end
  if record.problems then
    line = line .. (record.problems[1] and " bad: " .. log_reason(record.message) or " good")
  end
  context.log(record.fault and line .. " fault: " .. log_reason(record.fault) or line)
end

-- What the store keeps beside the bytes.
local function judge(context, object, record)
  record.name = type(object.event_name) == "string" and object.event_name or ""
  record.short_name, record.id = short(object, "event_name"), short(object, "external_event_id")
  local _, customer = context.customers(object)
  record.customer = customer and cut(customer, LONGEST_NAME)
  if context.checker then
    record.problems, record.message, record.status = context.checker:judge(object)
  end
end

local function is_authorized(context, authorization)
  return not context.authorization or authorization == context.authorization
end

-- Counts what became of an event, each once.
local function count(context, record)
  local counts = context.counts
  if record.is_taken then counts.taken = counts.taken + 1 end
  if record.duplicate_of then counts.duplicates = counts.duplicates + 1 end
  if record.is_taken and not record.duplicate_of then counts.processed = counts.processed + 1 end
  if record.fault then counts.faults = counts.faults + 1 end
end

-- The reply to an event that is one: status, body, headers; sets record.is_taken and, where the reply has one,
-- record.code. A wrong event is accepted as a right one is: that is what the platform does.
local function decide(context, request, record, fields)
  record.is_taken = is_authorized(context, request.authorization) and fault_answers.is_taken(fields)
  local status, body, headers = fault_answers.reply(fields, record.request_id)
  record.code = fields.code
  if status then return status, body, headers end
  if not is_authorized(context, request.authorization) then return replies.gateway(401) end
  record.code = ACCEPTED
  return replies.code(ACCEPTED, record.request_id)
end

-- What is kept of a request, to begin with.
local function new_record(request)
  local time = os.time()
  return { time = time, received_at = date(time), request_id = uuid(), webhook = request.webhook,
    headers = request_headers.of(request.header) }
end

-- The reply to what is no event. Of its body the beginning is kept, and what is wrong with it: who looks on is to see
-- that something came.
local function refuse(context, request, why)
  local is_welcome = is_authorized(context, request.authorization)
  local record = new_record(request)
  local status, text, headers = replies.gateway(not is_welcome and 401 or why == json.TOO_MANY and 413 or 400)
  record.answer, record.reply = status, text
  record.why, record.excerpt = why, cut_line(request.body, LONGEST_EXCERPT)
  context.store:add("null", record)
  record.request_id = nil
  log_event(context, record)
  return status, text, headers, nil, true
end

-- The reply to an event, and what goes wrong with it.
local function take(context, request)
  local fault = context.faults:meet(request)
  local fields = fault and fault.fields or NO_FAULT
  local record = new_record(request)
  record.fault = fault and fault.text
  local status, text, headers = decide(context, request, record, fields)
  if record.is_taken and context.unique then
    record.duplicate_of = context.unique:first(request.object, context.store:next_number())
  end
  if fault_answers.is_answered(fields) then record.answer, record.reply = status, text end
  judge(context, request.object, record)
  context.store:add(request.body, record)
  count(context, record)
  if not record.is_taken then record.request_id, record.problems = nil, nil end -- the line is about what was refused
  log_event(context, record, (record.is_taken or fault) and request.object)
  return status, text, headers, fault_answers.trouble(fields), true
end

--- Whether the connection is to be closed before the event is read. `id`: the webhook's.
function webhook.is_dropped_early(context, id)
  local fault = context.faults:meet_early(id)
  if not fault then return false end
  context.counts.requests = context.counts.requests + 1
  count(context, { fault = fault.text })
  log_event(context, { time = os.time(), fault = fault.text })
  return true
end

--- Answers a post to the webhook `id`: status, body, headers, what goes wrong with them, and whether it was kept.
-- `context` is that of routes.handler.
function webhook.receive(context, id, header, body)
  local object, why = json.object(body)
  local request = { webhook = id, object = object, body = body, header = header,
    authorization = header("Authorization") }
  context.counts.requests = context.counts.requests + 1
  if not object then return refuse(context, request, why) end
  return take(context, request)
end

return webhook
