-- The ways in which a server may write what it quotes, each a function of the text: what echo_spec.lua has it quote,
-- and looks for in whatever comes back.
local writings = {}

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
  local held, bits, out = 0, 0, {}
  local function put(value)
    out[#out + 1] = DIGITS:sub(value + 1, value + 1)
  end
  for i = 1, #text do
    held, bits = held * 256 + text:byte(i), bits + 8
    while bits >= 6 do
      bits = bits - 6
      put(math.floor(held / 2 ^ bits))
      held = held % 2 ^ bits
    end
  end
  if bits > 0 then
    put(held * 2 ^ (6 - bits))
  end
  return table.concat(out)
end

-- Each byte, as string.format writes it.
local function each(format, between)
  return function(text)
    local parts = {}
    for i = 1, #text do
      parts[i] = format:format(text:byte(i))
    end
    return table.concat(parts, between)
  end
end

-- Each character of UTF-8 text.
local function characters(format)
  return function(text)
    return (text:gsub("[%z\1-\127\194-\244][\128-\191]*", function(character)
      local first, second = character:byte(1, 2)
      return format:format(second and first % 32 * 64 + second % 64 or first)
    end))
  end
end

-- A line break after every so many bytes.
local function wrapped(width, write)
  return function(text)
    return (write(text):gsub(("."):rep(width), "%0\n"))
  end
end

local function escaped(text)
  return (text:gsub("[^%w ]", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

local function html(text)
  return (text:gsub("[&<>\"']", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" })
    :gsub("\195\164", "&auml;"))
end

local percent = each "%%%02X"

-- What a server makes of the text that takes its bytes for Latin-1, and writes UTF-8.
local function misread(text)
  return (text:gsub("[\128-\255]", function(byte)
    return string.char(192 + math.floor(byte:byte() / 64), 128 + byte:byte() % 64)
  end))
end

-- Or for Windows-1252, as far as the specs' texts need it.
local function misread_as_windows(text)
  return (misread(text):gsub("\194\156", "\197\147"))
end

local function after(first, second)
  return function(text)
    return second(first(text))
  end
end

local function quoted_printable(text)
  return (text:gsub("[^%w /\"+&]", function(c)
    return ("=%02X"):format(c:byte())
  end))
end

-- In other characters: `replacements` for those of Latin-1 that the specs' texts have.
local function respelled(replacements)
  return function(text)
    return (text:gsub("\195[\128-\191]", replacements))
  end
end

local decomposed = respelled { ["\195\164"] = "a\204\136", ["\195\156"] = "U\204\136" }

-- Each character of Latin-1 in so many bytes, the first or the last of which has it.
local function wide(width, is_little)
  return function(text)
    return (text:gsub("[%z\1-\127\194-\244][\128-\191]*", function(character)
      local first, second = character:byte(1, 2)
      local zeros = ("\0"):rep(width - 1)
      local byte = string.char(second and first % 32 * 64 + second % 64 or first)
      return is_little and byte .. zeros or zeros .. byte
    end))
  end
end

-- RFC 2152, with each character of Latin-1 shifted by itself.
local function utf7(text)
  return (text:gsub("%+", "+-"):gsub("\195[\128-\191]", function(character)
    return "+" .. base64("\0" .. string.char(character:byte(2) + 64)) .. "-"
  end))
end

local function question_marks(text)
  return (text:gsub("[\128-\255]", "?"))
end

writings.list = {
  raw = function(text)
    return text
  end,
  misread = misread,
  misread_twice = after(misread, misread),
  misread_as_windows = misread_as_windows,
  misread_percent = after(misread, percent),
  misread_lower_percent = after(misread_as_windows, each "%%%02x"),
  misread_percent_twice = after(misread, function(text)
    return (percent(text):gsub("%%", "%%25"))
  end),
  misread_json = after(misread, characters "\\u%04x"),
  misread_html = after(misread, characters "&#%d;"),
  misread_hex = after(misread_as_windows, each "%02x"),
  misread_base64 = after(misread, base64),
  misread_quoted = after(misread, quoted_printable),
  quoted_printable = quoted_printable,
  question_marks = question_marks,
  question_mark_each = respelled "?",
  base64_of_question_marks = after(question_marks, base64),
  upper = string.upper,
  capitals = after(respelled { ["\195\164"] = "\195\132" }, string.upper),
  no_accents = respelled { ["\195\164"] = "a", ["\195\156"] = "U" },
  decomposed = decomposed,
  decomposed_capitals = after(decomposed, string.upper),
  decomposed_percent = after(decomposed, percent),
  decomposed_base64 = after(decomposed, base64),
  decomposed_hex = after(decomposed, each "%02x"),
  decomposed_quoted = after(decomposed, quoted_printable),
  utf7 = utf7,
  base64_twice = after(base64, base64),
  base64_thrice = after(after(base64, base64), base64),
  base64_of_percent = after(percent, base64),
  base64_of_hex = after(each "%02x", base64),
  base64_of_utf7 = after(utf7, base64),
  hex_of_base64 = after(base64, each "%02X"),
  utf16_little_base64 = after(wide(2, true), base64),
  utf16_big_base64 = after(wide(2), base64),
  utf32_little_base64 = after(wide(4, true), base64),
  utf32_big_base64 = after(wide(4), base64),
  utf16_hex = after(wide(2), each "%02x"),
  utf16_hex_blanks = after(wide(2, true), each("%02X", " ")),
  percent = percent,
  lower_percent = each "%%%02x",
  percent_where_needed = escaped,
  form = function(text)
    return (escaped(text):gsub(" ", "+"))
  end,
  percent_twice = function(text)
    return (percent(text):gsub("%%", "%%25"))
  end,
  percent_thrice = function(text)
    return (percent(text):gsub("%%", "%%2525"))
  end,
  percent_latin1 = characters "%%%02X",
  old_javascript = characters "%%u%04X",
  json = characters "\\u%04x",
  json_by_bytes = each "\\u%04X",
  javascript = characters "\\u{%x}",
  c = each "\\x%02x",
  c_upper = each "\\x%02X",
  octal = each "\\%03o",
  html = html,
  html_twice = function(text)
    return html(html(text))
  end,
  html_decimal = characters "&#%d;",
  html_hex = characters "&#x%X;",
  html_no_semicolon = respelled { ["\195\164"] = "&auml", ["\195\156"] = "&Uuml" },
  html_capitals = respelled { ["\195\164"] = "&AUML;", ["\195\156"] = "&UUML;" },
  hex = each "%02x",
  hex_upper = each "%02X",
  hex_colons = each("%02x", ":"),
  hex_blanks = each("%02X", " "),
  hex_list = each("0x%02x", ", "),
  bytes = each("%d", ","),
  base64 = base64,
  base64url = function(text)
    return (base64(text):gsub("[+/]", { ["+"] = "-", ["/"] = "_" }))
  end,
  base64_of_more = function(text)
    return base64("<" .. text .. ">")
  end,
  base64_at_64 = wrapped(64, base64),
  base64_at_76 = wrapped(76, function(text)
    return base64((text .. " "):rep(4))
  end),
  percent_of_base64 = function(text)
    return percent(base64(text))
  end,
  reversed = function(text)
    local reversed = {}
    for character in text:gmatch "[%z\1-\127\194-\244][\128-\191]*" do
      table.insert(reversed, 1, character)
    end
    return table.concat(reversed)
  end,
}

-- Their names, in an order that is always the same.
writings.names = {}
for name in pairs(writings.list) do
  writings.names[#writings.names + 1] = name
end
table.sort(writings.names)

-- With those that JSON cannot have.
writings.all = setmetatable({
  latin1 = function(text)
    return (text:gsub("\195([\128-\191])", function(byte)
      return string.char(byte:byte() + 64)
    end))
  end,
}, { __index = writings.list })

writings.base64 = base64

return writings
