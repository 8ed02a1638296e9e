-- Locales with a decimal comma, and with Turkish letters, made with localedef when first asked for: machines have none
-- in common.
local children = require "support.children"
local files = require "support.files"
local process = require "support.process"

local locale = {}

local COMMA, TURKISH = "xx_XX", "yy_YY"
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
<U0130> /xdd capital i with a dot
<U0131> /xfd small i without one
END CHARMAP
]]

-- The class LC_CTYPE of a locale whose small i has another capital than I, as in ISO-8859-9.
local function letters()
  local small, capital = {}, {}
  for byte = ("a"):byte(), ("z"):byte() do
    small[#small + 1] = ("<U%04X>"):format(byte)
    capital[#capital + 1] = byte == ("i"):byte() and "<U0130>" or ("<U%04X>"):format(byte - 32)
  end
  small[#small + 1], capital[#capital + 1] = "<U0131>", "<U0049>"
  local up, down = {}, {}
  for i = 1, #small do
    up[i] = ("(%s,%s)"):format(small[i], capital[i])
    down[i] = ("(%s,%s)"):format(capital[i], small[i])
  end
  return ("LC_CTYPE\nupper %s\nlower %s\ntoupper %s\ntolower %s\nEND LC_CTYPE\n"):format(table.concat(capital, ";"),
    table.concat(small, ";"), table.concat(up, ";"), table.concat(down, ";"))
end

local function make(name, source)
  local input = files.write(directory .. "/source_" .. name, source)
  -- The status is 1: everything else of a locale is missing, and it says so.
  children.run({ "localedef", "-c", "-i", input, "-f", directory .. "/characters", directory .. "/" .. name },
    { env = { LC_ALL = "C" } })
end

local function place()
  if not directory then
    directory = files.new_directory "locale"
    files.write(directory .. "/characters", CHARACTERS)
    make(COMMA, NUMBERS)
    make(TURKISH, letters())
  end
  return directory
end

-- Calls `action` under that locale and sets the old one again. Returns what it returned; or nil, message when this
-- system has no way to such a locale.
local function with(name, action, what)
  local before = process.setlocale()
  process.setenv("LOCPATH", place())
  if not process.setlocale(name) then
    process.setenv "LOCPATH"
    return nil, ("no locale with %s can be made here"):format(what)
  end
  local ok, result = pcall(action)
  process.setlocale(before)
  process.setenv "LOCPATH"
  if not ok then
    error(result, 0)
  end
  return result
end

-- The environment that makes the one with a decimal comma known to a child: LOCPATH =, LC_ALL =.
function locale.environment()
  return { LOCPATH = place(), LC_ALL = COMMA }
end

function locale.with_decimal_comma(action)
  return with(COMMA, action, "a decimal comma")
end

-- In it the capital of "i" is a byte that is no letter of ASCII, and so is the small letter of "I".
function locale.with_turkish_letters(action)
  return with(TURKISH, action, "Turkish letters")
end

return locale
