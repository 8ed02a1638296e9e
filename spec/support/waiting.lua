-- Waiting for a condition: the only place of the specs that sleeps; and measuring what others' work can only add to.
local process = require "support.process"

local waiting = {}

local STEP = 0.001
waiting.SLACK = 3 -- so much slower than the one on which a spec was written may a machine be

-- Calls `condition` until it returns something true, and returns that; long after `timeout` seconds (5) it raises an
-- error that says `what` did not happen.
function waiting.wait_until(condition, timeout, what)
  local deadline = process.now() + waiting.SLACK * (timeout or 5)
  while true do
    local value, extra = condition()
    if value then
      return value, extra
    end
    if process.now() > deadline then
      error("waited in vain for " .. (what or "a condition") .. (extra and ": " .. tostring(extra) or ""), 2)
    end
    process.sleep(STEP)
  end
end

-- The least seconds that `work` took: of five times, or of as many as ten seconds have where none was under `limit`
-- yet. What else the machine does only adds; what the work itself takes is in each.
function waiting.quickest(limit, work)
  local deadline, best, times = process.now() + 10, math.huge, 0
  repeat
    local begin = process.now()
    work()
    best, times = math.min(best, process.now() - begin), times + 1
  until times >= 5 and (best < limit or process.now() > deadline)
  return best
end

return waiting
