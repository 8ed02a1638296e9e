-- What is told of an attempt to post an event, as JSON, beside the event's own bytes: behind them, in a line of a list,
-- and where it is looked at alone. Pure. `record` is that of Store:add.

local json = require "postevent.sandbox.json"

local telling = {}

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

local function answer_of(record)
  return record.answer and ("%d"):format(record.answer) or "null"
end

local function optional(name, value)
  return value and value ~= "" and (',"%s":%s'):format(name, json.text(value)) or ""
end

--- What stands behind the bytes of the event, its last brace too.
function telling.behind(record)
  local more = record.duplicate_of and (',"duplicate":true,"duplicate_of":%.0f'):format(record.duplicate_of) or ""
  return (',"webhook":"%s","requestId":"%s","received_at":"%s","answer":%s%s%s%s%s%s}'):format(record.webhook,
    record.request_id, record.received_at, answer_of(record), optional("fault", record.fault), more,
    verdict_to_json(record), optional("why", record.why), optional("excerpt", record.excerpt))
end

--- What a list shows of it, behind its number, the last brace too: short, for there may be 100,000.
function telling.line(record)
  local outcome = record.problems and (record.problems[1] and "bad" or "good")
  local code = record.answer and record.code and (',"code":%d'):format(record.code) or ""
  local marks = (record.fault and ',"fault":true' or "") .. (record.duplicate_of and ',"duplicate":true' or "")
  return ('"received_at":"%s","webhook":"%s","answer":%s%s%s%s%s%s%s%s}'):format(record.received_at, record.webhook,
    answer_of(record), code, optional("name", record.short_name), optional("customer", record.customer),
    optional("id", record.id), optional("outcome", outcome), optional("why", record.why), marks)
end

--- What is told, behind the rest, where it is alone: the headers of the request and the text of the reply.
function telling.alone(record)
  local headers = {}
  for i, header in ipairs(record.headers or {}) do
    headers[i] = ("[%s,%s]"):format(json.text(header[1]), json.text(header[2]))
  end
  return (',"headers":[%s],"reply":%s}'):format(table.concat(headers, ","), json.text(record.reply or ""))
end

return telling
