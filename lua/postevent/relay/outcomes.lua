-- What became of a deliverer's events: from the results of its client to what Redis is told.

local core = require("postevent.native")("postevent.core").redis

local outcomes = { MANY = 8 } -- an eighth of what may be in hand is told at once

local GATHER = 0.005 -- seconds in which fewer are gathered: what Redis does for one outcome it does for many
local DELIVERED = { outcome = "delivered" }

local function note_end(self)
  return function(entry, is_ours)
    local name = is_ours and entry.ending.outcome or "taken"
    self.counts[name] = self.counts[name] + 1
  end
end

-- Most results say that all went well, and a table of each would cost more than all else that is done for them.
local function take_delivered(self)
  local ticket = core.next_delivered(self.client)
  while ticket do
    local entry = self.by_ticket[ticket]
    self.by_ticket[ticket] = nil
    if entry then
      self.member:finish(entry, DELIVERED)
    end
    ticket = core.next_delivered(self.client)
  end
end

-- Takes what the client has to say since the last time. What it has dropped, for us, goes back to the group.
function outcomes.take(self)
  take_delivered(self)
  for result in self.client:results() do
    local entry = self.by_ticket[result.ticket]
    self.by_ticket[result.ticket] = nil
    if entry and result.outcome == "dropped" then
      self.returned[#self.returned + 1] = entry
    elseif entry then
      local reply = result.reply and result.reply.status.message
      self.member:finish(entry, { outcome = result.outcome, code = result.code, message = result.message,
        http_status = result.http_status, reply = reply })
    end
    take_delivered(self)
  end
end

local function say_taken(log, count)
  local words = count == 1 and "1 event ended here that is another deliverer's by now, or gone from Redis: it is "
    or "%d events ended here that are another deliverer's by now, or gone from Redis: they are "
  log("warn", words:format(count) .. "not counted, and may have been posted twice")
end

--- Whether what is in hand is being read: an entry that Redis forgets meanwhile would come as a new one.
function outcomes.is_reading_back(self)
  return self.history ~= nil and self.step == "asked"
end

-- Tells Redis of it, where that is there, and the log of what was another's by then.
function outcomes.tell(self)
  if outcomes.is_reading_back(self) then
    return
  end
  local before, now = self.counts.taken, core.now()
  local is_time = now >= self.next_tell or #self.member.delivered * outcomes.MANY >= self.most
  if is_time and self.member:has_news() and self.patience:over() then
    self.next_tell = now + GATHER
    self.patience:noted(self.member:tell(note_end(self)))
  end
  if self.counts.taken > before then
    say_taken(self.log, self.counts.taken - before)
  end
end

return outcomes
