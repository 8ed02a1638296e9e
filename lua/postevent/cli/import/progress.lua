-- What is seen while an import runs, on stderr: on a terminal one line that stays, elsewhere a line every ten seconds,
-- for people or for programs. Nothing here is needed for the import to go on: what cannot be written is not.

local bar = require("postevent.cli.import.bar")
local findings = require("postevent.cli.import.findings")
local output = require("postevent.cli.output")
local system = require("postevent.native")("postevent.core").command

local Progress = {}
Progress.__index = Progress

local progress = {}

local STDERR = 2
local OFTEN, SELDOM = 0.1, 10 -- seconds between two lines, on a terminal and elsewhere
local LOOKS = 32 -- records between two looks at the clock
local DEFAULT_COLUMNS = 80
local MEMORY = 5 -- seconds over which a rate is taken

-- args: quiet, log ("json" or "text"). `trouble`: a function that says what stands in the way, or nil; it wants to know
-- when there was the last answer.
function progress.new(args, trouble)
  local is_terminal = system.is_terminal(STDERR) and os.getenv("TERM") ~= "dumb" and args.log ~= "json"
  return setmetatable({
    quiet = args.quiet, json = args.log == "json", is_terminal = is_terminal, trouble = trouble,
    has_colour = is_terminal and (os.getenv("NO_COLOR") or "") == "",
    interval = is_terminal and OFTEN or SELDOM, next_at = system.now() + (is_terminal and 0 or SELDOM),
    looks = 0, drawn = 0,
  }, Progress)
end

-- ---- rate ----

-- A file begins to be checked, or to be sent: rates are taken anew.
function Progress:begin(done)
  self.samples = { { at = system.now(), done = done } }
end

-- Per second, over the last seconds.
local function rate_of(self, now, done)
  local samples = self.samples
  samples[#samples + 1] = { at = now, done = done }
  while samples[3] and now - samples[2].at > MEMORY do
    table.remove(samples, 1)
  end
  local first = samples[1]
  return now > first.at and (done - first.done) / (now - first.at) or 0
end

-- ---- the line that stays ----

-- How many columns there are now: the terminal may have been resized since the last line.
local function columns_of()
  local columns = system.columns(STDERR)
  return (columns > 0 and columns or DEFAULT_COLUMNS) - 1 -- in the last one a terminal may wrap already
end

-- A terminal may be narrower already than it says: what is too long for it must not wrap (DECAWM).
local NO_WRAP, WRAP = "\27[?7l", "\27[?7h"

-- Goes to the beginning of what was drawn; a terminal that has become narrower has wrapped it.
local function go_back(self, columns)
  local rows = math.ceil(self.drawn / (columns + 1)) - 1
  return rows > 0 and ("\27[%dA\r\27[J"):format(rows) or "\r"
end

local function draw(self, facts)
  local columns = columns_of()
  local line, used = bar.line(facts, columns, self.has_colour)
  io.stderr:write(go_back(self, columns) .. NO_WRAP .. line .. "\27[K" .. WRAP) -- in one piece: it must not flicker
  self.drawn = used
end

-- Takes the line away: something else is to be written.
function Progress:clear()
  if self.drawn > 0 then
    io.stderr:write(go_back(self, columns_of()) .. "\27[K")
    self.drawn = 0
  end
end

-- ---- lines one below the other ----

local function grouped(number)
  return findings.grouped(number)
end

local function plain_line(facts)
  local parts = { facts.phase, facts.total and ("%s of %s lines"):format(grouped(facts.done), grouped(facts.total))
    or grouped(facts.done) .. " lines", grouped(facts.rate) .. "/s" }
  if facts.delivered then
    parts[#parts + 1] = ("%s delivered, %s rejected, %s waiting"):format(grouped(facts.delivered),
      grouped(facts.rejected), grouped(facts.waiting))
  else
    parts[#parts + 1] = grouped(facts.bad) .. " with problems"
  end
  parts[#parts + 1] = facts.left and bar.time(facts.left) .. " left" or nil
  parts[#parts + 1] = facts.trouble and output.printable(facts.trouble) or nil
  return "postevent: " .. table.concat(parts, ", ")
end

local function whole(number)
  return number and math.floor(number + 0.5)
end

local function json_line(facts)
  return output.to_json {
    { "phase", facts.phase }, { "done", facts.done }, { "total", facts.total }, { "rate", whole(facts.rate) },
    { "delivered", facts.delivered }, { "rejected", facts.rejected }, { "waiting", facts.waiting },
    { "with_problems", facts.bad }, { "seconds_left", whole(facts.left) }, { "trouble", facts.trouble },
  }
end

-- ---- when ----

-- Whether it is time for a line. Asks the clock now and then only, unless `now` is known.
local function is_due(self)
  self.looks = self.looks + 1
  return not self.quiet and self.looks % LOOKS == 0
end

local function tell(self, now, facts)
  facts.rate = rate_of(self, now, facts.made)
  if facts.share and facts.share > 0 and facts.rate > 0 then
    facts.left = facts.total and (facts.total - facts.done) / facts.rate
      or facts.done * (1 / facts.share - 1) / facts.rate
  end
  facts.trouble = facts.answered_at and self.trouble(facts.answered_at) or nil
  if self.is_terminal then
    draw(self, facts)
  else
    io.stderr:write(self.json and json_line(facts) or plain_line(facts), "\n")
  end
  self.next_at = now + self.interval
end

-- A record was checked. `bytes` of `size` (nil: not known) were read.
function Progress:checked(bytes, size, records, bad)
  if not is_due(self) then
    return
  end
  local now = system.now()
  if now >= self.next_at then
    tell(self, now, { phase = "checking", done = records, made = records, bad = bad,
      share = size and bytes / math.max(size, 1) })
  end
end

-- Answers were read, or waited for. `delivery`: its tally, waiting, size and job.
function Progress:sent(delivery)
  local now = not self.quiet and system.now()
  if not now or now < self.next_at then
    return
  end
  local tally, source = delivery.tally, delivery.job.source
  local done = tally.read - delivery.waiting
  tell(self, now, {
    phase = "sending", done = done, made = tally.answers, total = tally.total, delivered = tally:count("delivered"),
    rejected = tally:count("rejected"), waiting = delivery.waiting, answered_at = delivery.answered_at,
    share = tally.total and done / math.max(tally.total, 1)
      or source.size and (delivery.size or 0) / math.max(source.size, 1) or nil,
  })
end

return progress
