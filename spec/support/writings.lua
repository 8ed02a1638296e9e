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

writings.list = {
  raw = function(text)
    return text
  end,
  upper = string.upper,
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

writings.base64 = base64

return writings
