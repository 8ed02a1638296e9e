-- The second pass over a file: hands each record that was not answered to `track`, notes what became of it, and stops
-- where it must. Owns the way back from a ticket to a record.
--
-- That a record was answered is in the journal when its result is read here, and what is not in it was in flight at
-- most: that is what comes twice after a kill -9.

local notice = require("postevent.cli.import.notice")
local reading = require("postevent.cli.import.reading")
local system = require("postevent.native")("postevent.core").command

local Delivery = {}
Delivery.__index = Delivery

local delivery = {}

local DRAIN = 10 -- seconds that what is under way has after the first Ctrl-C
local HELD = 10 -- that a platform has which has answered nothing and holds the queue: a wrong password, a wrong address
local SYNC = 10 -- seconds between two times at which the journal is safe from a power cut
local WAITS = { 0.004, 0.1 } -- seconds between two looks at the results, when nothing more is to be handed over
local MOST_TICKETS = 8192 -- far more than are with the client at a time
local ADVICE = "put it back as it was and run the same command again, or begin anew with --restart"
local KEPT = { rejected = true, unknown = true } -- what has a reason, and is not sent again

-- job: source, args, plan, events, client (that sends), checker (that does not), journal, tally, progress, room,
-- patience (seconds without any answer after which it stops), limit and fingerprint (of the file, where it was read
-- before).
function delivery.new(job)
  local now = system.now()
  return setmetatable({
    job = job, client = job.client, journal = job.journal, tally = job.tally, numbers = {}, next_ticket = 1,
    waiting = 0, answered_at = now, synced_at = now,
  }, Delivery)
end

-- ---- answers ----

-- A result that is no delivery, or one that has come just now.
local function note(self, result)
  local number = self.numbers[result.ticket % MOST_TICKETS]
  local message = result.message and self.job.hide(result.message)
  self.tally:answered(result.outcome, 1, message)
  if not KEPT[result.outcome] then
    return -- it is sent again another day; or its line is all there
  end
  local noted, why = self.journal:note(number, result.outcome, result.event_id, result.code, message)
  self:stop_if(not noted and ("%s: %s"):format(self.journal.path, why))
end

-- Something was answered: what is on disk is made safe now and then.
local function keep(self)
  local why = self.journal:trouble()
  self.answered_at = system.now()
  if not why and self.answered_at - self.synced_at > SYNC then
    local _
    _, why = self.journal:sync()
    self.synced_at = self.answered_at
  end
  self:stop_if(why and ("%s: %s"):format(self.journal.path, why))
end

-- Reads what the client has to tell. Returns whether there was anything.
function Delivery:drain()
  local some = 0
  repeat
    local delivered, others = system.delivered(self.client), 0
    self.tally:answered("delivered", delivered)
    for result in self.client:results(1) do
      note(self, result)
      others = 1
    end
    some = some + delivered + others
  until others == 0
  self.waiting = self.waiting - some
  if some > 0 then
    keep(self)
  end
  self.job.progress:sent(self)
  return some > 0
end

-- ---- reasons to stop ----

-- `why`: a text, or false.
function Delivery:stop_if(why)
  self.why = self.why or why or nil
end

-- Whether no more is to be handed over.
local function must_stop(self)
  local silence = system.now() - self.answered_at
  if system.signals() > 0 then
    self:stop_if("interrupted")
  elseif self.waiting > 0 and silence > self.job.patience then
    self.is_hopeless = true
    self:stop_if(("no answer for %g seconds"):format(self.job.patience))
  elseif self.waiting > 0 and silence > HELD and self.tally.answers == 0 and self.client:stats().state == "held" then
    self.is_hopeless = true
    self:stop_if("the platform takes nothing")
  end
  return self.why ~= nil
end

-- ---- handing over ----

