-- The platform's bad days by name, each a list of faults. docs/reference/scenarios.md tells of each what a good client
-- does, and is compared with this.

local fault = require "postevent.sandbox.fault"
local keys = require "postevent.sandbox.fault_keys"

local scenarios = {}

-- In the order in which people are shown them. A request meets the first fault that is meant for it.
local LIST = {
  { name = "outage", what = "nothing works for 30 seconds", faults = { "drop=before,share=0.2,seconds=30",
    "status=503,seconds=30" } },
  { name = "slow", what = "replies come after 2 seconds, some in drops", faults = { "trickle=50,share=0.1",
    "delay=2" } },
  { name = "rate-limit", what = "no more than ten events a second", faults = { "status=429,above=10" } },
  { name = "rotated-password", what = "the credential in use is not good any more", faults = { "unauthorized" } },
  { name = "lost-replies", what = "events arrive, but not all of the replies do", faults = { "drop=after,share=0.2",
    "drop=reply,share=0.1" } },
  { name = "captive-portal", what = "somebody else answers, for 30 seconds", faults = { "html,seconds=30" } },
  { name = "flaky", what = "a little of everything", faults = { "status=500,share=0.1", "status=502,share=0.1",
    "code=7301,share=0.1", "drop=before,share=0.1", "drop=after,share=0.1", "delay=1,share=0.1" } },
  { name = "poison", what = "one event is refused for ever", faults = { "status=403,one" } },
}

local BY_NAME = {}
for _, scenario in ipairs(LIST) do
  BY_NAME[scenario.name] = scenario
end

local function unknown(name)
  local near = type(name) == "string" and require("postevent.options.words").nearest(name, BY_NAME)
  local names = {}
  for i, scenario in ipairs(LIST) do
    names[i] = scenario.name
  end
  return ("name: expected %s, got %s%s"):format(table.concat(names, ", "), fault.shown(name),
    near and "; did you mean " .. near .. "?" or "")
end

-- What may be said of a scenario: to whom and for how long; what happens is its own.
local function check_changes(given)
  for name in pairs(given) do
    local key = keys.names[name]
    if name ~= "name" and not (key and key.part ~= "what") then
      return fault.shown(name) .. ": a scenario has its own; only to whom and for how long may be said"
    end
  end
end

local function change(text, given)
  local fields = assert(fault.parse(text))
  for name, value in pairs(given) do
    if name ~= "name" then fields[name] = value end
  end
  return fault.check(fields)
end

--- The faults of the scenario given.name, a list of their keys, with what else is given in place of their own; or nil
-- and what is wrong.
function scenarios.check(given)
  local scenario = type(given) == "table" and BY_NAME[given.name]
  if not scenario then return nil, unknown(type(given) == "table" and given.name) end
  local problem = check_changes(given)
  local faults = {}
  for i, text in ipairs(problem and {} or scenario.faults) do
    faults[i], problem = change(text, given)
    if not faults[i] then break end
  end
  if problem then return nil, problem end
  return faults
end

--- The same of a text: "outage", or "outage,seconds=5".
function scenarios.parse(text)
  local name, rest = text:match("^%s*([^,]-)%s*,(.*)$")
  local given, problem = {}, nil
  if rest then given, problem = fault.read(rest) end
  if not given then return nil, problem end
  given.name = name or text:match("^%s*(.-)%s*$")
  return scenarios.check(given)
end

--- A list of { name =, what = in a few words, faults = a list of texts }.
function scenarios.list()
  return LIST
end

return scenarios
