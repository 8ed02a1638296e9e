-- What the rude server does instead of answering, by name. Each is called as f(conn, options, http, request, turn) and
-- returns true when the connection goes on; else it has left, or the server closes it politely.
--   on_accept: before a byte is read, over TLS before the handshake
--   on_head:   with the head of the request, its body unread
--   on_request: with the whole request
local documents = require "support.documents"
local http1 = require "support.rude.http1"
local http2 = require "support.rude.http2"
local scheduler = require "support.rude.scheduler"
local script = require "support.rude.script"

local behaviours = { on_accept = {}, on_head = {}, on_request = {} }

local HUGE = 128 * 1024
local FILLER = ("X-Filler: %s\r\n"):format(("a"):rep(1000)):rep(16)

local function reset(conn)
  conn:reset()
end

local function drop(conn)
  conn:drop()
end

behaviours.on_accept.close_at_once = drop
behaviours.on_accept.reset_at_once = reset

-- The server half of a TLS handshake never comes.
function behaviours.on_accept.silent_handshake(conn)
  conn:drain()
end

behaviours.on_head.close_while_body = drop
behaviours.on_head.reset_while_body = reset

-- Answers and closes without reading the body, as a server does that refuses early.
function behaviours.on_head.answer_before_body(conn, options, http, request)
  http.reply(conn, request, options.reply)
end

behaviours.on_request.reset = reset
behaviours.on_request.close = drop

function behaviours.on_request.answer(conn, options, http, request)
  return http.reply(conn, request, options.reply)
end

function behaviours.on_request.never_answer(conn)
  conn:drain()
end

-- Answers after options.delay seconds.
function behaviours.on_request.answer_late(conn, options, http, request)
  scheduler.sleep(options.delay or 1)
  return http.reply(conn, request, options.reply)
end

-- A byte each options.interval seconds (1).
function behaviours.on_request.trickle(conn, options)
  for byte in http1.format(options.reply or {}):gmatch "." do
    if not conn:write(byte) then
      return
    end
    scheduler.sleep(options.interval or 1)
  end
end

function behaviours.on_request.reset_in_reply(conn, options, http, request)
  http.half_reply(conn, request, options.reply)
  conn:reset()
end

function behaviours.on_request.close_in_reply(conn, options, http, request)
  http.half_reply(conn, request, options.reply)
  conn:drop()
end

-- Content-Length is larger than what comes; then a clean end.
function behaviours.on_request.short_reply(conn)
  conn:write(http1.format { length = #documents.reply + 100 })
end

-- options.size bytes (128 KiB) of JSON that would be a delivery; framing "length", "chunked" or "close".
function behaviours.on_request.huge_reply(conn, options)
  local start, finish = '{"status":{"code":1100,"message":"', '"},"requestId":"a"}'
  local body = start .. ("x"):rep((options.size or HUGE) - #start - #finish) .. finish
  local head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
  if options.framing == "chunked" then
    conn:write(("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"):format(head, #body, body))
  elseif options.framing == "close" then
    conn:write(head .. "Connection: close\r\n\r\n" .. body)
  else
    conn:write(http1.format { body = body })
    conn:drain()
  end
end

-- A body that never ends, behind options.head.
function behaviours.on_request.endless_reply(conn, options)
  local going = conn:write(options.head
    or "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
  while going do
    going = conn:write(FILLER)
  end
end

function behaviours.on_request.endless_headers(conn)
  local going = conn:write "HTTP/1.1 200 OK\r\n"
  while going do
    going = conn:write(FILLER)
  end
end

function behaviours.on_request.garbage(conn)
  conn:write "\1\2\3 this is not HTTP\r\n\r\nat all\r\n"
end

function behaviours.on_request.gzip_lie(conn)
  return conn:write(http1.format { headers = { ["Content-Encoding"] = "gzip" } })
end

-- The documented reply, and options.delay seconds (0.02) later the idle connection is closed without a word: the event
-- "closed" in the log tells when.
function behaviours.on_request.close_after_reply_idle(conn, options, http, request)
  http.reply(conn, request, options.reply)
  scheduler.sleep(options.delay or 0.02)
  conn:skip()
  conn:close()
end

-- Answers after options.late seconds (0), and options.delay seconds (0.02) later sends options.extra, which nobody
-- asked for: the event "extra".
function behaviours.on_request.answer_twice(conn, options, http, request)
  scheduler.sleep(options.late or 0)
  http.reply(conn, request, options.reply)
  scheduler.sleep(options.delay or 0.02)
  local written = conn:write(options.extra)
  conn.log { event = "extra", connection = conn.number }
  return written and not options.close
end

-- options.replies in turn, one a request over all connections; the last repeats. Text is sent as it is, and when it is
-- {close = true, ...} the connection ends.
function behaviours.on_request.sequence(conn, options, http, request, turn)
  local reply = options.replies[math.min(turn, #options.replies)]
  return http.reply(conn, request, reply) and not (type(reply) == "table" and reply.close)
end

-- options.reply, byte for byte; then the connection stays open, or ends with options.close.
function behaviours.on_request.raw(conn, options)
  return conn:write(options.reply) and not options.close
end

-- What options.script says for this event (script.lua): a reply, or one of the above by its name.
function behaviours.on_request.script(conn, options, http, request, turn)
  local answer = script.ask(options, request, turn)
  if type(answer) == "string" then
    return behaviours.on_request[answer](conn, options, http, request, turn)
  end
  if answer and answer.delay then
    scheduler.sleep(answer.delay)
  end
  return http.reply(conn, request, answer and answer.raw or answer) and not (answer and answer.close)
end

-- HTTP/2 alone.
function behaviours.on_request.refuse_stream(conn, _, _, request)
  return http2.refuse(conn, request)
end

-- The request was not touched, says the server, and leaves.
function behaviours.on_request.go_away(conn, _, _, request)
  http2.go_away(conn, request.stream - 2 > 0 and request.stream - 2 or 0)
end

return behaviours
