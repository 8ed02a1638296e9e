-- Text in another notation than JSON.

local json = require("postevent.json")

-- How they begin, behind comments and blanks.
local BEGINNINGS = {
  { "postevent import %d+\t", "the journal of an import" },
  { "return[%s{(]", "Lua" }, { "local%s+[%a_]", "Lua" }, { "[%a_][%w_.]*%s*=%s*{", "Lua" },
  { "{%s*[%a_][%w_]*%s*=", "Lua" }, { '{%s*%[%s*["\']', "Lua" }, { "{%s*{", "Lua" },
  { "const%s", "JavaScript" }, { "let%s", "JavaScript" }, { "var%s", "JavaScript" }, { "export%s", "JavaScript" },
  { "module%.exports", "JavaScript" }, { "%[?%s*{%s*[%a_][%w_]*%s*:", "JavaScript" },
  { "%[?%s*{%s*'", "JSON with single quotes" },
  { "%[%[?[%a_][%w_. -]*%]%]?%s*\n", "INI" }, { "[%w_.-]+%s*=[^\n]*\n%s*[%w_.-]+%s*=", "INI" },
  { "data:[^\n]*{", "server-sent events", "sed -n 's/^data: *//p'" },
  { "event:[^\n]*\ndata:", "server-sent events", "sed -n 's/^data: *//p'" },
  { "id:[^\n]*\n", "server-sent events", "sed -n 's/^data: *//p'", "\ndata:" },
  { "retry:[^\n]*\n", "server-sent events", "sed -n 's/^data: *//p'", "\ndata:" },
  { ":[^\n]*\n", "server-sent events", "sed -n 's/^data: *//p'", "\ndata:" },
  { "|[^\n]*|%s*\n|[%s|:-]+|", "a table of Markdown" },
  { "%-%-%-%s*\n", "YAML" }, { "%-%s+[%w_\"']+%s*:", "YAML" }, { "[%a_][%w_]*:%s[^\n]*\n?%s*[%w_-]+:", "YAML" },
  { "<", "XML or HTML" },
}

-- The text without the comments that it begins with, of any kind.
local function skip_comments(text)
  local rest = text:gsub("^%s+", "")
  while rest:find("^[#;]") or rest:find("^//") or rest:find("^%-%-[^-\n]") do
    rest = rest:gsub("^[^\n]*%s*", "")
  end
  return rest
end

local function find_beginning(text)
  local rest = skip_comments(text)
  for _, beginning in ipairs(BEGINNINGS) do
    if rest:find("^" .. beginning[1]) and rest:find(beginning[4] or "") then
      return { name = beginning[2], command = beginning[3] }
    end
  end
end

-- Lines of a log, that have an event behind something else.
local function find_log(text, lines)
  if text:find("^%s*[{%[]") or text:find("^data:") then
    return nil
  end
  for _, line in ipairs(lines) do
    local object = line.text:match("^[^{]+({.*})%s*$")
    if not object or not json.decode(object) then
      return nil
    end
  end
  return lines[1] and { name = "a log, with something in front of each object", command = "sed 's/^[^{]*//'" }
end

-- The kind of a text that is in another notation, by how it begins behind its comments, or of the lines of a log; nil:
-- it is not known.
return function(text, lines)
  return find_log(text, lines) or find_beginning(text)
end
