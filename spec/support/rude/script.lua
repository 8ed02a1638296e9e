-- What a spec wants of the rude server, event by event: options.script is the text of a Lua function's body. It is
-- called for each request, which is a table: id (external_event_id), nth (how often this id has come, this time
-- included), turn (how many requests have come in all), authorization, path and headers (HTTP/1.1), mode (the text that
-- the spec has set last, "" at first), and event; of a GET, whose id is its path, that is empty. It returns a reply as
-- http1.format takes it, with {delay = seconds} if it is to be late, or {raw = bytes}, both with {close = true} to end
-- the connection then; nothing for the documented reply; or the name of a behaviour ("reset").
local cjson = require "cjson"

local script = {}
local seen = {}
local decide

local load_text = loadstring or load

function script.ask(options, request, turn)
  local event = request.method == "GET" and {} or cjson.decode(request.body)
  local id = event.external_event_id or request.path
  seen[id] = (seen[id] or 0) + 1
  decide = decide or assert(load_text("local request = ...\n" .. options.script, "=script"))
  return decide {
    id = id, nth = seen[id], turn = turn, event = event, mode = request.mode,
    authorization = (request.headers or {}).authorization, path = request.path, headers = request.headers,
  }
end

return script
