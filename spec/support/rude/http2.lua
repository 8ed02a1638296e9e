-- As much HTTP/2 as the rude server needs: it reads frames and answers streams. Request headers stay packed.
local documents = require "support.documents"

local http2 = {}

http2.PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

local DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
local END_STREAM, ACK, END_HEADERS, PADDED = 1, 1, 4, 8
local REFUSED_STREAM = 7

local function u32(number)
  return string.char(math.floor(number / 0x1000000) % 0x100, math.floor(number / 0x10000) % 0x100,
    math.floor(number / 0x100) % 0x100, number % 0x100)
end

local function read_u32(text, first)
  local a, b, c, d = text:byte(first, first + 3)
  return ((a * 0x100 + b) * 0x100 + c) * 0x100 + d
end

local function has(flags, bit)
  return math.floor(flags / bit) % 2 == 1
end

local function write_frame(conn, kind, flags, stream, payload)
  payload = payload or ""
  return conn:write(u32(#payload):sub(2) .. string.char(kind, flags) .. u32(stream) .. payload)
end

local function read_frame(conn)
  local head = conn:read_exactly(9)
  if not head then
    return nil
  end
  local frame = {
    kind = head:byte(4),
    flags = head:byte(5),
    stream = read_u32(head, 6) % 0x80000000,
    payload = conn:read_exactly(read_u32("\0" .. head:sub(1, 3), 1)),
  }
  return frame.payload and frame
end

-- The preface, and the first frames of both sides. Returns false when the client left.
function http2.start(conn)
  if not conn:read_exactly(#http2.PREFACE) then
    return false
  end
  conn.streams = {}
  return write_frame(conn, SETTINGS, 0, 0)
end

local function take_data(conn, frame)
  local data = frame.payload
  if has(frame.flags, PADDED) then
    data = data:sub(2, #data - data:byte(1))
  end
  conn.streams[frame.stream] = (conn.streams[frame.stream] or "") .. data
  if #frame.payload > 0 then
    write_frame(conn, WINDOW_UPDATE, 0, 0, u32(#frame.payload))
    write_frame(conn, WINDOW_UPDATE, 0, frame.stream, u32(#frame.payload))
  end
end

-- Reads frames until `wanted(frame)` returns something. Nil when the client left.
local function read_until(conn, wanted)
  while true do
    local frame = read_frame(conn)
    if not frame then
      return nil
    end
    if frame.kind == SETTINGS and not has(frame.flags, ACK) then
      write_frame(conn, SETTINGS, ACK, 0)
    elseif frame.kind == PING and not has(frame.flags, ACK) then
      write_frame(conn, PING, ACK, 0, frame.payload)
    elseif frame.kind == DATA then
      take_data(conn, frame)
    elseif frame.kind == RST_STREAM then
      conn.log { event = "stream_reset_by_client", connection = conn.number }
    end
    local found = wanted(frame)
    if found then
      return found
    end
  end
end

-- The next request that is complete: {stream =, body =}.
function http2.read_request(conn)
  return read_until(conn, function(frame)
    if (frame.kind == DATA or frame.kind == HEADERS) and has(frame.flags, END_STREAM) then
      return { stream = frame.stream, body = conn.streams[frame.stream] or "", protocol = "2" }
    end
  end)
end

-- The next request's head: its body is still to come.
function http2.read_head(conn)
  return read_until(conn, function(frame)
    return frame.kind == HEADERS and { stream = frame.stream, protocol = "2" }
  end)
end

local function literal(text)
  assert(#text < 127, "a header that is too long for this")
  return string.char(#text) .. text
end

local function pack_headers(status, headers)
  local packed = { status == 200 and "\136" or "\8" .. literal(tostring(status)) } -- 0x88; else a literal :status
  for name, value in pairs(headers) do
    packed[#packed + 1] = "\0" .. literal(name:lower()) .. literal(value)
  end
  return table.concat(packed)
end

local function write_head(conn, request, reply)
  local headers = { ["content-type"] = "application/json" }
  for name, value in pairs(reply.headers or {}) do
    headers[name:lower()] = value
  end
  return write_frame(conn, HEADERS, END_HEADERS, request.stream, pack_headers(reply.status or 200, headers))
end

function http2.reply(conn, request, reply)
  reply = reply or {}
  return write_head(conn, request, reply)
    and write_frame(conn, DATA, END_STREAM, request.stream, reply.body or documents.reply)
end

function http2.half_reply(conn, request, reply)
  reply = reply or {}
  local body = reply.body or documents.reply
  return write_head(conn, request, reply)
    and write_frame(conn, DATA, 0, request.stream, body:sub(1, math.floor(#body / 2)))
end

-- The server has not touched this request: a client may send it again.
function http2.refuse(conn, request)
  return write_frame(conn, RST_STREAM, 0, request.stream, u32(REFUSED_STREAM))
end

-- The server leaves, and has touched no stream after `last`.
function http2.go_away(conn, last)
  return write_frame(conn, GOAWAY, 0, 0, u32(last) .. u32(0))
end

return http2
