-- Text in another encoding than UTF-8, told from UTF-8 with a byte that is wrong here and there.

local utf8 = require("postevent.utf8")

local MOST_VALID = 0.1 -- of what is not ASCII: two bytes may be a character of UTF-8 by chance

-- What stands in a text of a Latin alphabet: a letter of Latin-1 or a sign of Windows-1252, seldom three in a row.
local LATIN = "[\128-\214\216-\246\248-\254]"

-- How many characters of two bytes or more there are in a run of bytes above 127, and how many bytes that are none.
local function count(run)
  local valid, broken, position = 0, 0, 1
  while position <= #run do
    local last = utf8.find_end(run, position)
    valid, broken = valid + (last and 1 or 0), broken + (last and 0 or 1)
    position = (last or position) + 1
  end
  return valid, broken
end

-- The runs of a text: how many characters of UTF-8; how many bytes that are none, and how many objects or lines have
-- such bytes; and whether a text of a Latin alphabet has them so.
local function survey(text)
  local valid, broken, places, is_latin = 0, 0, 0, true
  for piece in text:gmatch("[^\n}]+") do
    local before = broken
    for run in piece:gmatch("[\128-\255]+") do
      local good, bad = count(run)
      valid, broken = valid + good, broken + bad
      is_latin = is_latin and #run < 3 and run:gsub(LATIN, "") == ""
    end
    places = places + (broken > before and 1 or 0)
  end
  return valid, broken, places, is_latin
end

-- The kind of a text that has something that is not UTF-8, where that is so throughout; nil: it may be a slip, unless
-- `is_sure`.
return function(text, is_sure)
  local valid, broken, places, is_latin = survey(text)
  if not is_sure and (places < 2 or valid > MOST_VALID * broken) then
    return nil
  end
  local command = is_latin and "iconv -f WINDOWS-1252 -t UTF-8" or nil
  return { name = is_latin and "text in Latin-1 or one like it" or "text in another encoding than UTF-8",
    expected = "UTF-8", command = command, is_packed = true }
end
