-- The rude server (rude/server.lua), for what no real server can be made to do, in a process of its own.
--
-- start(behaviour, {
--   tls = true | a name in certificates.get(); http2 = true   (both versions are spoken; over TLS by ALPN)
--   answer = N    the first N requests of each connection get the documented reply
--   after = N     the first N requests (for what happens on accept: connections) of all do
--   times = N     it is rude N times, and then polite
--   port = N      of its own choice without it
--   reply =, replies =, delay =, interval =, size =, framing =, close =, late =, script =    see rude/behaviours.lua
-- })
-- On accept: close_at_once, reset_at_once, silent_handshake. With the head: close_while_body, reset_while_body,
-- answer_before_body. With the request: answer, answer_late, never_answer, trickle, reset, close, reset_in_reply,
-- close_in_reply, short_reply, huge_reply, endless_reply (head =), endless_headers, garbage, gzip_lie,
-- close_after_reply_idle, answer_twice (extra =), sequence, raw, script; of HTTP/2 refuse_stream, go_away. And
-- reset_second_request: reset with answer = 1.
--
-- The object: .url, .port, :log() (records with an `event`: connection, handshake, handshake_failed, head, request,
-- closed_by_client, closed (by the server, however), stream_reset_by_client, error; `at` as process.now() says),
-- :events(name, [count]) waits until there are so many, :requests() and :connections() (how many), :arrivals() (a list
-- of {id =, at =, body =, mode =} of the events that came), :set(mode) (what the script reads), :stop().
--
-- black_hole() -> .url, .port, .stop(): a port that answers no SYN, so that connecting takes for ever.
local certificates = require "support.certificates"
local children = require "support.children"
local cjson = require "cjson"
local cleanup = require "support.cleanup"
local documents = require "support.documents"
local files = require "support.files"
local socket = require "socket"
local waiting = require "support.waiting"

local rude = {}

local Rude = {}
Rude.__index = Rude

local aliases = {
  reset_second_request = { "reset", answer = 1 },
}

local function settings_for(behaviour, options)
  local settings = {}
  local alias = aliases[behaviour] or { behaviour }
  for name, value in pairs(options) do
    settings[name] = value
  end
  settings.behaviour = alias[1]
  settings.answer = settings.answer or alias.answer
  if settings.tls then
    settings.tls = certificates.get()[settings.tls == true and "server" or settings.tls]
  end
  return settings
end

function rude.start(behaviour, options)
  local self = setmetatable({ log_path = files.new_path "rude.log" }, Rude)
  local settings = settings_for(behaviour, options or {})
  local port_file = files.new_path "rude.port"
  settings.port_file, settings.log_file = port_file, self.log_path
  self.mode_file = files.new_path "rude.mode"
  settings.mode_file = self.mode_file
  self.child = children.spawn {
    children.lua(), files.write(files.new_path "rude.lua", 'require "support.rude.server"\n'),
    files.write(files.new_path "rude.json", cjson.encode(settings)),
    stop_signal = "SIGKILL",
  }
  self.port = waiting.wait_until(function()
    if not self.child:running() then
      error("the rude server did not start:\n" .. self.child:errors(), 0)
    end
    return tonumber(files.read_if_there(port_file))
  end, 10, "the rude server to start")
  self.base = (settings.tls and "https://localhost:%d" or "http://127.0.0.1:%d"):format(self.port)
  self.url = self.base .. documents.path
  return self
end

function Rude:log()
  local records = {}
  for line in files.read_if_there(self.log_path):gmatch "([^\n]*)\n" do
    records[#records + 1] = cjson.decode(line)
  end
  return records
end

-- The records of one kind; with a number, waits until there are so many.
function Rude:events(event, count)
  return waiting.wait_until(function()
    local found = {}
    for _, record in ipairs(self:log()) do
      if record.event == event then
        found[#found + 1] = record
      end
    end
    return #found >= (count or 0) and found
  end, 5, ("%d times %s in the rude server's log"):format(count or 0, event))
end

-- How many complete requests have come.
function Rude:requests()
  return #self:events "request"
end

function Rude:connections()
  return #self:events "connection"
end

function Rude:arrivals()
  local list = self:events "request"
  for i, record in ipairs(list) do
    local id = cjson.decode(record.body).external_event_id
    list[i] = { id = id, at = record.at, body = record.body, mode = record.mode }
  end
  return list
end

-- From the next request on.
function Rude:set(mode)
  files.write(self.mode_file .. ".new", mode)
  assert(os.rename(self.mode_file .. ".new", self.mode_file))
end

function Rude:stop()
  self.child:stop()
end

-- A listener whose queue is full drops what comes.
function rude.black_hole()
  local listener = assert(socket.bind("127.0.0.1", 0, 0))
  local _, port = listener:getsockname()
  local clients = {}
  local hole = { port = tonumber(port), url = ("http://127.0.0.1:%d%s"):format(port, documents.path) }
  local writable
  repeat
    local client = assert(socket.tcp())
    client:settimeout(0)
    client:connect("127.0.0.1", port)
    clients[#clients + 1] = client
    _, writable = socket.select(nil, { client }, 0.01)
  until #writable == 0 or #clients > 16
  assert(#writable == 0, "the listener's queue does not fill")

  function hole.stop()
    for _, client in ipairs(clients) do
      client:close()
    end
    listener:close()
  end

  cleanup.defer(hole.stop)
  return hole
end

return rude
