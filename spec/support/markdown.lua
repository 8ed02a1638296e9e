-- Reads Markdown as the pages have it: fenced blocks and tables. Knows nothing of what they say.
local markdown = {}

-- A list of {language, text, line} of the fenced blocks, in order; `line` is where the text begins.
function markdown.blocks(text)
  local blocks, block = {}, nil
  local number = 0
  for line in text:gmatch "([^\n]*)\n" do
    number = number + 1
    local language = line:match "^```(.*)$"
    if language and block then
      block.text = table.concat(block, "\n") .. "\n"
      blocks[#blocks + 1] = block
      block = nil
    elseif language then
      block = { language = language, line = number + 1 }
    elseif block then
      block[#block + 1] = line
    end
  end
  assert(not block, "a block is not closed")
  return blocks
end

-- "| `a` | b |" -> { "`a`", "b" }
local function cells(line)
  local list = {}
  for cell in line:sub(2):gmatch "([^|]*)|" do
    list[#list + 1] = cell:match "^%s*(.-)%s*$"
  end
  return list
end

-- A list of tables: each is a list of rows, a row a list of its cells, with the first row as `header`.
function markdown.tables(text)
  local tables, current = {}, nil
  for line in text:gsub("```.-\n```", ""):gmatch "([^\n]*)\n" do
    if not line:find "^|" then
      current = nil
    elseif not current then
      current = { header = cells(line) }
      tables[#tables + 1] = current
    elseif not line:find "^|%-" then
      current[#current + 1] = cells(line)
    end
  end
  return tables
end

-- The table whose header begins with these cells.
function markdown.table(text, ...)
  local wanted = { ... }
  for _, candidate in ipairs(markdown.tables(text)) do
    local found = true
    for i, cell in ipairs(wanted) do
      found = found and candidate.header[i] == cell
    end
    if found then
      return candidate
    end
  end
  error("no table begins with " .. table.concat(wanted, ", "))
end

-- The code in a cell: "`timeout`" -> "timeout", in order; all of them.
function markdown.code(cell)
  local list = {}
  for code in cell:gmatch "`([^`]*)`" do
    list[#list + 1] = code
  end
  return list
end

-- The rows of the table whose header begins with these cells, by what stands in code in their first cell. A name that
-- is there twice fails.
function markdown.rows_by_name(text, ...)
  local rows = {}
  for _, row in ipairs(markdown.table(text, ...)) do
    for _, name in ipairs(markdown.code(row[1])) do
      assert(not rows[name], name .. " has two rows")
      rows[name] = row
    end
  end
  return rows
end

return markdown
