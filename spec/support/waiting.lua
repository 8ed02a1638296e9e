-- Waiting for a condition: the only place of the specs that sleeps.
local process = require "support.process"

local waiting = {}

local STEP = 0.001

-- Calls `condition` until it returns something true, and returns that; after `timeout` seconds (5) it raises an error
-- that says `what` did not happen.
function waiting.wait_until(condition, timeout, what)
  local deadline = process.now() + (timeout or 5)
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

return waiting
