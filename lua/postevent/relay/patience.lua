-- How a deliverer bears with a Redis that is away: the log is told once, and what needs it waits a little, each time
-- longer.

local core = require("postevent.native")("postevent.core").redis

local patience = {}

local Patience = {}
Patience.__index = Patience

local FIRST, LAST = 0.1, 5 -- seconds between two tries

-- log(level, message). `next_try`: when it is worth to try again, on the monotonic clock.
function patience.new(log)
  return setmetatable({ log = log, next_try = 0, interval = FIRST }, Patience)
end

function Patience:fail(message)
  if message ~= self.trouble then
    self.log("warn", message)
  end
  self.trouble = message
  self.next_try = core.now() + self.interval * (0.5 + math.random() / 2)
  self.interval = math.min(self.interval * 2, LAST)
end

function Patience:succeed()
  if self.trouble then
    self.log("info", "Redis answers again")
  end
  self.trouble, self.interval = nil, FIRST
end

-- The result of a call, of which nil is a failure; returns it.
function Patience:noted(result, message)
  if result == nil then
    self:fail(message)
  else
    self:succeed()
  end
  return result
end

-- Whether it is time to try.
function Patience:over()
  return core.now() >= self.next_try
end

return patience
