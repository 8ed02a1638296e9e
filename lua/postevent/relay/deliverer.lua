-- Delivers what is in a stream of Redis: reads as a member of a group, hands events to a client, and tells Redis of an
-- entry when its event has its outcome, never before. A loop of one thread; the client's own does the posting.

local core = require("postevent.native")("postevent.core").redis
local clock = require("postevent.relay.clock")
local holding = require("postevent.relay.holding")
local member = require("postevent.relay.member")
local outcomes = require("postevent.relay.outcomes")
local page = require("postevent.relay.page")
local patience = require("postevent.relay.patience")
local traffic = require("postevent.relay.traffic")

local deliverer = {}

local Deliverer = {}
Deliverer.__index = Deliverer

local BLOCK = 5 -- seconds that a read waits in Redis
local NAP = 0.001 -- seconds between two looks whether there are many outcomes
local SWEEP_EVERY = 600
local FOR_READING = 0.75 -- of what may be in hand; the rest is for what others have left

-- deliverer.new(client, options) -> a deliverer that hands events to the client, which has room for `most` of them and
-- keeps all their results. options: those of member.new; most; width, how many it posts at a time; rate (of all
-- deliverers together, attempts a second); log(level, message); listener, for its metrics, or nil.
function deliverer.new(client, options)
  local self = setmetatable({
    client = client, most = options.most, log = options.log, listener = options.listener,
    member = member.new(options),
    link = assert(core.open(options.url, options.connect_timeout, options.timeout + BLOCK, options.files)),
    by_ticket = {}, -- what the client has
    later = {}, -- what it has no memory for yet
    asked = 0, -- for so many entries
    step = "off", -- of the link: "off", "open", "asked"
    history = "0", -- what an earlier life of that name has left is read first: behind that entry; nil: all of it was
    patience = patience.new(options.log), look_every = options.claim_after / 4,
    next_look = 0, next_sweep = 0, next_tell = 0,
    returned = {}, -- what goes back to the group, and Redis was not told of yet
    counts = { read = 0, claimed = 0, delivered = 0, rejected = 0, expired = 0, unknown = 0, taken = 0 },
  }, Deliverer)
  self.clock = clock.new(self.member)
  assert(client:start())
  self.traffic = traffic.new(client, self.member, self.clock, options.rate, options.width,
    options.log)
  return self
end

-- ---- handing over ----

local function hand_over_one(self, entry)
  if not entry.body then
    self.member:finish(entry, { outcome = "rejected", code = "invalid_event",
      message = "the entry of the stream has no body" })
    return true
  end
  local ticket = core.hand_over(self.client, entry.body, entry.id or "", entry.name or "",
    math.min(self.clock:age_of(entry), 3e7))
  if ticket then
    self.by_ticket[ticket] = entry
    entry.body = nil -- the client has its copy
  end
  return ticket ~= nil
end

