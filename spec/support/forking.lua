-- For scripts that a spec runs in a process of their own: forks of a program that has clients.
local process = require "support.process"
local tracking = require "support.tracking"

local forking = {}

local PATIENCE = 20 -- seconds: a child that takes longer hangs

-- How a child can end, once its work is done.
forking.endings = {
  at_once = function()
    process._exit(0)
  end,
  exit = function()
    os.exit(0)
  end,
  close_state = function()
    os.exit(0, true)
  end,
}

-- Runs `work` in a child, which then ends as `ending` says (at_once). Returns the child's id.
function forking.fork(work, ending)
  io.stdout:flush()
  local pid = assert(process.fork())
  if pid ~= 0 then
    return pid
  end
  local ok, message = xpcall(work, debug.traceback)
  if not ok then
    io.stderr:write("the child: ", tostring(message), "\n")
    process._exit(1)
  end
  forking.endings[ending or "at_once"]()
end

-- Waits for the end of a child, which must be a good one.
function forking.join(pid)
  local how, number = process.wait(pid, PATIENCE)
  if not how then
    process.kill(pid, "SIGKILL")
    process.wait(pid)
    error("the child hangs", 0)
  end
  assert(how == "exited" and number == 0, ("the child %s, %s"):format(how, tostring(number)))
end

-- Tracks events with the ids "<prefix>1" to "<prefix><count>".
function forking.track(client, prefix, count)
  for number = 1, count do
    assert(client:track { event_name = "e", external_event_id = prefix .. number })
  end
end

-- Closes a client, which must have delivered so many events of its process, and nothing else.
function forking.close(client, delivered)
  assert(client:close(10))
  local stats = tracking.assert_balanced(client:stats())
  assert(stats.delivered == delivered and stats.accepted == delivered,
    ("%d delivered of %d, not %d"):format(stats.delivered, stats.accepted, delivered))
end

-- Fails unless every number in `stats` is 0.
function forking.assert_nothing(stats, path)
  for name, value in pairs(stats) do
    local where = (path or "") .. name
    if type(value) == "table" then
      forking.assert_nothing(value, where .. ".")
    elseif name ~= "state" then
      assert(value == 0, ("%s is %s in the child"):format(where, tostring(value)))
    end
  end
  assert(path or stats.state == "idle", stats.state)
end

return forking