-- Returns whether the client has it.
local function track(self, number, event)
  self.journal:expect(self.next_ticket, number)
  repeat
    local ticket, message, code, detail = self.client:track(event)
    if ticket then
      assert(ticket == self.next_ticket, "a ticket was left out")
      self.next_ticket = ticket + 1
      self.numbers[ticket % MOST_TICKETS] = number
      self.waiting = self.waiting + 1
      return true
    elseif code ~= "queue_full" then
      self.tally:refused(detail.problems or { { message = message, rule = code } })
      return false
    end
    self:drain()
  until must_stop(self)
  return false
end

local function is_refused(self, reader, number, line, raw, problem)
  if problem then
    return { { message = problem } }
  end
  local event, wrong = self.job.events:read(reader, number, line, raw)
  return not event and wrong, event
end

-- One record. Returns whether to stop.
local function hand_over(self, reader, number, line, raw, problem)
  self.tally.read = self.tally.read + 1
  if self.journal:has(number) then
    self.tally.skipped = self.tally.skipped + 1
    return must_stop(self)
  end
  local wrong, event = is_refused(self, reader, number, line, raw, problem)
  if wrong then
    self.tally:refused(wrong)
    return must_stop(self)
  end
  local room, why = self.journal:reserve(self.waiting + 2)
  self:stop_if(not room and ("%s: %s"):format(self.journal.path, why))
  if self.why then
    return true
  end
  track(self, number, event)
  if self.waiting >= self.job.room then
    self.client:flush(WAITS[1]) -- for a while: to be woken for each place that gets free costs more than all the rest
    self:drain()
  end
  return must_stop(self)
end

-- Waits for the answers of what was handed over.
local function finish(self)
  local wait, until_when = WAITS[1], nil
  while self.waiting > 0 do
    local now = system.now()
    until_when = until_when or (must_stop(self) and now + DRAIN) or nil
    if self.is_hopeless or system.signals() > 1 or (until_when and now > until_when) then
      return
    end
    local has_ended = self.client:flush(wait)
    local some = self:drain()
    if has_ended and not some then
      return -- for want of memory a result may be lost; the journal has the answer
    end
    wait = some and WAITS[1] or math.min(2 * wait, WAITS[2])
  end
end

-- A stream has its rest once: what --failed is to have of it is kept, though nothing more is sent.
local function keep_rest(self, pass)
  if self.why and pass.copying then
    self.job.progress:clear()
    repeat until not pass:read()
  end
end

-- What of the file was not as it was before, or nil. One to whose end something was added is as it was.
local function find_change(self, pass)
  local source, before = self.job.source, self.job.fingerprint
  if pass.trouble then
    return ("%s: %s"):format(source.name, pass.trouble)
  elseif before and not self.why and not pass.interrupted and pass:fingerprint().hash ~= before.hash then
    return ("%s: it has changed while it was read"):format(source.name)
  end
end

local function warn_of_growth(job)
  if job.fingerprint and job.source:has_grown(job.fingerprint.size) then
    job.progress:clear()
    notice.say(job.args, "warning", ("%s has grown since it was checked; what was added is not sent"):format(
      job.source.name))
  end
end

-- Delivers. Returns why it stopped before the end, nil: it did not; and what is to be done, where that is not to run
-- the same command again.
function Delivery:run()
  local job = self.job
  local other = job.fingerprint and job.source:find_change(job.fingerprint)
  if other then
    return other, other ~= "interrupted" and ADVICE or nil
  end
  job.progress:begin(self.tally.answers)
  local pass, reader = reading.open(job.source, job.args, job.plan, job.again, job.fingerprint and job.fingerprint.size)
  reading.each(pass, reader, function(...)
    self.size = pass.size
    return hand_over(self, reader, ...)
  end)
  self:stop_if(pass.interrupted and "interrupted")
  keep_rest(self, pass)
  local changed = find_change(self, pass)
  self:stop_if(changed)
  pass:close()
  finish(self)
  self.client:close(0)
  self:drain()
  self.journal:sync()
  warn_of_growth(job)
  return self.why, changed and self.why == changed and ADVICE or nil
end

return delivery
