-- Ages and moments, in words for people.

local exit = require("postevent.cli.exit")
local given = require("postevent.cli.given")

local age = {}

local MOST_DIGITS = 9 -- of an age: what is more is no age of anything here, and some Lua cannot count so far

local UNITS = { { "d", 86400, "day" }, { "h", 3600, "hour" }, { "m", 60, "minute" }, { "s", 1, "second" } }

-- "2 days": how long ago a moment was, in seconds since 1970. The clock may have gone back: "now".
function age.of(moment)
  local seconds = os.time() - moment
  for _, unit in ipairs(UNITS) do
    local count = math.floor(seconds / unit[2])
    if count >= 1 then
      return ("%d %s%s"):format(count, unit[3], count == 1 and "" or "s")
    end
  end
  return "now"
end

-- "2026-11-26 20:31:07 UTC, 2 days ago"
function age.moment(moment)
  local ago = age.of(moment)
  return ("%s UTC, %s"):format(os.date("!%Y-%m-%d %H:%M:%S", math.floor(moment)), ago == "now" and ago or ago .. " ago")
end

-- "7d", "12h", "30m", "45s" -> the moment so long ago, in seconds since 1970; nil for anything else.
local function read_age(text)
  local count, letter = text:match("^0*(%d+)([dhms])$")
  for _, unit in ipairs(UNITS) do
    if letter == unit[1] and #count <= MOST_DIGITS then
      return os.time() - tonumber(count) * unit[2]
    end
  end
end

-- The same. Ends the command for anything else.
function age.parse(option, text)
  return read_age(text)
    or exit.usage(option .. ": expected an age, counted back from now: 7d, 12h, 30m or 45s" .. given.got(text))
end

-- Days from 1970-01-01 to a day of the Gregorian calendar: of years that begin in March, the leap day is the last.
local function count_days(year, month, day)
  local is_early = month <= 2
  year = is_early and year - 1 or year
  local of_year = math.floor((153 * (is_early and month + 9 or month - 3) + 2) / 5) + day - 1
  return year * 365 + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400) + of_year - 719468
end

-- The days of a date from 1970-01-01 on; nil: there is no such day.
local function read_day(year, month, day)
  local days = month >= 1 and month <= 12 and day >= 1 and count_days(year, month, day)
  local next_month = days and count_days(month < 12 and year or year + 1, month % 12 + 1, 1)
  return days and days < next_month and days or nil
end

-- "2026-11-26", "2026-11-26 20:31:07", in UTC; nil for anything else.
local function read_date(text)
  local year, month, day, rest = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  local hour, minute, second = (rest == "" and " 00:00:00" or rest or ""):match("^[ T](%d%d):(%d%d):(%d%d)Z?$")
  local days = hour and read_day(tonumber(year), tonumber(month), tonumber(day))
  if not days or tonumber(hour) > 23 or tonumber(minute) > 59 or tonumber(second) > 59 then
    return nil
  end
  return days * 86400 + tonumber(hour) * 3600 + tonumber(minute) * 60 + tonumber(second)
end

-- An age or a date -> the moment, in seconds since 1970. Ends the command for anything else.
function age.parse_moment(option, text)
  return read_age(text) or read_date(text)
    or exit.usage(option .. ": expected an age (7d, 12h, 30m, 45s) or a date in UTC (2026-11-26, 2026-11-26 20:31:07)"
      .. given.got(text))
end

return age
