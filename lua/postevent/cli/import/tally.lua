-- What became of the records of an import, counted: those of this run, and what the journals have of runs before.

local findings = require("postevent.cli.import.findings")
local output = require("postevent.cli.output")

local Tally = {}
Tally.__index = Tally

local tally = {}

local MOST_REASONS = 30
local ANSWERS = { "delivered", "rejected", "unknown" } -- after which nothing is sent again

-- read: records that were looked at; skipped: those of them that had an answer; answers: how many came in this run;
-- total: how many records there are, nil: not known.
function tally.new()
  return setmetatable({
    read = 0, skipped = 0, answers = 0, total = nil, refusals = 0,
    now = {}, before = {}, -- records by outcome
    reasons = {}, list = {}, -- why records did not arrive: their number, and their order
  }, Tally)
end

local function count_reason(self, reason, number)
  if not self.reasons[reason] and #self.list >= MOST_REASONS then
    reason = "other reasons"
  end
  if not self.reasons[reason] then
    self.list[#self.list + 1] = reason
  end
  self.reasons[reason] = (self.reasons[reason] or 0) + number
end

-- Takes over what a journal has from runs before.
function Tally:add_before(journal)
  for outcome, number in next, journal.counts do
    self.before[outcome] = (self.before[outcome] or 0) + number
  end
  for reason, number in next, journal.reasons do
    count_reason(self, reason, number)
  end
end

-- So many records whose events got this outcome. `message`: why they did not arrive.
function Tally:answered(outcome, number, message)
  self.answers = self.answers + number
  self.now[outcome] = (self.now[outcome] or 0) + number
  if outcome ~= "delivered" then
    count_reason(self, message or outcome, number)
  end
end

-- A record that cannot be sent: a list of problems, or one text.
function Tally:refused(wrong)
  self.refusals = self.refusals + 1
  count_reason(self, "not valid: " .. (type(wrong) == "string" and wrong:gsub("^line %d+, column %d+: ", "")
    or wrong[1].message), 1)
end

-- Of all runs.
function Tally:count(outcome)
  return (self.now[outcome] or 0) + (self.before[outcome] or 0)
end

-- How many records have no answer yet; nil: nobody knows how many there are.
function Tally:missing()
  if not self.total then
    return nil
  end
  local known = self.refusals
  for _, outcome in ipairs(ANSWERS) do
    known = known + self:count(outcome)
  end
  return math.max(self.total - known, 0)
end

-- ---- the table at the end ----

local function grouped(number)
  return findings.grouped(number)
end

local function add_reasons(rows, self)
  table.sort(self.list, function(a, b)
    return self.reasons[a] > self.reasons[b] or (self.reasons[a] == self.reasons[b] and a < b)
  end)
  for _, reason in ipairs(self.list) do
    rows[#rows + 1] = { "  " .. grouped(self.reasons[reason]), output.printable(reason) }
  end
end

-- Rows of a name and a text. `seconds`: how long it took; `stopped`: it did not come to the end.
function Tally:rows(seconds, stopped)
  local before = self.before.delivered or 0
  local rows = {
    { "read", grouped(self.read) },
    { "delivered", grouped(self:count("delivered"))
      .. (before > 0 and (" (%s of them in runs before)"):format(grouped(before)) or "") },
    { "rejected", grouped(self:count("rejected")) },
  }
  if self:count("unknown") > 0 then
    rows[#rows + 1] = { "unknown", grouped(self:count("unknown")) }
  end
  if self.refusals > 0 then
    rows[#rows + 1] = { "not valid", grouped(self.refusals) }
  end
  local missing = self:missing()
  rows[#rows + 1] = { "not answered", missing and grouped(missing) or stopped and "the rest" or "0" }
  rows[#rows + 1] = { "seconds", ("%.1f"):format(seconds) }
  rows[#rows + 1] = { "rate", ("%s/s"):format(grouped(math.floor(self.answers / math.max(seconds, 0.001) + 0.5))) }
  add_reasons(rows, self)
  return rows
end

-- The same for programs: a list for output.to_json.
function Tally:members(seconds, stopped)
  local reasons = {}
  for i, reason in ipairs(self.list) do
    reasons[i] = { reason, self.reasons[reason] }
  end
  return {
    { "phase", "end" }, { "read", self.read }, { "delivered", self:count("delivered") },
    { "delivered_before", self.before.delivered or 0 }, { "rejected", self:count("rejected") },
    { "unknown", self:count("unknown") }, { "not_valid", self.refusals }, { "not_answered", self:missing() },
    { "complete", not stopped }, { "seconds", math.floor(seconds * 1000 + 0.5) / 1000 }, { "reasons", reasons },
  }
end

return tally
