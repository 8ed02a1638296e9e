-- The dates in a query: milliseconds since 1970, as the platform's log has them, or yyyy-MM-dd and
-- yyyy-MM-dd HH:mm:ss (a T in place of the blank, a Z behind it), in UTC.

local dates = {}

local DAY = 86400

-- Days from 1970-01-01, of the Gregorian calendar; the year begins in March, so that the odd day is its last.
local function days_to(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  local leap_days = math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return 365 * year + leap_days + math.floor((153 * (month - 3) + 2) / 5) + day - 1 - 719468
end

local function read_day(text)
  local year, month, day, rest = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  if not year or month < 1 or month > 12 or day < 1 or day > 31 then return nil end
  return days_to(year, month, day) * DAY, rest
end

--- The first and the last second, since 1970, that the text stands for: a day has many. Nil: it is no date.
function dates.read(text)
  if text:find("^%d+$") and #text <= 15 then
    local second = math.floor(tonumber(text) / 1000)
    return second, second
  end
  local day, rest = read_day(text)
  if not day then return nil end
  if rest == "" then return day, day + DAY - 1 end
  local hour, minute, second = rest:match("^[T ](%d%d):(%d%d):(%d%d)Z?$")
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  if not hour or hour > 23 or minute > 59 or second > 60 then return nil end
  local time = day + hour * 3600 + minute * 60 + second
  return time, time
end

return dates
