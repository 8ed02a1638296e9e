-- Writes dates in the platform's 17 formats: for samples of events. The core reads them (csrc/event/date.c).

local sample_date = {}

-- A letter is a field, as in csrc/event/date.c; any other character stands for itself.
local FORMATS = {
  "Y-M-D h:m:s", "Y-M-DTh:m:sX", "Y-M-DTh:m:t.f", "Y-M-D", "D-M-Y h:m:s", "M/D/Y h:m:s", "Y/M/D h:m:s", "Y/M/D",
  "D-M-Y", "M/D/Y", "YMD h:m:s", "D-N-y", "Y-M-DTh:m:s", "W N D h:m:s Z Y", "F,D,Y", "F,D", "Y-D-M h:m:s",
}

local MONTHS = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December" }
local DAYS = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }

local EXAMPLE = 1712836800 -- of the platform's documented event: 2024-04-11 12:00:00
local SPAN = 2 ^ 30 -- seconds from 1990 on: until 2024

local function two(number)
  return ("%02d"):format(number)
end

local FIELDS = {
  Y = function(t) return ("%04d"):format(t.year) end,
  y = function(t) return two(t.year % 100) end,
  M = function(t) return two(t.month) end,
  D = function(t) return two(t.day) end,
  N = function(t) return MONTHS[t.month]:sub(1, 3) end,
  F = function(t) return MONTHS[t.month] end,
  W = function(t) return DAYS[t.wday]:sub(1, 3) end,
  h = function(t) return two(t.hour) end,
  m = function(t) return two(t.min) end,
  s = function(t) return two(t.sec) end,
  t = function(t) return tostring(t.sec) end,
  f = function(t) return tostring(t.sec * 7) end,
  X = function(t) return t.hour % 2 == 0 and "Z" or "+05:30" end,
  Z = function(t) return t.hour % 2 == 0 and "IST" or "GMT+05:30" end,
}

-- A date: the same each time; with `random` (random(n) -> 1 to n) any, in any of the formats.
function sample_date.make(random)
  local format, time = FORMATS[1], EXAMPLE
  if random then
    format = FORMATS[random(#FORMATS)]
    time = 631152000 + random(SPAN)
  end
  local fields = os.date("!*t", time)
  if fields.month == 2 and fields.day == 29 then
    fields = os.date("!*t", time + 86400) -- without a year it would be no day: 1970, the one that Java takes, has none
  end
  return (format:gsub("%a", function(letter)
    return FIELDS[letter] and FIELDS[letter](fields) or letter
  end))
end

return sample_date
