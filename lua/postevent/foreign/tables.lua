-- CSV, told from prose with commas in it.

local tables = {}

local SEPARATORS = { ",", ";", "\t", "|" }

-- How often `pattern` is there.
local function count(text, pattern)
  return select(2, text:gsub(pattern, ""))
end

local MOST_WORDS = 4 -- of the name of a column

local function split(line, separator)
  local cells = {}
  local outside = line:gsub('"[^"]*"', function(quoted)
    return (quoted:gsub("[^%w_ -]", ""))
  end)
  for cell in (outside .. separator):gmatch("(.-)%" .. separator) do
    cells[#cells + 1] = cell
  end
  return cells
end

-- Whether these are names of columns, and no sentence with commas in it.
local function are_names(cells)
  local named, spaced, words, capitals = 0, 0, 0, 0
  for i, cell in ipairs(cells) do
    local name = cell:match("^%s*(.-)%s*$")
    if name:find("[.!?]$") or count(name, "%S+") > MOST_WORDS or name:find("[{}<>]") then
      return false
    end
    named = named + (name ~= "" and 1 or 0)
    spaced = spaced + (i > 1 and cell:find("^ %S") and 1 or 0)
    words = math.max(words, count(name, "%S+"))
    capitals = capitals + (name:find("^%u") and 1 or 0)
  end
  local is_prose = spaced > 0 and (words > 1 or (capitals > 0 and capitals < named))
  return named > 1 and not is_prose
end

-- Whether a line may be the header of CSV, were it of one column.
function tables.may_be_header(line)
  for _, separator in ipairs(SEPARATORS) do
    local cells = split(line, separator)
    if cells[2] and not are_names(cells) then
      return false
    end
  end
  return count(line, "%S+") <= MOST_WORDS or line:find("[,;|\t]") ~= nil
end

-- The kind of lines that are a table with a header; nil: they are none.
function tables.find(lines)
  for _, separator in ipairs(SEPARATORS) do
    local header = lines[1] and split(lines[1].text, separator) or {}
    local second = lines[2] and split(lines[2].text, separator)
    local is_alone = not second and lines[1] and lines[1].text:find("%" .. separator .. " ")
    if header[2] and are_names(header) and not is_alone and (not second or #second >= #header) then
      return { name = "CSV", reader = "postevent import reads CSV" }
    end
  end
end

return tables
