-- Judges what the sandbox receives as the platform would, later and out of sight: the client's own check, against the
-- same definitions, of what arrived; nothing is filled in.

local postevent = require "postevent"

local Checker = {}
Checker.__index = Checker
Checker.__name = "postevent.sandbox.checker"

local MAX_BODY = 10 * 1024 * 1024 -- as the platform's gateway

-- The client makes up an id for one attribute: for one that no event has, so that none is made up.
local NO_ID = "__the_sandbox_makes_up_no_id__"

local LONGEST = 300 -- bytes of a text that tells of a problem: a name may have megabytes

local FAILED, NO_CUSTOMER = "EMF_PROCESSOR_FAILED", "NO_CUSTOMER_DETAILS_PASSED"

--- A checker; its field `definitions` is what postevent.definitions has made of `definitions`, whatever that takes;
-- raises where that does. `warn`: a function of a line.
function Checker.new(definitions, warn)
  definitions = postevent.definitions(definitions)
  local self = setmetatable({ definitions = definitions, _events = {} }, Checker)
  for _, event in ipairs(definitions.events) do
    self._events[event.name] = self._events[event.name] or event
  end
  self._client = postevent.new {
    mode = "record", definitions = definitions, stamp = false, id_attribute = NO_ID, max_event_bytes = MAX_BODY,
    log = function(_, message) warn(message) end,
  }
  return self
end

function Checker:close()
  self._client:close()
end

-- The client writes a number in a date's place as a date; the platform is sent the number only by somebody else.
local function add_number_for_date(problems, object, name)
  if type(object[name]) ~= "number" then return end
  for _, problem in ipairs(problems) do
    if problem.attribute == name then return end
  end
  problems[#problems + 1] = {
    attribute = name, rule = "type", message = name .. ": expected a date as text, got a number",
  }
end

local function is_customer_missing(definition, problems)
  for _, attribute in ipairs(definition and definition.attributes or {}) do
    for _, problem in ipairs(attribute.type == "CUSTOMER" and problems or {}) do
      if problem.attribute == attribute.name and problem.rule == "missing" then return true end
    end
  end
  return false
end

local function shorten(text)
  if #text <= LONGEST then return text end
  return text:sub(1, LONGEST):gsub("[\192-\255]?[\128-\191]*$", "") .. "..."
end

local function shorten_all(problems)
  for _, problem in ipairs(problems) do
    problem.attribute, problem.message = shorten(problem.attribute), shorten(problem.message)
  end
end

local function messages_of(problems)
  local messages = {}
  for i, problem in ipairs(problems) do
    messages[i] = problem.message
  end
  return table.concat(messages, "; ")
end

--- Judges a decoded event. Returns a list of { attribute =, rule =, message = }, empty when it is good; all messages
-- as one text; and the platform's status where it is bad.
function Checker:judge(object)
  local definition = self._events[object.event_name]
  local encoded, message, code, detail = self._client:encode(object)
  local problems = detail and detail.problems or {}
  if not encoded and not problems[1] then -- memory is out: nothing is known of the event, and that is not good
    problems[1] = { attribute = "event_name", rule = code, message = message }
  end
  add_number_for_date(problems, object, "eventDateTime")
  for _, attribute in ipairs(definition and definition.attributes or {}) do
    if attribute.type == "DATE" then add_number_for_date(problems, object, attribute.name) end
  end
  local status = is_customer_missing(definition, problems) and NO_CUSTOMER or FAILED
  shorten_all(problems)
  return problems, messages_of(problems), status
end

return Checker
