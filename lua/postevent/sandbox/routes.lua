-- What the sandbox answers: one request in, one reply out, as the platform and its gateway do. Knows nothing of
-- sockets. What a posted event is answered with is in webhook.lua.

local control = require "postevent.sandbox.control"
local feed = require "postevent.sandbox.feed"
local page = require "postevent.sandbox.page"
local printable = require "postevent.printable"
local queries = require "postevent.sandbox.queries"
local read_side = require "postevent.sandbox.read_side"
local replies = require "postevent.sandbox.replies"
local webhook = require "postevent.sandbox.webhook"

local routes = {}

local NO_SUCH_PATH = "Missing Authentication Token" -- how the gateway says "not found"
local LONG_BODY = 64 * 1024 -- bytes

local function list_events(context, query)
  local outcome = queries.argument(query, "outcome")
  if outcome and outcome ~= "good" and outcome ~= "bad" then
    return replies.message(400, "outcome: expected good or bad")
  end
  local limit, problem = queries.limit(query, math.huge)
  if not limit then return replies.message(400, problem) end
  return replies.json(200, queries.gather(context.store:events(outcome, limit)))
end

local function list_attempts(context, query)
  local limit, problem = queries.limit(query, math.huge)
  if not limit then return replies.message(400, problem) end
  return replies.json(200, queries.gather(context.store:attempts(limit)))
end

local COUNTED = { "requests", "taken", "processed", "duplicates", "faults" }

local function start_counting(context)
  context.counts = {}
  for _, name in ipairs(COUNTED) do
    context.counts[name] = 0
  end
end

local function show_counts(context)
  local texts = {}
  for i, name in ipairs(COUNTED) do
    texts[i] = ('"%s":%d'):format(name, context.counts[name])
  end
  return replies.json(200, ('{%s,"dropped":%d}'):format(table.concat(texts, ","), context.store:dropped()))
end

local function reset(context)
  context.store:reset()
  if context.unique then context.unique:reset() end
  start_counting(context)
  local status, body, headers = replies.json(200, "{}")
  return status, body, headers, nil, true
end

-- A path to its methods, and what answers them: a function of the context, query and body.
local FIXED = {
  ["/sandbox/events"] = { GET = list_events },
  ["/sandbox/attempts"] = { GET = list_attempts },
  ["/sandbox/lines"] = { GET = feed.lines },
  ["/sandbox/sample"] = { GET = feed.sample },
  ["/sandbox/counts"] = { GET = show_counts },
  ["/sandbox/reset"] = { POST = reset },
  ["/sandbox/faults"] = { GET = control.list, POST = control.add, DELETE = control.clear },
  ["/sandbox/answers"] = { GET = control.answers },
  ["/sandbox/scenario"] = { GET = control.scenarios, POST = control.play },
  ["/v2/events"] = { GET = read_side.events },
  ["/v2/events/meta"] = { GET = read_side.event },
  ["/v2/events/standard_events_meta"] = { GET = read_side.standard_events },
  ["/v2/events/logs"] = { GET = read_side.log },
  ["/v2/events/running_status"] = { GET = read_side.status },
}

-- The arguments that our own paths take. The platform's take what they take.
local ARGUMENTS = {
  ["/sandbox/events"] = { outcome = true, limit = true },
  ["/sandbox/attempts"] = { limit = true },
  ["/sandbox/lines"] = { after = true, run = true, limit = true, wait = true },
  ["/sandbox/sample"] = { event_name = true },
}

local function is_ours(path)
  return path:find("^/sandbox/") ~= nil
end

local function webhook_of(path)
  return path:match("/webhooks/([A-Za-z0-9._~-]+)/?$")
end

-- The methods of a path, as FIXED has them, of a function that takes the header, too; or nil.
local function methods_of(path)
  local id = webhook_of(path)
  if id then
    return { POST = function(context, _, body, header)
      return webhook.receive(context, id, header, body)
    end }
  end
  local fault = path:match("^/sandbox/faults/([^/]+)$")
  if fault then
    return { DELETE = function(context)
      return control.remove(context, fault)
    end }
  end
  local attempt = path:match("^/sandbox/attempts/([^/]+)$")
  if attempt then
    return { GET = function(context)
      return feed.attempt(context, attempt)
    end }
  end
  return FIXED[path] or page.methods_of(path)
end

local function names_of(methods)
  local names = {}
  for name in pairs(methods) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, ", ")
end

local function refuses(context, header)
  return context.refuses(header("Host"), header("Origin"))
end

-- What no path leads to.
local function answer_nowhere(path)
  if not is_ours(path) then return replies.message(403, NO_SUCH_PATH) end
  return replies.message(404, ("%s: there is no such path"):format(printable.line(path:sub(1, 100))))
end

-- Sets apart what a long body has cost: it must not be there when the next one comes.
local function collect(body)
  if #body > LONG_BODY then collectgarbage() end
end

--- The function that answers a request: handler(method, path, query, header, body) -> status, body, headers, and for
-- the server what goes wrong with them, and whether that is news to those who wait for some. `context`, of which
-- `counts` are set here:
--   store, faults    of store.lua, of faults.lua
--   log              a function of a line
--   refuses          of origin.new
--   events           the definitions of events, normalised; a list that may be empty
--   customers        of customers.lua
--   authorization    the header's value that is asked for, or nil
--   checker, unique  of checker.lua, of unique.lua; or nil
function routes.handler(context)
  start_counting(context)
  return function(method, path, query, header, body)
    local methods = methods_of(path)
    if not methods then return answer_nowhere(path) end
    local why = refuses(context, header)
    if why then return replies.message(403, why) end
    local answer = methods[method]
    if not answer then return replies.message(405, "Method Not Allowed", { Allow = names_of(methods) }) end
    local problem = is_ours(path) and queries.problem(query, ARGUMENTS[path] or {})
    if problem then return replies.message(400, problem) end
    local status, text, headers, trouble, news = answer(context, query, body, header)
    collect(body)
    return status, text, headers, trouble, news
  end
end

--- The function that is asked when only the headers of a request are there: whether to close the connection.
function routes.arriving(context)
  return function(method, path, _, header)
    local id = method == "POST" and webhook_of(path)
    return id and not refuses(context, header) and webhook.is_dropped_early(context, id)
  end
end

return routes
