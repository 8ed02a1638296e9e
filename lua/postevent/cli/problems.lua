-- The problems of an event, in words for the command line.

local output = require("postevent.cli.output")

local problems = {}

local MAX_DIGITS = 15 -- of a number that surely is not rounded; what has more is an id, and rightly text

local function is_integer(text)
  return #text <= MAX_DIGITS and text:find("^-?%d+$") ~= nil and not text:find("^-?0%d")
end

local function is_double(text)
  return is_integer(text) or (#text <= MAX_DIGITS and is_integer(text:match("^(.+)%.%d+$") or ""))
end

local function is_boolean(text)
  return text == "true" or text == "false"
end

-- Where a text is given for a value of these types: whether it is such a value in quotes, and an example for one that
-- must not be quoted.
local MEANT = {
  DOUBLE = { is_meant = is_double, example = "20" },
  INTEGER = { is_meant = is_integer, example = "20" },
  BOOLEAN = { is_meant = is_boolean, example = "true" },
}

local function by_name(list, name)
  for _, item in ipairs(list) do
    if item.name == name then
      return item
    end
  end
end

-- The definition of the attribute `name` of the event, or nil.
local function find_attribute(event, name, definitions)
  local definition = by_name(definitions.events, event.event_name)
  return definition and by_name(definition.attributes, name)
end

-- How to write what was probably meant, or nothing: on the command line "age=20" is text.
local function hint(problem, event, definitions)
  local value = event[problem.attribute]
  if problem.rule ~= "type" or type(value) ~= "string" then
    return ""
  end
  local attribute = find_attribute(event, problem.attribute, definitions)
  local meant = attribute and MEANT[attribute.type]
  if not meant or not meant.is_meant(value) then
    return ""
  end
  return (" (%s:=%s on the command line, no quotes in JSON)"):format(output.printable(attribute.name),
    attribute.sensitive and meant.example or value)
end

-- Whether one of the problems of an event (a list, or nil) is of that rule.
function problems.has_rule(list, rule)
  for _, problem in ipairs(list or {}) do
    if problem.rule == rule then
      return true
    end
  end
  return false
end

-- The problems that an event was refused for, a line each. `message` and `detail` are the client's, `definitions` those
-- that it checks against, or nil.
function problems.describe(message, detail, event, definitions)
  if not detail.problems then
    return { message }
  end
  local lines = {}
  for i, problem in ipairs(detail.problems) do
    lines[i] = problem.message .. (definitions and hint(problem, event, definitions) or "")
  end
  return lines
end

-- "events.jsonl:3:7: expected value": a message of postevent.json, as compilers write it.
function problems.locate(name, message)
  local line, column, rest = message:match("^line (%d+), column (%d+): (.*)$")
  if line then
    return ("%s:%s:%s: %s"):format(name, line, column, rest)
  end
  return ("%s: %s"):format(name, message)
end

return problems
