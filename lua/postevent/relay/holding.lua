-- What a deliverer keeps while it can deliver nothing: where credentials or the address are refused, one event, to
-- probe with; the others go back to the group, for those whose password is right. The hold itself is traffic's.

local core = require("postevent.native")("postevent.core").redis
local outcomes = require("postevent.relay.outcomes")

local holding = {}

local PROBES = 1 -- events that one has in hand while it is held
local LOOK_EVERY = 1 -- seconds between two looks for one

-- How many entries a deliverer may have in hand. While the platform wants silence from all of them it keeps what it
-- has, since nobody else could deliver it, and reads no more.
function holding.most(self)
  if self.traffic.holds then
    return PROBES
  end
  return self.traffic.why and 0 or math.huge
end

-- Whether one that is held looks for something to probe with, and notes that it does.
function holding.may_look(self)
  local now = core.now()
  if self.member.count >= PROBES or now < (self.next_probe or 0) then
    return false
  end
  self.next_probe = now + LOOK_EVERY
  return true
end

-- Takes back what was handed to the client, or was to be: what it posts at the moment comes back as that ends.
local function take_back(self)
  for _, entry in ipairs(self.later) do
    self.returned[#self.returned + 1] = entry
  end
  self.later = {}
  self.client:set_mode("live", "drop")
  outcomes.take(self)
end

local function tell_returned(self)
  if self.returned[1] and self.step ~= "off" and not outcomes.is_reading_back(self) and self.patience:over()
    and self.patience:noted(self.member:give_back(self.returned)) then
    self.returned = {}
  end
end

-- One round. What others have given back is looked for as soon as the hold ends.
function holding.step(self)
  local holds = self.traffic.holds
  if holds and self.member.count - #self.returned > PROBES then
    take_back(self)
  elseif self.was_held and not holds then
    self.next_look = 0
  end
  self.was_held = holds
  tell_returned(self)
end

return holding
