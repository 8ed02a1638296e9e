-- The platform's log of events, whole: it gives as many entries as it is asked for and no more, in an order that is not
-- documented, so what does not fit into one answer is asked for in two halves of the time.

local log = {}

local PATH = "/v2/events/logs"
local PAGE = 500 -- entries of an answer
local LARGEST_PAGE = 50000 -- of a second, which has no halves

local function ask(platform, name, from, to, limit)
  local query = { { "from_date", ("%d000"):format(from) }, { "to_date", ("%d999"):format(to) }, { "limit", limit } }
  if name then
    table.insert(query, 1, { "event_name", name })
  end
  local text, document = platform:ask(PATH, query)
  if not text then
    platform:fail(PATH, "endpoint", "there is no log of events (HTTP 404)")
  end
  return type(document.data) == "table" and document.data or {}
end

-- Calls visit(entry) for the events named `name` (nil: all) that came in the seconds from `from` to `to`, at least once
-- for each, the newest half before the other, until it returns true. Returns whether it did.
function log.walk(platform, name, from, to, visit, limit)
  limit = limit or PAGE
  local entries = ask(platform, name, from, to, limit)
  for _, entry in ipairs(entries) do
    if type(entry) == "table" and visit(entry) then
      return true
    end
  end
  if #entries < limit then
    return false
  elseif from < to then
    local middle = math.floor((from + to) / 2)
    return log.walk(platform, name, middle + 1, to, visit) or log.walk(platform, name, from, middle, visit)
  end
  return limit < LARGEST_PAGE and log.walk(platform, name, from, to, visit, limit * 10)
end

return log
