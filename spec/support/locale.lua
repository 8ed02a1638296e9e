-- A locale with a decimal comma, made with localedef when first asked for: machines have none in common.
local children = require "support.children"
local files = require "support.files"
local process = require "support.process"

local locale = {}

local NAME = "xx_XX"
local directory

local NUMBERS = [[
LC_NUMERIC
decimal_point ","
thousands_sep "."
grouping 3;3
END LC_NUMERIC
]]

local CHARACTERS = [[
<code_set_name> TINY
<mb_cur_min> 1
<mb_cur_max> 1
<escape_char> /
<comment_char> %
CHARMAP
<U0000>..<U007F> /x00 ascii
END CHARMAP
]]

-- The environment that makes it known to a child: LOCPATH =, LC_ALL =.
function locale.environment()
  if not directory then
    directory = files.new_directory "locale"
    local numbers = files.write(directory .. "/numbers", NUMBERS)
    local characters = files.write(directory .. "/characters", CHARACTERS)
    -- The status is 1: everything else of a locale is missing, and it says so.
    children.run({ "localedef", "-c", "-i", numbers, "-f", characters, directory .. "/" .. NAME },
      { env = { LC_ALL = "C" } })
  end
  return { LOCPATH = directory, LC_ALL = NAME }
end

-- Calls `action` under that locale and sets the old one again. Returns what it returned; or nil, message when this
-- system has no way to such a locale.
function locale.with_decimal_comma(action)
  local before = process.setlocale()
  process.setenv("LOCPATH", locale.environment().LOCPATH)
  if not process.setlocale(NAME) then
    process.setenv "LOCPATH"
    return nil, "no locale with a decimal comma can be made here"
  end
  local ok, result = pcall(action)
  process.setlocale(before)
  process.setenv "LOCPATH"
  if not ok then
    error(result, 0)
  end
  return result
end

return locale
