-- What the sandbox answers: one request in, one reply out, as the platform and its gateway do. Knows nothing of
-- sockets. What a posted event is answered with is in webhook.lua.

local control = require "postevent.sandbox.control"
local replies = require "postevent.sandbox.replies"
local webhook = require "postevent.sandbox.webhook"

local routes = {}

local NO_SUCH_PATH = "Missing Authentication Token" -- how the gateway says "not found"
local WRONG_LIMIT = "limit: expected a whole number above 0"
local LONG_REPLY = 64 * 1024 -- bytes
local LONG_BODY = 64 * 1024 -- bytes
local DEFAULT_LIMIT = 10 -- of the platform's own log

-- The pieces as one text; or as they are, where they are so many that a reader may be slow.
local function gather(pieces)
  local texts, size = {}, 0
  while size < LONG_REPLY do
    local piece = pieces()
    if not piece then return table.concat(texts) end
    texts[#texts + 1], size = piece, size + #piece
  end
  local first = table.concat(texts)
  return function()
    local piece = first or pieces()
    first = nil
    return piece
  end
end

-- An argument of the query; an empty one counts as absent.
local function argument(query, name)
  local value = query(name)
  return value ~= "" and value or nil
end

-- How many are wanted; nil: that is no number above 0.
local function read_limit(query, otherwise)
  local limit = argument(query, "limit")
  local number = limit and (limit:find("^%d+$") and tonumber(limit) or 0) or otherwise
  return number >= 1 and number or nil
end

local function list_events(context, query)
  local outcome = argument(query, "outcome")
  if outcome and outcome ~= "good" and outcome ~= "bad" then
    return replies.message(400, "outcome: expected good or bad")
  end
  local limit = read_limit(query, math.huge)
  if not limit then return replies.message(400, WRONG_LIMIT) end
  return replies.json(200, gather(context.store:events(outcome, limit)))
end

local function list_attempts(context, query)
  local limit = read_limit(query, math.huge)
  if not limit then return replies.message(400, WRONG_LIMIT) end
  return replies.json(200, gather(context.store:attempts(limit)))
end

-- from_date and to_date are not looked at: their format is not documented.
local function list_log(context, query)
  local limit = read_limit(query, DEFAULT_LIMIT)
  if not limit then return replies.message(400, WRONG_LIMIT) end
  return replies.json(200, gather(context.store:log(argument(query, "event_name"), limit)))
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
  return replies.json(200, "{}")
end

-- A path to its methods, and what answers them: a function of the context, query and body.
local FIXED = {
  ["/sandbox/events"] = { GET = list_events },
  ["/sandbox/attempts"] = { GET = list_attempts },
  ["/sandbox/counts"] = { GET = show_counts },
  ["/sandbox/reset"] = { POST = reset },
  ["/sandbox/faults"] = { GET = control.list, POST = control.add, DELETE = control.clear },
  ["/sandbox/scenario"] = { GET = control.scenarios, POST = control.play },
  ["/v2/events/logs"] = { GET = list_log },
}

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
  local fault = path:match("^/sandbox/faults/(%d+)$")
  if fault then
    return { DELETE = function(context)
      return control.remove(context, tonumber(fault))
    end }
  end
  return FIXED[path]
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

-- Sets apart what a long body has cost: it must not be there when the next one comes.
local function collect(body)
  if #body > LONG_BODY then collectgarbage() end
end

--- The function that answers a request: handler(method, path, query, header, body) -> status, body, headers, and for
-- the server what goes wrong with them. `context`: `store`; `faults`, of faults.lua; `log`, a function of a line;
-- `authorization`, the header's value that is asked for, or nil; `checker` and `unique`, or nil; `refuses`, of
-- origin.new. Its `counts` are set here.
function routes.handler(context)
  start_counting(context)
  return function(method, path, query, header, body)
    local methods = methods_of(path)
    if not methods then return replies.message(403, NO_SUCH_PATH) end
    local why = refuses(context, header)
    if why then return replies.message(403, why) end
    local answer = methods[method]
    if not answer then return replies.message(405, "Method Not Allowed", { Allow = names_of(methods) }) end
    local status, text, headers, trouble = answer(context, query, body, header)
    collect(body)
    return status, text, headers, trouble
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
