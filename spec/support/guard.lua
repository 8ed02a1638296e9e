-- helper.guard(): what a test started is stopped after it, and a test that leaves something behind fails: an open
-- client, a file descriptor, a thread, a child process, a signal handler.
local cleanup = require "support.cleanup"
local process = require "support.process"
local waiting = require "support.waiting"

local guard = {}

-- Seconds for threads and sockets on their way out; libcurl 8.20 keeps one that looks names up for two.
local PATIENCE = 3

local clients = setmetatable({}, { __mode = "k" })
local wrapped = setmetatable({}, { __mode = "k" })

-- Remembers the clients that a module's `new` makes, without keeping them alive.
local function watch(module)
  if type(module) ~= "table" or type(module.new) ~= "function" or wrapped[module] then
    return
  end
  local new = module.new
  wrapped[module] = true
  module.new = function(...)
    local ok, client = pcall(new, ...) -- an error is told where the test called
    if not ok then
      error(client, 2)
    end
    clients[client] = true
    return client
  end
end

local function is_open(client)
  return not tostring(client):find(", closed)", 1, true)
end

local function close_open_clients()
  local count = 0
  for client in pairs(clients) do
    if is_open(client) then
      count = count + 1
      pcall(client.close, client)
    end
    clients[client] = nil
  end
  return count
end

-- Opened once by a library and kept, by design.
local function is_kept(target)
  return target:find "^/dev/" or target:find "^/etc/" or target:find "^/usr/" or target:find "^anon_inode:inotify"
end

local function new_fds(before)
  local found = {}
  for fd, target in pairs(process.fds()) do
    if before[fd] ~= target and not is_kept(target) then
      found[#found + 1] = ("%d (%s)"):format(fd, target)
    end
  end
  return found
end

local function new_children(before)
  local found = {}
  for _, pid in ipairs(process.children()) do
    if not before[pid] then
      found[#found + 1] = pid
    end
  end
  return found
end

local function end_children(pids)
  for _, pid in ipairs(pids) do
    process.kill(pid, "SIGKILL")
    process.wait(pid)
  end
end

local function snapshot()
  local state = { mark = cleanup.mark(), fds = process.fds(), threads = process.thread_count(), children = {} }
  for _, pid in ipairs(process.children()) do
    state.children[pid] = true
  end
  return state
end

-- What is there that `before` did not have, as a list of sentences. Stops or closes what it can.
local function leaks_since(before)
  local found = {}
  local function add(format, ...)
    found[#found + 1] = format:format(...)
  end
  local open = close_open_clients()
  if open > 0 then
    add("%d client(s) left open", open)
  end
  collectgarbage()
  collectgarbage()
  local orphans = new_children(before.children)
  if #orphans > 0 then
    add("child processes left behind: %s", table.concat(orphans, ", "))
    end_children(orphans)
  end
  if #new_fds(before.fds) > 0 and not pcall(waiting.wait_until, function()
    return #new_fds(before.fds) == 0
  end, PATIENCE) then
    add("file descriptors left open: %s", table.concat(new_fds(before.fds), ", "))
  end
  if process.thread_count() > before.threads and not pcall(waiting.wait_until, function()
    return process.thread_count() <= before.threads
  end, PATIENCE) then
    add("%d thread(s) left running", process.thread_count() - before.threads)
  end
  return found
end

-- To be called first in a describe. What before_each and setup start with the helper needs no after_each.
function guard.guard()
  local busted = require "busted"
  local outer, before

  busted.setup(function()
    outer = cleanup.mark()
  end)

  busted.before_each(function()
    watch(package.loaded["postevent"])
    for client in pairs(clients) do
      clients[client] = nil -- made in a setup: it is the describe's
    end
    before = snapshot()
  end)

  busted.after_each(function()
    local ok, message = pcall(cleanup.stop_all, before.mark)
    process.restore_signals()
    local found = leaks_since(before)
    if not ok then
      table.insert(found, 1, tostring(message))
    end
    if #found > 0 then
      error("the test left something behind: " .. table.concat(found, "; "), 0)
    end
  end)

  busted.teardown(function()
    cleanup.stop_all(outer)
  end)
end

return guard
