-- What the server of `make chaos` does with a request: one of many kinds, drawn from the run's seed, the event's id and
-- how often that id has come. The order in which requests arrive plays no part, so a seed draws the same again, and
-- whoever has the server's log knows what each request was answered with.
--
--   kinds.list                     { name =, says =, closes = whether the server ends the connection behind it,
--                                    is_lost = whether the answer is, or leaves it open: the event may have arrived,
--                                    answer = function -> what a script of rude/script.lua returns }
--   kinds.draw(seed, id, nth)      the kind
-- `says` is what the answer says of the event: "delivered", "rejected" (of this event), "held" (about the endpoint), or
-- "nothing" (try again, or no answer that can be read).
local documents = require "support.documents"

local kinds = { list = {} }

-- Answers that do not say whether the event was taken.
local OPEN = { [408] = true, [500] = true, [502] = true, [504] = true }

local function is_lost(says, answer)
  local known = type(answer) == "table" and not (answer.raw or OPEN[answer.status])
  return says == "nothing" and not known
end

local function add(name, says, answer)
  kinds.list[#kinds.list + 1] = {
    name = name, says = says, is_lost = is_lost(says, answer),
    closes = type(answer) == "string" or type(answer) == "table" and answer.close,
    answer = type(answer) == "function" and answer or function()
      return answer
    end,
  }
end

local function json(code, words)
  return ('{"status":{"code":%d,"message":"%s"},"requestId":"%s"}'):format(code, words, documents.request_id)
end

-- Bytes that are sent as they are; `framing` in place of a true Content-Length.
local function raw(head, body, framing)
  local length = framing or ("Content-Length: %d"):format(#body)
  return { raw = ("%s\r\nContent-Type: application/json\r\n%s\r\n\r\n%s"):format(head, length, body) }
end

-- What ends with these bytes, and the connection.
local function last(answer)
  answer.close = true
  return answer
end

-- ---- the event is taken ----

local TAKEN = json(1100, "Event is pushed to transformation state")

add("as documented", "delivered", nil)
add("late", "delivered", { delay = 0.03 })
add("then closes", "delivered", { close = true, headers = { Connection = "close" } })
add("closes without a word", "delivered", { close = true })
add("status without words", "delivered", raw("HTTP/1.1 200", TAKEN))
add("status of many words", "delivered", raw("HTTP/1.1 200 " .. ("fine "):rep(200), TAKEN))
add("chunked", "delivered", raw("HTTP/1.1 200 OK", ("%x\r\n%s\r\n0\r\n\r\n"):format(#TAKEN, TAKEN),
  "Transfer-Encoding: chunked"))
add("chunks of a byte", "delivered", function()
  return raw("HTTP/1.1 200 OK", TAKEN:gsub(".", "1\r\n%0\r\n") .. "0\r\n\r\n", "Transfer-Encoding: chunked")
end)
add("continue first", "delivered", raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK", TAKEN))
add("many early hints", "delivered", raw(("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"):rep(20)
  .. "HTTP/1.1 200 OK", TAKEN))
add("many headers", "delivered", raw("HTTP/1.1 200 OK" .. ("\r\nX-Filler: %s"):format(("a"):rep(100)):rep(60), TAKEN))
add("white space around", "delivered", { body = "\r\n\t " .. TAKEN .. "\n\n" })
add("more fields", "delivered", { body = TAKEN:gsub("^{", '{"more":[1,{"a":null}],') })
add("201", "delivered", { status = 201, body = TAKEN })
add("odd case", "delivered", raw("HTTP/1.1 200 OK", TAKEN, "cOnTeNt-LeNgTh: " .. #TAKEN))

-- ---- the event is refused ----

add("422", "rejected", { status = 422, body = json(7308, "Invalid customer ID passed.") })
add("400 with JSON", "rejected", { status = 400, body = "{}" })
add("409", "rejected", { status = 409, body = "{}" })
add("413", "rejected", { status = 413, body = "" })
add("a code that is no delivery", "rejected", { body = json(7305, "Invalid event") })

-- ---- not now ----

add("500", "nothing", { status = 500, body = "" })
add("502 of a proxy", "nothing", { status = 502, body = "<html>Bad Gateway</html>" })
add("503", "nothing", { status = 503, body = "{}" })
add("504", "nothing", { status = 504, body = '{"message":"Endpoint request timed out"}' })
add("408", "nothing", { status = 408, body = "" })
add("425", "nothing", { status = 425, body = "" })
add("7301", "nothing", { body = json(7301, "unable to add feed") })
add("503, come back at nonsense", "nothing", { status = 503, headers = { ["Retry-After"] = "soon" } })
add("429, come back yesterday", "nothing", {
  status = 429, headers = { ["Retry-After"] = "Fri, 01 Jan 2021 00:00:00 GMT" } })
add("429", "nothing", { status = 429, body = '{"message":"Too Many Requests"}' })

-- ---- no answer, or none to be read ----

for _, name in ipairs { "reset", "close", "reset_in_reply", "close_in_reply", "short_reply", "never_answer",
  "trickle" } do
  add(name, "nothing", name)
end
add("chunks that end early", "nothing", last(raw("HTTP/1.1 200 OK", "fff\r\n" .. TAKEN, "Transfer-Encoding: chunked")))

-- ---- about the endpoint ----

local GRAVE = #kinds.list -- what follows holds the queue for seconds
add("401", "held", { status = 401, body = '{"message":"Unauthorized"}' })
add("403", "held", { status = 403, body = '{"message":"Missing Authentication Token"}' })
add("404", "held", { status = 404, body = "" })
add("redirect", "held", { status = 302, headers = { Location = "http://127.0.0.1:1/" } })
add("a portal", "held", { body = "<html>Sign in</html>" })
add("an empty 200", "held", { body = "" })
add("half a document", "held", { body = TAKEN:sub(1, 40) })
add("a deep document", "held", { body = ("["):rep(2000) .. ("]"):rep(2000) })
add("not UTF-8", "held", { body = json(1100, "\255\254") })
for _, name in ipairs { "garbage", "gzip_lie", "endless_headers", "endless_reply", "huge_reply" } do
  add(name, "held", name)
end
add("a length below zero", "held", last(raw("HTTP/1.1 200 OK", TAKEN, "Content-Length: -5")))
add("a NUL in the head", "held", last(raw("HTTP/1.1 200 OK\r\nX: a\0b", TAKEN)))
add("503, come back in a second", "nothing", { status = 503, headers = { ["Retry-After"] = "1" } })

-- ---- drawing ----

-- A number from 0 below `range`, by the texts: a hash that every Lua computes alike (32 bits, in doubles).
local function hash(text)
  local h = 5381
  for i = 1, #text do
    h = (h * 33 + text:byte(i)) % 4294967296
  end
  return (h * 69069 + 1) % 4294967296
end

function kinds.draw(seed, id, nth)
  local first = hash(("%s/%s/%s"):format(seed, id, nth))
  local second = hash(("%s:%s:%s:"):format(nth, id, seed))
  local is_grave = seed % 3 == 0
  if first % 100 < 55 then
    return kinds.list[1 + second % 15] -- taken, in one way or the other
  end
  return kinds.list[1 + second % (is_grave and #kinds.list or GRAVE)]
end

-- For the script of the rude server.
function kinds.answer(seed, request)
  return kinds.draw(seed, request.id, request.nth).answer()
end

return kinds
