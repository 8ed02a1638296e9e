-- A program of `make chaos`: program.lua SEED URL LOG. Calls everything that a client has, at random, for a moment, and
-- writes a line of JSON for each thing that it was told. What is right is for oracle.lua to say.
local cjson = require "cjson"
local postevent = require "postevent"
local process = require "support.process"

local seed, url, log_path = tonumber(arg[1]), arg[2], arg[3]
local LIFE = 1.5 -- seconds

math.randomseed(seed)
local random = math.random
local log = assert(io.open(log_path, "a"))
local events = 0

local function say(record)
  log:write(cjson.encode(record), "\n")
  log:flush()
end

local function one_of(...)
  return (select(random(select("#", ...)), ...))
end

local function chance(share)
  return random() < share
end

-- ---- clients ----

local function new_options()
  local overflow = one_of("reject", "drop_oldest", "wait")
  return {
    url = url, authorization = "Basic Y2hhb3M6c2VjcmV0", id_attribute = "external_event_id", log = false,
    timeout = one_of(0.2, 0.4), connect_timeout = 0.4, attempts = one_of(1, 2, 3), max_in_flight = one_of(1, 3, 16),
    results = 100000, max_event_bytes = 4096,
    retry = {
      initial = 0.005, max = one_of(0.01, 0.1), max_age = one_of(0.3, 1, 60), ambiguous = chance(0.7),
    },
    queue = { max_events = one_of(1, 5, 1000), overflow = overflow, wait = overflow == "wait" and 0.05 or nil },
    spool = chance(0.3) and {
      path = log_path .. ".spool", wait = chance(0.5), max_age = one_of(0.3, 1, 60),
    } or nil,
    rate_limit = chance(0.2) and { per_second = 500 } or nil,
    common = chance(0.2) and { shop = "s" } or nil,
    before_send = chance(0.2) and function(event)
      if chance(0.1) then
        return nil
      end
      event.seen = true
      return event
    end or nil,
  }
end

local count = 0
local Program = {}
Program.__index = Program

local function new_program()
  local options = new_options()
  count = count + 1
  local self = setmetatable({ number = count, client = postevent.new(options) }, Program)
  self:say("new", {
    max_age = (options.spool or options.retry).max_age, ambiguous = options.retry.ambiguous,
    overflow = options.queue.overflow,
    spools = options.spool ~= nil,
  })
  return self
end

function Program:say(what, fields)
  fields.what, fields.client = what, self.number
  say(fields)
end

local function new_event()
  events = events + 1
  local event = { event_name = one_of("be_reserved", "e"), external_event_id = ("%d-%d"):format(seed, events) }
  if chance(0.1) then
    event.note = ("x"):rep(random(3000))
  elseif chance(0.05) then
    event.wrong = one_of(0 / 0, "\255", print)
  elseif chance(0.02) then
    event.note = ("x"):rep(5000) -- longer than it may be
  end
  return event
end

-- ---- what it does ----

local acts = {}

function acts.track(self)
  for _ = 1, random(5) do
    local event = new_event()
    local ticket, _, code, detail = self.client:track(event)
    if ticket and ticket > 0 then
      self:say("accepted", { id = event.external_event_id, ticket = ticket })
    elseif not ticket then
      self:say("refused", { id = event.external_event_id, code = code, sent = detail.sent })
    end
  end
end

function acts.post(self)
  local event = new_event()
  local reply, _, code, detail = self.client:post(event)
  detail = detail or {}
  self:say("posted", {
    id = event.external_event_id, code = code, sent = detail.sent, attempts = (reply or detail).attempts,
    off = self.off,
  })
end

function acts.encode(self)
  self.client:encode(new_event())
end

function acts.stats(self)
  self:say("stats", { stats = self.client:stats() })
end

-- Returns how many there were.
local function read_results(self, most)
  local read = 0
  for result in self.client:results(most) do
    read = read + 1
    self:say("result", {
      ticket = result.ticket, restored = result.restored, id = result.event_id, outcome = result.outcome,
      code = result.code, attempts = result.attempts, latency = result.latency,
    })
  end
  return read
end

function acts.results(self)
  read_results(self, chance(0.5) and random(10) or nil)
end

function acts.metrics(self)
  self.client:metrics()
end

function acts.flush(self)
  self.client:flush(random() * 0.05)
end

function acts.credentials(self)
  self.client:set_authorization(one_of("Basic bmV3", "Bearer token-of-chaos"))
end

function acts.common(self)
  self.client:set_common(one_of({ shop = "t" }, nil))
end

function acts.mode(self)
  local pending = one_of("keep", "send", "drop")
  self.client:set_mode("off", pending)
  self.off = true
  if pending == "drop" then
    self:say("withdrawn", {})
  end
  acts.stats(self)
  if chance(0.9) then
    self.client:set_mode "live"
    self.off = nil
  end
end

function acts.collect()
  collectgarbage()
end

function acts.coroutine(self)
  coroutine.wrap(function()
    acts.track(self)
    acts.results(self)
  end)()
end

function acts.sleep()
  process.sleep(random() * 0.01)
end

-- A child begins with nothing, and is gone without a word.
function acts.fork(self)
  local pid = process.fork()
  if pid ~= 0 then
    return process.wait(pid, 10)
  end
  local fields = self.client:stats()
  if fields.pending ~= 0 or fields.calls ~= 0 then
    self:say("wrong", { words = "a forked child begins with its parent's events" })
  end
  local event = { event_name = "e", external_event_id = ("%d-child-%d"):format(seed, process.getpid()) }
  self:say("child", { id = event.external_event_id }) -- its spool, if it has one, is adopted later
  self.client:track(event)
  self.client:flush(0.1)
  process._exit(0)
end

local WEIGHTS = {
  track = 30, post = 4, encode = 2, stats = 8, results = 8, metrics = 1, flush = 4, credentials = 1, common = 1,
  mode = 1, collect = 1, coroutine = 2, sleep = 8, fork = 0.3,
}

local names, total = {}, 0
for name, weight in pairs(WEIGHTS) do
  names[#names + 1], total = name, total + weight
end
table.sort(names)

local function draw()
  local left = random() * total
  for _, name in ipairs(names) do
    left = left - WEIGHTS[name]
    if left <= 0 then
      return acts[name]
    end
  end
  return acts.track
end

-- All that it is still told, and then no more.
function Program:finish()
  self.client:close(random() * 0.3)
  self:say("close", {})
  repeat until read_results(self) == 0
  self:say("last", { stats = self.client:stats() })
  local event = new_event()
  local ticket, _, code, detail = self.client:track(event)
  if not ticket then
    self:say("refused", { id = event.external_event_id, code = code, sent = detail.sent })
  end
end

local programs = { new_program() }
local start = process.now()
while process.now() - start < LIFE do
  local which = random(#programs)
  draw()(programs[which])
  if chance(0.002) and #programs < 4 then
    programs[#programs + 1] = new_program()
  elseif chance(0.001) and #programs > 1 then
    table.remove(programs, which):finish()
  elseif chance(0.0005) and #programs > 1 then
    table.remove(programs, which):say("dropped", {}) -- left to the collector
  end
end
for _, program in ipairs(programs) do
  program:finish()
end
say { what = "end" }
