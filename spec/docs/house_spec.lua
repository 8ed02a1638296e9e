-- The pages as a house: short rooms, and a way from the front door to each.
if not require("support.where").is "lua5.4" then -- of text alone, whatever reads it
  return
end
local children = require "support.children"
local helper = require "support.helper"
local known = require "support.known"
local markdown = require "support.markdown"
local pages = require "support.pages"

local MOST_LINES, MOST_LINES_IN_FRONT = 300, 200
local MOST_WORDS = 2000 -- ten minutes of reading
local LONGEST_LINE = 120 -- of prose; a table's row is as long as it is

-- Every document whose links are followed: the pages, and what stands beside the README.
local function documents()
  local paths = pages.paths()
  paths[#paths + 1] = "CONTRIBUTING.md"
  paths[#paths + 1] = "CHANGELOG.md"
  return paths
end

local function is_there(path)
  return (children.run { "test", "-e", path }) == 0
end

describe("the pages", function()
  it("are short, and so are their lines", function()
    for _, path in ipairs(pages.paths()) do
      local lines, in_block = 0, false
      for line in helper.read_file(path):gmatch "([^\n]*)\n" do
        lines = lines + 1
        in_block = in_block ~= (line:find "^```" ~= nil)
        local length = #line:gsub("[\128-\191]", "")
        assert.is_true(in_block or line:find "^ *[|<]" ~= nil or length <= LONGEST_LINE, path .. ":" .. lines)
      end
      local most = path == pages.FRONT and MOST_LINES_IN_FRONT or MOST_LINES
      assert.is_true(lines <= most, ("%s has %d lines"):format(path, lines))
      assert.is_true(select(2, helper.read_file(path):gsub("%S+", "")) <= MOST_WORDS, path .. " has many words")
    end
  end)

  it("have one title each", function()
    for _, path in ipairs(pages.paths()) do
      local text = ("\n" .. helper.read_file(path)):gsub("```.-\n```", "")
      assert.equal(1, select(2, text:gsub("\n# ", "")), path)
      assert.truthy(text:find "^\n# ", path)
    end
  end)

  it("have tables that hold", function()
    for _, path in ipairs(documents()) do
      for _, rows in ipairs(markdown.tables(helper.read_file(path))) do
        for _, row in ipairs(rows) do
          assert.equal(#rows.header, #row, path .. ": " .. row[1])
        end
      end
    end
  end)

  it("link to what is there, and to sections that it has", function()
    for _, path in ipairs(documents()) do
      for _, link in ipairs(pages.links(path)) do
        local place = path .. ": " .. link.written
        assert.is_true(is_there(link.path), place)
        if link.anchor then
          assert.is_true(pages.anchors(helper.read_file(link.path))[link.anchor], place)
        end
      end
    end
  end)

  it("can all be reached from the README", function()
    local reached, todo = {}, { pages.FRONT }
    while #todo > 0 do
      local path = table.remove(todo)
      if not reached[path] then
        reached[path] = true
        for _, link in ipairs(path:find "%.md$" and pages.links(path) or {}) do
          todo[#todo + 1] = link.path
        end
      end
    end
    for _, path in ipairs(pages.paths()) do
      assert.is_true(reached[path], "no link leads to " .. path)
    end
    local _, images = children.run { "find", "docs", "-name", "*.svg" }
    for image in images:gmatch "%S+" do
      assert.is_true(reached[image], "no page shows " .. image)
    end
  end)

  it("lead from the README to every how-to and every reference at once", function()
    local linked = {}
    for _, link in ipairs(pages.links(pages.FRONT)) do
      linked[link.path] = true
    end
    for _, path in ipairs(pages.paths()) do
      assert.is_true(path == pages.FRONT or linked[path], path .. " is not on the first page")
    end
  end)

  it("have options and codes in the reference", function()
    local options = helper.read_file "docs/reference/options.md"
    for name in pairs(known.options()) do
      assert.truthy(options:find("\n| `" .. name, 1, true), name)
    end
    local codes = helper.read_file "docs/reference/codes.md"
    for name in pairs(known.codes()) do
      assert.truthy(codes:find("\n| `" .. name .. "` |", 1, true), name)
    end
  end)

  it("name targets, rocks and files that are there, and so does CONTRIBUTING", function()
    local makefiles = "\n" .. helper.read_file "Makefile" .. helper.read_file "tools/checks.mk"
    for _, path in ipairs(documents()) do
      local text = helper.read_file(path)
      for arguments in text:gmatch "[`\n(]make ([^`\n)&#]*)" do
        for target in (" " .. arguments .. " "):gmatch "%f[%S](%l[%l-]*)%f[%s]" do
          assert.truthy(makefiles:find("\n" .. target:gsub("%-", "%%-") .. ":"), path .. ": make " .. target)
        end
      end
      for rockspec in text:gmatch "[%w-]+%.rockspec" do
        assert.is_true(helper.file_exists(rockspec), path .. ": " .. rockspec)
      end
      for name in text:gsub("```.-\n```", ""):gmatch "`(%.?[%l_]+/[%w_/.-]*)`" do
        local room = name:match "^[^/]+"
        if is_there(room) and room ~= "build" then
          assert.is_true(is_there(name) or is_there("csrc/" .. name), path .. ": " .. name)
        end
      end
    end
  end)
end)

describe("the pages about the files", function()
  local PAGE = helper.read_file "docs/explain/files.md" .. helper.read_file "docs/explain/files-on-top.md"

  it("know every folder of the core and every file in it, and no other", function()
    local _, names = children.run { "sh", "-c", "find csrc -name '*.[ch]'" }
    local there, folders = {}, {}
    for folder, name in names:gmatch "csrc/([%l_]+)/([%w_]+)%.[ch]" do
      there[name], folders[folder] = true, true
    end
    for folder in pairs(folders) do
      assert.truthy(PAGE:find("\n## " .. folder .. "\n", 1, true), folder)
    end
    local told = {}
    for row in PAGE:gmatch "\n| (`[%l%d_]+`[^\n]*)" do
      for name in row:gmatch "`([%l%d_]+)`" do
        told[name] = true
      end
    end
    for name in pairs(there) do
      assert.is_true(told[name], name .. " is not told of")
    end
    for cell in PAGE:gsub("^.-\n## base\n", ""):gmatch "\n| (`[%l%d_`, ]+) |" do
      for name in cell:gmatch "`([%l%d_]+)`" do
        assert.is_true(there[name], name .. " is not there")
      end
    end
  end)
end)
