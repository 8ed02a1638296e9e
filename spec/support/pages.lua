-- The pages for those who read: README.md and everything below docs/, as one book. The specs ask it for blocks, tables
-- and links, and need not know on which page they stand.
local children = require "support.children"
local files = require "support.files"
local markdown = require "support.markdown"

local pages = {}

pages.FRONT = "README.md"

-- The paths of all pages, README.md first.
function pages.paths()
  local paths = { pages.FRONT }
  local _, names = children.run { "sh", "-c", "[ ! -d docs ] || find docs -name '*.md' | sort" }
  for name in names:gmatch "%S+" do
    paths[#paths + 1] = name
  end
  return paths
end

-- All of them, one after the other.
function pages.text()
  local texts = {}
  for i, path in ipairs(pages.paths()) do
    texts[i] = files.read(path)
  end
  return table.concat(texts, "\n")
end

-- The blocks of a language (nil: all), as markdown.blocks has them. Each has its `path`; `follows`, the one before it;
-- and `output`, what it prints, when a block of text behind it says so.
function pages.blocks(language)
  local found = {}
  for _, path in ipairs(pages.paths()) do
    local all = markdown.blocks(files.read(path))
    for i, block in ipairs(all) do
      block.path = path
      block.output = all[i + 1] and all[i + 1].language == "text" and all[i + 1].text or nil
      block.follows = all[i - 1]
      if not language or block.language == language then
        found[#found + 1] = block
      end
    end
  end
  return found
end

-- The block that begins with a comment that names this file: "-- handler.lua". It is a file for the reader, and a spec
-- of its own runs it.
function pages.file(name)
  for _, block in ipairs(pages.blocks()) do
    if pages.file_name(block) == name then
      return block.text
    end
  end
  error("no block is the file " .. name)
end

-- "handler.lua", or nil for a block that is no file.
function pages.file_name(block)
  return block.text:match "^[-#/]+ ([%w_./-]+%.%l+)\n"
end

-- The one table that begins with these cells, wherever it stands.
function pages.table(...)
  local book = pages.text()
  local found = markdown.table(book, ...)
  local wanted, count = { ... }, 0
  for _, candidate in ipairs(markdown.tables(book)) do
    local same = true
    for i, cell in ipairs(wanted) do
      same = same and candidate.header[i] == cell
    end
    count = count + (same and 1 or 0)
  end
  assert(count == 1, "more than one table begins with " .. table.concat(wanted, ", "))
  return found
end

function pages.rows_by_name(...)
  pages.table(...)
  return markdown.rows_by_name(pages.text(), ...)
end

-- The anchors of a page, as a set: "## In order" -> "in-order".
function pages.anchors(text)
  local anchors = {}
  for title in ("\n" .. text:gsub("```.-\n```", "")):gmatch "\n#+ ([^\n]+)" do
    anchors[title:lower():gsub("[^%w _-]", ""):gsub(" ", "-")] = true
  end
  return anchors
end

-- "docs/start", "../howto/order.md" -> "docs/howto/order.md"
local function join(directory, path)
  local parts = {}
  for part in (directory .. "/" .. path):gmatch "[^/]+" do
    if part == ".." then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return table.concat(parts, "/")
end

-- The links of a page that lead into this tree: a list of { path, anchor, written }; without a path the page itself.
function pages.links(path)
  local directory = path:match "^(.*)/[^/]*$" or ""
  local text = files.read(path):gsub("```.-\n```", "")
  local links = {}
  local function add(target)
    if not target:find "^%l+:" then
      local file, anchor = target:match "^([^#]*)#?(.*)$"
      links[#links + 1] = {
        path = file == "" and path or join(directory, file), anchor = anchor ~= "" and anchor or nil, written = target,
      }
    end
  end
  for target in text:gmatch "%]%(([^)%s]+)%)" do
    add(target)
  end
  for target in text:gmatch '%f[%w]sr?c?s?e?t?="([^"%s]+)"' do
    add(target)
  end
  return links
end

return pages
