-- Wakes the light threads of nginx that wait for the answer of a post: one waker for a worker, for all its clients.
--
-- The core's thread cannot touch nginx. It puts what is answered on a list and writes a byte to a unix socket; a light
-- thread in a timer reads it, through a cosocket, and posts the semaphores on which the requests sleep. That light
-- thread is there for speed alone, and only while posts come: where nginx has no timer or no connection for it, and
-- where the worker exits, who waits looks at the list now and then, and depends on nobody.

local ngx = ngx
local core = require("postevent.native")("postevent.core")
local semaphore = require("ngx.semaphore")

local waker = {}

local CONNECT_MS = 1000
-- The light thread reads for as long as it lives: nginx writes a line to its log when the time of a read is up.
local READ_MS = 86400 * 1000
local TICK_SECONDS = 0.2 -- so long a worker that exits may wait for the light thread
local LINGER_TICKS = 5 -- without a post, after which it ends: an idle worker sleeps
local RETRY_SECONDS = 10 -- after which nginx is asked again for a timer that it had not
local FIRST_LOOK, LONGEST_LOOK = 0.001, 0.02 -- seconds between two looks at the list of who waits without it
local PATIENCE = 10 -- seconds by which a post outlasts its time-out before we believe that it is lost

local handle -- of the core, from the first post on
local connected = false -- the light thread reads
local running = false -- or is about to
local launched_at = -RETRY_SECONDS
local warned = false
local waiting = {} -- number of a request -> { semaphore =, sleeps =, then reply =, message =, code =, detail = }
local spare = {} -- semaphores
local last = 0

-- ---- answers ----

local function wake(waiter)
  if waiter.sleeps then
    waiter.sleeps = false
    waiter.semaphore:post(1)
  end
end

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
      wake(waiter)
    end
  end
end

-- ---- the light thread ----

local function connect(socket)
  local path, why = handle:listen()
  local ok = path
  if ok then
    socket:settimeouts(CONNECT_MS, CONNECT_MS, READ_MS)
    ok, why = socket:connect("unix:" .. path)
  end
  if ok and not handle:accept() then
    ok, why = nil, "the connection did not arrive"
  end
  if not ok then
    error(why, 0)
  end
end

-- Sees to it that the light thread of that life ends: a second after the last post, or when the worker exits and nobody
-- waits.
local function watch(life)
  local seen, idle = last, 0
  while not life.over do
    ngx.sleep(TICK_SECONDS)
    idle = (seen ~= last or next(waiting)) and 0 or idle + 1
    seen = last
    if idle > 0 and (idle >= LINGER_TICKS or ngx.worker.exiting()) then
      life.over = true
      handle:poke()
    end
  end
end

local function read(socket, life)
  while not life.over do
    local bytes, why = socket:receiveany(64)
    deliver()
    if not bytes and why ~= "timeout" then
      error(why, 0)
    end
  end
end

local function listen(socket, life)
  connect(socket)
  connected, warned = true, false
  ngx.thread.spawn(watch, life)
  read(socket, life)
end

local function run(premature)
  if premature or running then
    return
  end
  running = true
  local socket, life = ngx.socket.tcp(), { over = false }
  local ok, why = pcall(listen, socket, life)
  life.over = true
  connected, running = false, false
  handle:hang_up()
  pcall(socket.close, socket)
  if ok then
    launched_at = -RETRY_SECONDS -- the next post may have another
  elseif not warned then
    warned = true
    ngx.log(ngx.WARN, "postevent: posts are waited for without a socket: ", why)
  end
  for _, waiter in pairs(waiting) do
    wake(waiter) -- and looks for itself
  end
end

-- Has nginx start the light thread, where it can.
local function launch()
  local elapsed = ngx.now() - launched_at
  if running or ngx.worker.exiting() or (elapsed >= 0 and elapsed < RETRY_SECONDS) then -- a clock may be set back
    return
  end
  launched_at = ngx.now()
  ngx.timer.at(0, run) -- where it comes to nothing, the next try does not
end

-- ---- posting ----

local function take_semaphore()
  local count = #spare
  local taken = spare[count]
  spare[count] = nil
  return taken or semaphore.new(0)
end

-- Sleeps until the light thread wakes us. Returns false after so many seconds.
local function sleep(waiter, seconds)
  local taken = take_semaphore()
  waiter.semaphore, waiter.sleeps = taken, true
  local woken = taken:wait(seconds)
  if woken then
    spare[#spare + 1] = taken -- one whose post may still come is not used again
  end
  return woken
end

-- Waits for the answer of that number, so many seconds at most.
local function wait(number, seconds)
  local waiter = waiting[number]
  local pause = FIRST_LOOK
  while waiting[number] and seconds > 0 do
    if connected then
      seconds = sleep(waiter, seconds) and seconds or 0
    else
      ngx.sleep(pause)
      seconds = seconds - pause
      pause = math.min(pause * 1.5, LONGEST_LOOK)
      deliver()
    end
  end
end

-- Hands the event to the client's thread and sleeps until it is answered; `timeout` is the client's. Returns as
-- client:post does. Its caller has seen to it that the light thread may sleep.
function waker.post(client, event, timeout)
  handle = handle or core.waker()
  if not handle then
    return nil, "out of memory", "no_memory", { sent = false, arrived = false }
  end
  last = last + 1
  local number = last
  local ok, id, code, detail = client:_submit(event, handle, number)
  if not ok then
    return nil, id, code, detail
  end
  local waiter = { sleeps = false, semaphore = false, reply = false, message = false, code = false, detail = false }
  waiting[number] = waiter
  if not connected then
    launch()
  end
  wait(number, timeout + PATIENCE)
  if waiting[number] then
    waiting[number] = nil
    return nil, "timeout: the client's thread gave no answer", "timeout",
      { sent = "maybe", arrived = "maybe", event_id = id }
  end
  local reply = waiter.reply
  if reply then
    reply.event_id = id
    return reply
  end
  waiter.detail.event_id = id
  return nil, waiter.message, waiter.code, waiter.detail
end

return waker
