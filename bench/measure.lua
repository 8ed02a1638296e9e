-- How a bench measures: programs that print numbers, run in turn, and the median of what they cost with its spread.
-- Machines are noisy; a ratio from one run on one machine is what can be compared.
local children = require "support.children"

local measure = {}

-- Runs a program; the numbers that it prints.
function measure.run(argv)
  local status, output, errors = children.run(argv, { timeout = 3600 })
  assert(status == 0, errors .. output)
  local numbers = {}
  for word in output:gmatch "%S+" do
    numbers[#numbers + 1] = tonumber(word)
  end
  assert(numbers[1], output)
  return numbers
end

-- Runs two programs `count` times in turn, after once each to warm up: a list of what each printed.
function measure.pairs(count, ours, theirs)
  local list = {}
  measure.run(ours)
  measure.run(theirs)
  for i = 1, count do
    local pair = {}
    if i % 2 == 0 then -- whoever goes second finds a warmer machine
      pair.ours = measure.run(ours)
      pair.theirs = measure.run(theirs)
    else
      pair.theirs = measure.run(theirs)
      pair.ours = measure.run(ours)
    end
    list[i] = pair
  end
  return list
end

-- The median of what f(member) is for the members of a list; and "least to most, N runs".
function measure.median(list, f)
  local values = {}
  for i, member in ipairs(list) do
    values[i] = f(member)
  end
  table.sort(values)
  return values[math.floor((#values + 1) / 2)], ("%.3g to %.3g, %d runs"):format(values[1], values[#values], #values)
end

local function goal(text, reached)
  return reached and text or text .. " MISSED"
end

function measure.at_most(limit, value)
  return goal(("goal at most %g"):format(limit), value <= limit)
end

function measure.at_least(limit, value)
  return goal(("goal at least %g"):format(limit), value >= limit)
end

-- A line: what was measured, with which Lua, and the figures.
function measure.print(name, format, ...)
  print(("%-7s %-59s %s"):format(children.lua():match "[^/]*$", name, format:format(...)))
  io.stdout:flush()
end

return measure
