-- What a fault does to the answer of the request that meets it. Pure.

local replies = require "postevent.sandbox.replies"

local fault_answers = {}

-- How the server ends the reply.
local ENDINGS = { after = "drop", reply = "half" }

--- The reply that stands in place of the platform's own: status, body, headers; or nil where that one is given.
function fault_answers.reply(fields, request_id)
  if fields.status then return replies.gateway(fields.status, fields.body, fields.retry_after) end
  if fields.code then return replies.code(fields.code, request_id) end
  if fields.html then return replies.portal() end
  if fields.unauthorized then return replies.gateway(401) end
end

--- Whether the platform takes the event all the same.
function fault_answers.is_taken(fields)
  if fields.taken ~= nil then return fields.taken end
  if fields.code then return replies.is_accepted(fields.code) end
  return not (fields.status or fields.html or fields.unauthorized or fields.stall)
end

--- What goes wrong on the way of the reply, as the server is told; or nil.
function fault_answers.trouble(fields)
  local ending = fields.stall and "stall" or ENDINGS[fields.drop]
  if not (ending or fields.delay or fields.trickle) then return nil end
  return { delay = fields.delay, trickle = fields.trickle, ending = ending }
end

--- Whether any of the reply arrives.
function fault_answers.is_answered(fields)
  return not (fields.stall or fields.drop == "after")
end

return fault_answers