-- What the client has no memory for is handed over the next time.
local function hand_over(self, entries)
  local later = {}
  for _, entry in ipairs(entries) do
    if not hand_over_one(self, entry) then
      later[#later + 1] = entry
    end
  end
  self.later = later
  if entries[1] then
    self.traffic:hurry()
  end
end

-- The entries that were not handed over yet, and these.
local function with_later(self, entries)
  for _, entry in ipairs(entries) do
    self.later[#self.later + 1] = entry
  end
  return self.later
end

-- How many entries more may be in hand, up to a limit; what was asked for may come at any moment.
local function room(self, limit)
  return math.min(limit, holding.most(self)) - self.member.count - self.asked
end

-- ---- reading ----

local function open_link(self)
  self.clock:set()
  self.link:open()
  self.step = "open"
  self.history = "0"
end

-- Entries, as Redis answers to a read; false where it waited in vain.
local function take_read(self, reply)
  local list = reply and reply[1][2] or {}
  local taken = self.member:take(list)
  if self.history then
    self.history = list[1] and list[#list][1]
  end
  self.counts.read = self.counts.read + #taken
  hand_over(self, with_later(self, taken))
end

local function take_error(self, words)
  local message = self.link:explain("XREADGROUP", words)
  self.link:close()
  self.step, self.asked = "off", 0
  if not (words:find("^NOGROUP") or words:find("^UNBLOCKED")) then -- the latter while the read waits
    self.patience:fail(message)
  elseif self.patience:noted(self.member:join()) then
    self.log("warn", "the stream, or its group, was gone: Redis has forgotten it")
  end
end

-- Returns whether there was an answer.
local function answer(self)
  local good, reply = self.link:next()
  if good == nil then
    return false
  end
  self.step, self.asked = "open", 0
  if good then
    self.patience:succeed()
    take_read(self, reply)
  else
    take_error(self, reply)
  end
  return true
end

-- How many entries to ask for: a few places are not worth it, but to one that is held, which looks now and then for
-- something to probe with.
local function wanted_of(self)
  local wanted = room(self, math.ceil(self.most * FOR_READING))
  if self.traffic.holds then
    return holding.may_look(self) and wanted or 0
  end
  return wanted * 4 >= self.most and wanted or 0
end

-- Returns whether it asked. For what an earlier life has left there is no waiting, and a read that waits would bring
-- more to one that is held.
local function ask(self)
  if self.link:state() ~= "ready" or self.step ~= "open" or not self.patience:over() then
    return false
  end
  local wanted = wanted_of(self)
  if wanted > 0 then
    local block = (self.history or self.traffic.holds) and 1 or BLOCK * 1000
    if self.link:send(self.member:read_words(wanted, block, self.history)) then
      self.step, self.asked = "asked", wanted
    end
  end
  return self.step == "asked"
end

local function note_break(self)
  local state, message = self.link:state()
  if state == "off" and self.step ~= "off" then
    self.step, self.asked = "off", 0
    self.patience:fail(message or "Redis closed the connection")
  end
end

-- What was answered already is read before anything is waited for: no descriptor tells of it.
local function read(self)
  if self.step == "off" and self.patience:over() and self.patience:noted(self.member:join())
    and self.patience:noted(self.traffic:step()) then -- it knows of a hold before it reads
    open_link(self)
  end
  local is_idle = false
  while self.step ~= "off" and not is_idle do
    self.link:run()
    is_idle = self.step == "asked" and not answer(self)
    note_break(self)
    is_idle = is_idle or not ask(self)
  end
end

-- ---- looking after what is in hand, here and elsewhere ----

local function claim(self)
  while room(self, self.most) > 0 do
    local taken = self.patience:noted(self.member:claim(room(self, self.most)))
    if not taken then
      return
    end
    self.counts.claimed = self.counts.claimed + #taken
    hand_over(self, with_later(self, taken))
    if self.member.cursor == "0-0" then
      return
    end
  end
end

local function look_after(self)
  local now = core.now()
  if self.step == "off" or now < self.next_look or not self.patience:over() then
    return
  end
  self.next_look = now + self.look_every
  self.clock:set()
  local lost = self.patience:noted(self.member:refresh())
  if lost and lost > 0 then
    local words = lost == 1 and "1 event that was in hand for too long is" or "%d events in hand for too long are"
    self.log("warn", words:format(lost) .. " another deliverer's now, or gone from Redis")
  end
  if lost then -- or all that others have would seem to be in nobody's hand
    claim(self)
  end
  if now >= self.next_sweep then
    self.next_sweep = now + SWEEP_EVERY
    self.member:sweep()
  end
end

-- ---- the loop ----

-- Until when there is nothing to do by itself.
local function rest_for(self)
  local now = core.now()
  local due = math.max(math.min(self.next_look, self.traffic.next_look), self.patience.next_try)
  if self.step == "off" then
    due = math.min(due, self.patience.next_try)
  end
  if self.member:has_news() then
    due = math.min(due, math.max(self.patience.next_try, self.next_tell))
  end
  return math.max(0.001, math.min(due - now, BLOCK))
end

-- Outcomes wake it only when Redis may be told of them: each by itself would cost Redis more than all else.
local function wait(self)
  local rest, gathering = rest_for(self), self.next_tell - core.now()
  if gathering > 0 then
    local may_be_many = self.member.count * outcomes.MANY >= self.most
    core.wait(math.min(rest, gathering, may_be_many and NAP or gathering), self.link, self.listener)
  else
    core.wait(rest, self.client, self.link, self.listener)
  end
end

-- Who asks for the metrics is answered.
local function answer_visitors(self)
  if self.listener and self.listener:run() then
    local stream = self.patience:over() and self.member:survey() or nil
    self.listener:answer(page(self.client:stats(), self.counts, self.member.count, stream))
  end
end

-- What all deliverers share about the platform.
local function share(self)
  if self.step ~= "off" and self.patience:over() then
    self.patience:noted(self.traffic:step())
  end
end

-- One round: everything that can be done now; then it sleeps until there is more.
function Deliverer:step_once()
  outcomes.take(self)
  outcomes.tell(self)
  hand_over(self, self.later)
  read(self)
  share(self)
  holding.step(self)
  look_after(self)
  answer_visitors(self)
  wait(self)
end

-- Lets what is being posted end, at most `seconds`; the rest goes back to the group, for which a silent Redis has a
-- moment more. Returns how many that were; or nil, and why Redis could not be told.
function Deliverer:stop(seconds)
  local deadline = core.now() + seconds
  self.member.redis:end_within(seconds)
  self.link:close()
  self.step = "off"
  self.client:set_mode("off") -- what is not in flight stays
  while self.client:stats().in_flight > 0 and core.now() < deadline do
    core.wait(math.min(0.1, deadline - core.now()), self.client)
    outcomes.take(self)
    outcomes.tell(self)
  end
  self.client:close(0)
  outcomes.take(self)
  self.patience.next_try, self.next_tell = 0, 0
  outcomes.tell(self)
  return self.member:leave()
end

return deliverer
