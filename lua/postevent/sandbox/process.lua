-- A sandbox in a child process, and what a test asks it: postevent.sandbox.start returns one of these.
--
--   .url, .base, .port   of a webhook; of the sandbox; its number
--   :events()            a list of the events that it has taken: { event =, requestId =, received_at =, ... }
--   :attempts()          the same of each attempt that it has kept: `answer`, and `fault`, tell what became of it
--   :counts()            { requests =, taken =, processed =, duplicates =, faults =, dropped = }
--   :fault(keys)         turns one on, of a table or a text; returns its id
--   :scenario(name)      turns one on in place of all faults, of a text or a table
--   :heal(id)            ends that fault; without an id, all
--   :reset()             it has received nothing, and has no faults
--   :stop()              ends it

local cjson = require "cjson.safe"
local fault = require "postevent.sandbox.fault"
local httpd = require "postevent.sandbox.httpd"
local scenarios = require "postevent.sandbox.scenarios"

local process = {}

local Process = {}
Process.__index = Process
Process.__name = "postevent.sandbox"

local PATIENCE = 10 -- seconds for the start, and for an answer

local REQUEST = "%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"

-- The decoded answer. Raises where there is none: a test has nothing better to do.
local function ask(self, method, path, body)
  if not self._child then error("the sandbox was stopped", 3) end
  body = body and cjson.encode(body) or ""
  local answer, message = httpd.ask(self.port, REQUEST:format(method, path, #body, body), PATIENCE)
  if not answer then error(message, 3) end
  local status, text = answer:match("^HTTP/1%.[01] (%d+).-\r\n\r\n(.*)$")
  local document = text and cjson.decode(text)
  if status == "200" and document then return document end
  error(("the sandbox answered %s: %s"):format(status or "no HTTP", document and document.message or "nothing"), 3)
end

function Process:events()
  return ask(self, "GET", "/sandbox/events").events
end

function Process:attempts()
  return ask(self, "GET", "/sandbox/attempts").events
end

function Process:counts()
  local counts = ask(self, "GET", "/sandbox/counts")
  for name, count in pairs(counts) do
    counts[name] = math.floor(count) -- lua-cjson makes 1.0 of it
  end
  return counts
end

function Process:fault(given)
  local fields, problem = (type(given) == "string" and fault.parse or fault.check)(given)
  if not fields then error(problem, 2) end
  return math.floor(ask(self, "POST", "/sandbox/faults", fields).id)
end

function Process:scenario(given)
  local faults, problem = (type(given) == "string" and scenarios.parse or scenarios.check)(given)
  if not faults then error(problem, 2) end
  self:heal()
  for _, fields in ipairs(faults) do
    ask(self, "POST", "/sandbox/faults", fields)
  end
end

function Process:heal(id)
  ask(self, "DELETE", id and ("/sandbox/faults/%d"):format(id) or "/sandbox/faults")
end

function Process:reset()
  self:heal()
  ask(self, "POST", "/sandbox/reset")
end

function Process:stop()
  if self._child then self._child:stop() end
  self._child = nil
end

Process.__close = Process.stop

-- Says why there is none.
local function give_up(child, line)
  child:stop()
  return nil, line and line:match("^failed (.*)$") or "the sandbox did not start"
end

--- Starts `serve` in a child process: a function of `report`, to which it says "port 8080" once connections are
-- accepted, and of `life`, as in httpd.serve; it returns true, or nil and why it cannot. Returns the object above; or
-- nil and a message.
function process.start(serve)
  local child, message = httpd.fork(function(report, life)
    local done, why = serve(report, life)
    if not done then report("failed " .. why) end
  end)
  if not child then return nil, message end
  local line = child:line(PATIENCE)
  local port = line and tonumber(line:match("^port (%d+)$"))
  if not port then return give_up(child, line) end
  local base = ("http://127.0.0.1:%d"):format(port)
  return setmetatable({ _child = child, port = port, base = base, url = base .. "/eucrm/webhooks/sandbox" }, Process)
end

return process
