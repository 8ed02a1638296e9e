-- What somebody sees who looks on while events arrive: lines of a list, one attempt in full, an event to begin with.
-- The page asks for these, and so may curl.

local cjson = require "cjson.safe"
local printable = require "postevent.printable"
local queries = require "postevent.sandbox.queries"
local replies = require "postevent.sandbox.replies"

local feed = {}

local LONGEST_WAIT = 30 -- seconds
local MOST_LINES = 2000 -- of one reply
local MOST_NUMBER = 2 ^ 52

-- The argument `name` as a number from 0 to `most`, 0 where it is absent; or nil.
local function number(query, name, most)
  local value = tonumber(queries.argument(query, name) or 0)
  return value and value >= 0 and value <= most and value or nil
end

--- GET /sandbox/lines?after=&run=&limit=&wait=: what came behind the line `after`. Where there is nothing to tell it is
-- told once there is, or after `wait` seconds.
function feed.lines(context, query)
  local after, wait = number(query, "after", MOST_NUMBER), number(query, "wait", LONGEST_WAIT)
  local limit, problem = queries.limit(query, MOST_LINES)
  if not after or after % 1 ~= 0 then return replies.message(400, "after: expected the number of a line") end
  if not wait then return replies.message(400, ("wait: expected seconds, at most %d"):format(LONGEST_WAIT)) end
  if not limit then return replies.message(400, problem) end
  local place, has_news = context.store:place(after, queries.argument(query, "run"))
  local text = queries.gather(context.store:lines(place, math.min(limit, MOST_LINES)))
  local status, body, headers = replies.json(200, text)
  return status, body, headers, not has_news and wait > 0 and { delay = wait, ending = "news" } or nil
end

-- The number of the attempt that a text names: by it, or by the id that it was answered with. Nil: none.
local function number_of(context, which)
  if which:find("^%d+$") then return tonumber(which) end
  return which:find("^%x+%-[%x-]+$") and context.store:number_of(which)
end

--- GET /sandbox/attempts/7, or with the requestId in place of the number. `which`: a text, whatever stands there.
function feed.attempt(context, which)
  local place = number_of(context, which)
  local text = place and context.store:attempt(place)
  if not text then
    local shown = printable.line(which:sub(1, 50))
    return replies.message(404, ("there is no attempt %s, or it is kept no more"):format(shown))
  end
  return replies.json(200, queries.gather(text))
end

--- GET /sandbox/sample?event_name=: what `postevent definitions sample` makes.
function feed.sample(context, query)
  local name = queries.argument(query, "event_name")
  for _, event in ipairs(context.events) do
    if event.name == name then
      return replies.json(200, (cjson.encode((require("postevent.cli.sample").make(event)))))
    end
  end
  return replies.message(404, "event_name: there is no definition of that name")
end

return feed
