-- What a posted event is answered with, and what is kept and logged of it. Writes no line that holds a credential.

local fault_answers = require "postevent.sandbox.fault_answers"
local json = require "postevent.sandbox.json"
local printable = require "postevent.printable"
local replies = require "postevent.sandbox.replies"
local uuid = require "postevent.sandbox.uuid"

local webhook = {}

local ACCEPTED = 1100
local LONGEST_NAME = 100 -- characters of an event's name in the log
local LONGEST_REASON = 1000 -- bytes there, of what is wrong with an event
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

-- What is wrong with an event: a part of its bytes may be in it.
local function log_reason(message)
  message = printable.line(message:sub(1, LONGEST_REASON + 4)) -- 4: the cut is not to break a character
  if #message <= LONGEST_REASON then return message end
  return message:sub(1, LONGEST_REASON):gsub("[\192-\255]?[\128-\191]*$", "") .. "..."
end

-- `record`: what was found; its `answer` is nil where there was none.
local function log_event(context, record, object)
  local answer = record.answer and ("%d"):format(record.answer) or "-"
  local line = ("%s %s %s %s"):format(date(record.time), log_name(object), answer, record.request_id or "-")
  if record.is_repeat then line = line .. " duplicate" end
  if record.problems then
    line = line .. (record.problems[1] and " bad: " .. log_reason(record.message) or " good")
  end
  context.log(record.fault and line .. " fault: " .. log_reason(record.fault) or line)
end

-- What the store keeps beside the bytes.
local function judge(context, object, record)
  record.name = type(object.event_name) == "string" and object.event_name or ""
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
  if record.is_repeat then counts.duplicates = counts.duplicates + 1 end
  if record.is_taken and not record.is_repeat then counts.processed = counts.processed + 1 end
  if record.fault then counts.faults = counts.faults + 1 end
end

-- The reply to an event that is one: status, body, headers; sets record.is_taken. A wrong event is accepted as a right
-- one is: that is what the platform does.
local function decide(context, request, record, fields)
  record.is_taken = is_authorized(context, request.authorization) and fault_answers.is_taken(fields)
  local status, body, headers = fault_answers.reply(fields, record.request_id)
  if status then return status, body, headers end
  if not is_authorized(context, request.authorization) then return replies.gateway(401) end
  return replies.code(ACCEPTED, record.request_id)
end

-- The reply to what is no event.
local function refuse(context, status)
  log_event(context, { time = os.time(), answer = status })
  return replies.gateway(status)
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

--- Answers a post to the webhook `id`: status, body, headers, and what goes wrong with them. `context` is that of
-- routes.handler.
function webhook.receive(context, id, header, body)
  local object, too_long = json.object(body)
  local authorization = header("Authorization")
  context.counts.requests = context.counts.requests + 1
  if not is_authorized(context, authorization) and not object then return refuse(context, 401) end
  if not object then return refuse(context, too_long and 413 or 400) end
  local request = { webhook = id, object = object, body = body, authorization = authorization }
  local fault = context.faults:meet(request)
  local fields = fault and fault.fields or NO_FAULT
  local record = { time = os.time(), request_id = uuid(), webhook = id, fault = fault and fault.text }
  local status, text, headers = decide(context, request, record, fields)
  record.is_repeat = record.is_taken and context.unique ~= nil and context.unique:is_repeat(object)
  record.answer = fault_answers.is_answered(fields) and status or nil
  if record.is_taken or fault then
    judge(context, object, record)
    record.received_at = date(record.time)
    context.store:add(body, record)
  end
  count(context, record)
  if not record.is_taken then record.request_id, record.problems = nil, nil end -- the line is about what was refused
  log_event(context, record, record.is_taken and object or fault and object)
  return status, text, headers, fault_answers.trouble(fields)
end

return webhook
