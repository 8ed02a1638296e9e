-- Coroutines that wait for sockets and for time, one thread, one select: what the rude server runs on.
local process = require "support.process"
local socket = require "socket"

local scheduler = {}
local tasks = {}

-- Starts `body` as a task; `failed(message)` is called when it raises.
function scheduler.start(body, failed)
  tasks[#tasks + 1] = { thread = coroutine.create(body), failed = failed, wakes = 0 }
end

-- For tasks: until the socket can be read from ("read") or written to ("write").
function scheduler.wait(how, sock)
  coroutine.yield(how, sock)
end

function scheduler.sleep(seconds)
  coroutine.yield("sleep", process.now() + seconds)
end

local function resume(task)
  task.readable, task.writable, task.wakes = nil, nil, nil
  local ok, how, what = coroutine.resume(task.thread)
  if not ok then
    task.failed(how)
  elseif how == "read" then
    task.readable = what
  elseif how == "write" then
    task.writable = what
  elseif how == "sleep" then
    task.wakes = what
  end
end

local function is_due(task, now, readable, writable)
  if task.wakes then
    return task.wakes <= now
  end
  return (task.readable and readable[task.readable]) or (task.writable and writable[task.writable])
end

-- Until no task is left. A task's end is a plain return.
function scheduler.run()
  while #tasks > 0 do
    local reads, writes, next_wake = {}, {}, nil
    for _, task in ipairs(tasks) do
      reads[#reads + 1] = task.readable
      writes[#writes + 1] = task.writable
      if task.wakes and (not next_wake or task.wakes < next_wake) then
        next_wake = task.wakes
      end
    end
    local timeout = next_wake and math.max(0, next_wake - process.now())
    local readable, writable = socket.select(reads, writes, timeout)
    local now, due, left = process.now(), {}, {}
    for _, task in ipairs(tasks) do
      due[#due + 1] = is_due(task, now, readable, writable) and task or nil
    end
    for _, task in ipairs(due) do
      resume(task)
    end
    for _, task in ipairs(tasks) do
      if coroutine.status(task.thread) ~= "dead" then
        left[#left + 1] = task
      end
    end
    tasks = left
  end
end

return scheduler
