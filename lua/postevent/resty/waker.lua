-- Wakes the light threads of nginx that wait for the answer of a post: one waker for a worker, for all its clients.
--
-- The core's thread cannot touch nginx. It puts what is answered on a list and writes a byte to a unix socket; here a
-- light thread in a timer reads it, through a cosocket, and posts the semaphore on which the request sleeps.

local ngx = ngx
local core = require("postevent.core")
local semaphore = require("ngx.semaphore")

local waker = {}

local FAR = 1e6 -- seconds: a timer that only the end of the worker fires
local READ_MS = 0x7fffffff -- nothing to read is no reason to wake
local PATIENCE = 10 -- seconds by which a post outlasts its time-out before we believe that it is lost
local NO_ANSWER = "timeout: the client's thread gave no answer"

local handle -- of the core: there is one while the light thread runs
local connected = false
local starting -- the semaphore of those who wait for the connection
local starters = 0
local waiting = {} -- number of a request -> { semaphore =, then reply =, message =, code =, detail = }
local spare = {} -- semaphores
local last = 0
local watches_exit = false

-- ---- the light thread ----

local function deliver()
  while true do
    local number, reply, message, code, detail = handle:take()
    if not number then
      return
    end
    local waiter = waiting[number]
    waiting[number] = nil
    if waiter then
      waiter.reply, waiter.message, waiter.code, waiter.detail = reply, message, code, detail
      waiter.semaphore:post(1)
    end
  end
end

-- Nobody reads any more: those who wait get no answer.
local function abandon()
  for number, waiter in pairs(waiting) do
    waiting[number] = nil
    waiter.message, waiter.code, waiter.detail = NO_ANSWER, "timeout", { sent = "maybe" }
    waiter.semaphore:post(1)
  end
end

local function connect(socket)
  socket:settimeouts(1000, 1000, READ_MS)
  local ok, why = socket:connect("unix:" .. handle:path())
  if ok and not handle:accept() then
    ok, why = nil, "the connection did not arrive"
  end
  connected = ok and true or false
  return why
end

-- Reads until the worker exits and nobody waits any more.
local function read(socket)
  if ngx.worker.exiting() then
    ngx.sleep(0.001) -- those who waited for the start post now
  end
  while not ngx.worker.exiting() or next(waiting) do
    local bytes, why = socket:receiveany(64)
    deliver()
    if not bytes and why ~= "timeout" then
      return
    end
  end
end

local function run()
  local socket = ngx.socket.tcp()
  local why = connect(socket)
  if starters > 0 then
    starting:post(starters)
  end
  if connected then
    read(socket)
    socket:close()
  else
    ngx.log(ngx.ERR, "postevent: no waker: ", why)
  end
  connected = false
  handle:close()
  handle = nil
  abandon()
end

-- Sets a timer that nginx fires before its time when the worker is to exit, which it does once the light thread has
-- ended. Better early, in init_worker_by_lua: nginx logs an alert where the first timer of all is made in a worker that
-- exits.
function waker.watch_exit()
  if watches_exit then
    return
  end
  watches_exit = true
  ngx.timer.at(FAR, function(premature)
    watches_exit = premature
    if not premature then
      waker.watch_exit()
    elseif handle then
      handle:poke()
    end
  end)
end

-- ---- starting ----

local function launch()
  local made, why = core.waker()
  if not made then
    return why
  end
  local ok
  ok, why = ngx.timer.at(0, run)
  if not ok then
    made:close()
    return why
  end
  handle = made
  starting = semaphore.new(0)
  starters = 0
  waker.watch_exit()
end

-- Sees to it that the waker runs; sleeps until it does. Returns nothing; or why it does not.
local function ensure()
  local why
  if not handle then
    why = launch()
  end
  if not why and not connected then
    starters = starters + 1
    starting:wait(PATIENCE)
    why = not connected and "the waker did not start" or nil
  end
  return why
end

-- ---- posting ----

local function take_semaphore()
  local count = #spare
  local taken = spare[count]
  spare[count] = nil
  return taken or semaphore.new(0)
end

-- Hands the event to the client's thread and sleeps until it is answered; `timeout` is the client's. Returns as
-- client:post does.
function waker.post(client, event, timeout)
  local why = not connected and ensure()
  if why then
    return nil, "out of memory or of another resource: " .. why, "no_memory", { sent = false }
  end
  last = last + 1
  local number = last
  local ok, id, code, detail = client:_submit(event, handle, number)
  if not ok then
    return nil, id, code, detail
  end
  local waiter = { semaphore = take_semaphore() }
  waiting[number] = waiter
  if not waiter.semaphore:wait(timeout + PATIENCE) then
    waiting[number] = nil
    return nil, NO_ANSWER, "timeout", { sent = "maybe", event_id = id }
  end
  spare[#spare + 1] = waiter.semaphore
  local reply = waiter.reply
  if reply then
    reply.event_id = id
    return reply
  end
  waiter.detail.event_id = id
  return nil, waiter.message, waiter.code, waiter.detail
end

return waker
