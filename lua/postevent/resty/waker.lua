-- Wakes the light threads of nginx that wait for the answer of a post: one waker for a worker, for all its clients.
--
-- The core's thread cannot touch nginx. It puts what is answered on a list and writes a byte to a unix socket; here a
-- light thread in a timer reads it, through a cosocket, and posts the semaphore on which the request sleeps.

local ngx = ngx
local core = require("postevent.core")
local semaphore = require("ngx.semaphore")

local waker = {}

local CONNECT_MS = 1000
-- A timer pokes the light thread so often; nginx fires it at once when the worker is to exit. Only where it is missing,
-- since nginx had no timer to give, the light thread looks for itself.
local POKE_SECONDS = 300
local READ_MS = 2 * POKE_SECONDS * 1000
local START_SECONDS = 2
local PATIENCE = 10 -- seconds by which a post outlasts its time-out before we believe that it is lost
local NO_ANSWER = "timeout: the client's thread gave no answer"

local handle -- of the core: there is one while the light thread runs, or is about to
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

local function wake_starters()
  if starters > 0 then
    starting:post(starters)
    starters = 0
  end
end

-- Ends the waker; the next post starts another.
local function stop()
  connected = false
  handle:close()
  handle = nil
  wake_starters()
  abandon()
end

local function connect(socket)
  socket:settimeouts(CONNECT_MS, CONNECT_MS, READ_MS)
  local ok, why = socket:connect("unix:" .. handle:path())
  if ok and not handle:accept() then
    ok, why = nil, "the connection did not arrive"
  end
  connected = ok and true or false
  if not ok then
    error(why, 0)
  end
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
      error(why, 0)
    end
  end
end

local function run(_, made)
  if made ~= handle then -- it came too late, and was given up
    return
  end
  local socket = ngx.socket.tcp()
  local ok, why = pcall(function()
    connect(socket)
    wake_starters()
    read(socket)
  end)
  if not ok then
    ngx.log(ngx.ERR, "postevent: the waker of posts ended: ", why)
  end
  pcall(socket.close, socket)
  stop()
end

-- Sets the timer that pokes the light thread. Better early, in init_worker_by_lua: nginx logs an alert where the first
-- timer of all is made in a worker that exits.
function waker.watch_exit()
  if watches_exit then
    return
  end
  watches_exit = ngx.timer.at(POKE_SECONDS, function(premature)
    watches_exit = false
    if not premature then
      waker.watch_exit()
    end
    if handle then
      handle:poke()
    end
  end) and true or false
end

-- ---- starting ----

local function launch()
  local made, why = core.waker()
  if not made then
    return why
  end
  local ok
  ok, why = ngx.timer.at(0, run, made)
  if not ok then
    made:close()
    return why
  end
  handle = made
  starting = semaphore.new(0)
  starters = 0
end

-- Sees to it that the waker runs; sleeps until it does. Returns nothing; or why it does not.
local function ensure()
  local why = not handle and launch() or nil
  waker.watch_exit()
  if why or connected then
    return why
  end
  local made = handle
  starters = starters + 1
  if not starting:wait(START_SECONDS) and made == handle and not connected then
    stop() -- nginx had no connection or no running timer for it (lua_max_running_timers)
  end
  return not connected and "the waker of posts did not start; nginx's log says why" or nil
end

-- ---- posting ----

local function take_semaphore()
  local count = #spare
  local taken = spare[count]
  spare[count] = nil
  return taken or semaphore.new(0)
end

local function no_answer(id)
  return nil, NO_ANSWER, "timeout", { sent = "maybe", event_id = id }
end

-- Hands the event to the client's thread and sleeps until it is answered; `timeout` is the client's. Returns as
-- client:post does. Its caller has seen to it that the light thread may sleep.
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
  local woken = waiter.semaphore:wait(timeout + PATIENCE)
  if not woken or waiting[number] then -- a semaphore whose post may still come is not used again
    waiting[number] = nil
    return no_answer(id)
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
