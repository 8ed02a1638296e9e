-- What is wrong with the records of a file: each with its line, the first hundred of them; and all of them counted by
-- what they have in common, for the summary.

local output = require("postevent.cli.output")
local problems = require("postevent.cli.problems")

local Findings = {}
Findings.__index = Findings

local findings = {}

local MOST_SHOWN = 100
local MOST_KINDS = 50

-- `json`: problems are printed as objects, and there is no summary.
function findings.new(json)
  return setmetatable({ json = json, records = 0, shown = 0, kinds = {}, by_key = {}, others = 0 }, Findings)
end

-- "1204" -> "1,204"
function findings.grouped(number)
  local text = ("%.0f"):format(number)
  return (text:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

local function count(self, problem, where)
  local key = problem.attribute and problem.rule and problem.attribute .. "\0" .. problem.rule or problem.message
  local kind = self.by_key[key]
  if not kind and #self.kinds == MOST_KINDS then
    self.others = self.others + 1
    return
  elseif not kind then
    kind = { message = problem.message, where = where, order = #self.kinds + 1, count = 0 }
    self.by_key[key] = kind
    self.kinds[#self.kinds + 1] = kind
  end
  kind.count = kind.count + 1
end

-- As a list: one text is JSON that cannot be read, and begins with line and column. Of an item the column is left out:
-- it is not the line's.
local function as_list(name, found, is_item)
  if type(found) == "table" then
    return found
  end
  local line, message = found:match("^line (%d+), column %d+: (.*)$")
  return { { message = message or found, line = tonumber(line), rule = "json",
    text = not is_item and problems.locate(name, found) or nil } }
end

local function say(self, problem, text, name, line, item)
  output.say(not self.json and output.printable(text) or output.to_json {
    { "phase", "problem" }, { "file", name }, { "line", line }, { "item", item }, { "attribute", problem.attribute },
    { "rule", problem.rule }, { "message", problem.message },
  })
end

-- Adds what is wrong with a record: a list of problems, or one text that begins with line and column. `is_item`: it has
-- a place, and not a line of its own.
function Findings:add(name, number, line, found, is_item)
  local item = is_item and ("item %d: "):format(number) or ""
  local first = is_item and ("item %d"):format(number) or ("line %d"):format(line)
  self.records = self.records + 1
  for _, problem in ipairs(as_list(name, found, is_item)) do
    local at = problem.line or line
    count(self, problem, first)
    if self.shown < MOST_SHOWN then
      say(self, problem, problem.text or ("%s:%d: %s%s"):format(name, at, item, problem.message), name, at,
        is_item and number or nil)
      self.shown = self.shown + 1
    else
      self.unshown = true
    end
  end
end

local function lines(number)
  return ("%s line%s"):format(findings.grouped(number), number == 1 and "" or "s")
end

findings.lines = lines

-- The summary, a line for each kind, the most frequent first.
function Findings:summary()
  table.sort(self.kinds, function(a, b)
    return a.count > b.count or (a.count == b.count and a.order < b.order)
  end)
  local texts = {}
  for i, kind in ipairs(self.kinds) do
    texts[i] = output.printable(("%s, %s, first in %s"):format(kind.message, lines(kind.count), kind.where))
  end
  if self.others > 0 then
    texts[#texts + 1] = ("and %s of other kinds"):format(findings.grouped(self.others))
  end
  return texts
end

-- Whether any kind is there more than once.
local function repeats(self)
  for _, kind in ipairs(self.kinds) do
    if kind.count > 1 then
      return true
    end
  end
  return false
end

-- Prints it, where it says more than the problems one by one have said.
function Findings:say_summary()
  if self.json or not (self.unshown or repeats(self)) then
    return
  end
  output.say(self.unshown and "... and more; all of them, by kind:" or "By kind:")
  for _, text in ipairs(self:summary()) do
    output.say("  " .. text)
  end
end

return findings
