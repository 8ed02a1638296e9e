-- Ages and moments, in words for people.

local exit = require("postevent.cli.exit")

local age = {}

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

-- "7d", "12h", "30m", "45s" -> the moment so long ago, in seconds since 1970. Ends the command for anything else.
function age.parse(option, text)
  local count, letter = text:match("^(%d+)([dhms])$")
  for _, unit in ipairs(UNITS) do
    if letter == unit[1] then
      return os.time() - tonumber(count) * unit[2]
    end
  end
  exit.usage(option .. ": expected an age: 7d, 12h, 30m or 45s")
end

return age
