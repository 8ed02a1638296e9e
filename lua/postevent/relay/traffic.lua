-- What all deliverers of a stream share about the platform: one rate, the silence that it asked one of them for, and
-- the hold, in which one of them probes. Each asks Redis now and then, and its client may do what that says.

local core = require("postevent.native")("postevent.core").redis
local scripts = require("postevent.relay.scripts")

local traffic = {}

local Traffic = {}
Traffic.__index = Traffic

local LOOK_EVERY, SOON, AT_ONCE = 1, 0.02, 0.005 -- seconds between two looks: usually, where it wants more, at most
local CROWDED = 1 / 10 -- where it will want more as soon as it has places: it keeps what it can use so long
local LEASE = 5 -- seconds that one of them probes, before it is another's turn
local OTHERS_FIRST = LEASE + 2 * LOOK_EVERY -- who had its turn lets two others have theirs first
local RECENTLY = 10 -- seconds: whom the platform has just taken an event from is not stopped by another's hold
local WINDOW = 0.05 -- seconds over which speed is measured, at least
local SHARES = 10 -- a second's attempts are given in so many parts: nobody keeps what others could use

-- `clock` is told when one of them was held. `rate`: attempts a second of all of them; 0: no limit. `width`: how many
-- the client makes at a time. The client has started, and has nothing yet.
function traffic.new(client, member, clock, rate, width, log)
  if rate > 0 then
    core.allow(client, 0)
  end
  return setmetatable({ client = client, member = member, clock = clock, rate = rate, width = width, log = log,
    attempts = 0, counted_at = 0, speed = 0, looked_at = 0, next_look = 0, turn_ends = -math.huge, delivered = 0,
    delivered_at = -math.huge, share = math.max(1, math.floor(rate / SHARES)) }, Traffic)
end

-- How fast it is, in attempts a second.
local function note_speed(self, stats, now)
  local seconds = now - self.counted_at
  if seconds >= WINDOW then
    self.speed = (stats.attempts - self.attempts) / seconds
    self.attempts, self.counted_at = stats.attempts, now
  end
end

-- How many attempts more it could use soon: it has free places, and others become free as fast as of late. What it kept
-- beyond that while the platform stalls would all begin when that is over.
local function wanted(self, stats)
  if self.rate == 0 then
    return 0
  end
  local places = self.width - stats.in_flight + math.floor(self.speed / SHARES)
  local most, has = math.min(stats.pending - stats.in_flight, self.share), core.allow(self.client, 0)
  self.is_crowded = places < most
  return math.max(0, math.min(most, places) - has)
end

local function has_delivered_lately(self, stats, now)
  if stats.delivered > self.delivered then
    self.delivered, self.delivered_at = stats.delivered, now
  end
  return now - self.delivered_at < RECENTLY
end

-- Why this one is to be silent; nil: it is not. `gate` and `prober`: what Redis says.
local function reason_for_silence(self, gate, prober, is_lucky)
  if gate > 0 then
    return "the platform has asked a deliverer for silence"
  elseif prober ~= "" and prober ~= self.member.name and not is_lucky then
    return ("%s probes, and all wait for it: the platform refuses credentials or address"):format(prober)
  end
end

local function be_silent(self, why)
  if (why == nil) ~= (self.why == nil) then
    core.silence(self.client, why ~= nil)
  end
  if why ~= self.why then
    self.log(why and "warn" or "info", why or "goes on")
  end
  self.why = why
end

-- Whether it asks for the turn to probe. Its own looks come as often as its turns end: it would have each of them.
local function would_probe(self, stats, is_lucky, now)
  local has_had_it = now >= self.turn_ends and now < self.turn_ends + OTHERS_FIRST
  return (stats.state == "held" or self.holds and not is_lucky) and not has_had_it
end

local function note_turn(self, prober, now)
  if prober == self.member.name and now >= self.turn_ends then
    self.turn_ends = now + LEASE
  end
end

-- How long until the next look. `again`: when Redis will have more to give, in milliseconds.
local function delay_of(self, wants, gate, again)
  if self.why then
    return gate > 0 and math.min(gate / 1000, LOOK_EVERY) or LOOK_EVERY
  elseif again > 0 then
    return math.min(again / 1000, LOOK_EVERY)
  end
  return wants > 0 and SOON or self.is_crowded and CROWDED or LOOK_EVERY
end

-- One look, where it is time for it. Returns true; or nil, a message and a code: Redis did not answer. Afterwards `why`
-- says why it is silent, nil where it is not; `holds`, whether it is held, waits for one that is, or has the turn and
-- has delivered nothing yet.
function Traffic:step()
  local now = core.now()
  if now < self.next_look then
    return true
  end
  local stats = self.client:stats()
  note_speed(self, stats, now)
  local is_lucky, wants, keys = has_delivered_lately(self, stats, now), wanted(self, stats), self.member.keys
  self.looked_at, self.next_look = now, now + LOOK_EVERY
  local reply, message, code = self.member:run(scripts.share, 4, keys.rate, keys.gate, keys.hold,
    keys.held, self.member.name, self.rate, self.share, wants, math.ceil(core.gate(self.client) * 1000),
    would_probe(self, stats, is_lucky, now) and 1 or 0, is_lucky and 1 or 0, LEASE * 1000)
  if not reply then
    return nil, message, code
  end
  local granted, gate, prober, again = reply[1], reply[2], reply[3], reply[4]
  self.clock:note_holds(reply[5])
  note_turn(self, prober, now)
  be_silent(self, reason_for_silence(self, gate, prober, is_lucky))
  self.holds = stats.state == "held" or gate == 0 and prober ~= "" and not is_lucky
  if granted > 0 then
    core.allow(self.client, granted)
  end
  self.next_look = now + delay_of(self, wants, gate, again)
  return true
end

-- Events were handed to the client: with a rate, they want to be let through.
function Traffic:hurry()
  if self.rate > 0 and not self.why then
    self.next_look = math.min(self.next_look, self.looked_at + AT_ONCE)
  end
end

return traffic
