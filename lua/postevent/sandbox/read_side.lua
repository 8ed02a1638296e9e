-- The platform's read APIs: definitions, the log of events, what became of one.

local dates = require "postevent.sandbox.dates"
local metas = require "postevent.sandbox.metas"
local queries = require "postevent.sandbox.queries"
local replies = require "postevent.sandbox.replies"

local read_side = {}

local DEFAULT_LIMIT = 10 -- of the platform's own log
local WRONG_DATE = "%s: expected milliseconds since 1970, yyyy-MM-dd, or yyyy-MM-dd HH:mm:ss"

--- GET /v2/events
function read_side.events(context)
  return replies.json(200, queries.gather(metas.custom(context.events)))
end

--- GET /v2/events/standard_events_meta
function read_side.standard_events(context)
  return replies.json(200, queries.gather(metas.standard(context.events)))
end

--- GET /v2/events/meta?event_name=
function read_side.event(context, query)
  local name = queries.argument(query, "event_name")
  if not name then return replies.message(400, "event_name: expected the name of an event") end
  for _, event in ipairs(context.events) do
    if event.name == name then return replies.json(200, metas.one(event)) end
  end
  return replies.message(404, "no event has that name")
end

-- The seconds from the argument `first` to the argument `last`; or nil and what is wrong.
local function read_period(query, first, last)
  local from, to = queries.argument(query, first), queries.argument(query, last)
  local begins, ends = -math.huge, math.huge
  if from then begins = dates.read(from) end
  if not begins then return nil, WRONG_DATE:format(first) end
  if to then ends = select(2, dates.read(to)) end
  if not ends then return nil, WRONG_DATE:format(last) end
  return begins, ends
end

--- GET /v2/events/logs?event_name=&from_date=&to_date=&limit=
function read_side.log(context, query)
  local limit, wrong_limit = queries.limit(query, DEFAULT_LIMIT)
  if not limit then return replies.message(400, wrong_limit) end
  local from, to = read_period(query, "from_date", "to_date")
  if not from then return replies.message(400, to) end
  local name = queries.argument(query, "event_name")
  return replies.json(200, queries.gather(context.store:log(name, limit, from, to)))
end

--- GET /v2/events/running_status?eventId=
function read_side.status(context, query)
  local id = queries.argument(query, "eventId")
  if not id then return replies.message(400, "eventId: expected the id that the webhook has answered") end
  local states = context.store:states(id)
  if not states then return replies.message(404, "no event has that id") end
  return replies.json(200, states)
end

return read_side
