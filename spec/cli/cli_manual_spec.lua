-- share/: the manual pages and the completion of shells are those of the help, and are written as they should be.
if not require("support.where").is "lua5.4" then -- of text alone, whatever reads it
  return
end
local children = require "support.children"
local helper = require "support.helper"

-- Every command by its words, "spool list", with its help: what a user would see, and read from that alone.
local function read_helps()
  local helps, todo = {}, { "" }
  while todo[1] do
    local words = table.remove(todo)
    local arguments = { "help" }
    for word in words:gmatch "%S+" do
      arguments[#arguments + 1] = word
    end
    local status, text = helper.run_lua("bin/postevent", arguments)
    assert.equal(0, status, words)
    helps[words] = text
    for name in (text:match "\nCommands:\n(.*)" or ""):gmatch "%f[^\n%z]   (%l[%l-]*)" do
      todo[#todo + 1] = (words .. " " .. name):gsub("^ ", "")
    end
  end
  return helps
end

local function page_path(words)
  return "share/man/man1/postevent" .. (words == "" and "" or "-" .. words:gsub(" ", "-")) .. ".1"
end

-- The options that a text names where a line begins, sorted.
local function options_in(text, pattern)
  local names = {}
  for line in text:gmatch "[^\n]+" do
    names[#names + 1] = line:match(pattern)
  end
  table.sort(names)
  return table.concat(names, " ")
end

local function has(program)
  return (children.run { "sh", "-c", "command -v " .. program }) == 0
end

describe("the manual pages and the completion of shells", function()
  helper.guard()

  it("are what `make manual` makes today", function()
    local directory = helper.new_directory()
    local status, _, errors = helper.run_lua("tools/manual.lua", { directory })
    assert.equal(0, status, errors)
    local same, difference = helper.run { "diff", "-r", "share", directory .. "/share" }
    assert.equal(0, same, "run `make manual`:\n" .. difference)
  end)

  it("have a page for each command, with the options of its help", function()
    local count = 0
    for words, help in pairs(read_helps()) do
      local page = helper.read_file(page_path(words))
      local section = page:match "\n%.SH OPTIONS\n(.*)":gsub("\n%.SH .*", "")
      assert.equal(options_in(help, "^   [-, h]*%-%-([%l-]+)"),
        options_in(section:gsub("\\%-", "-"), "^\\fB.-%-%-([%l-]+)\\fR"), words)
      count = count + 1
    end
    local _, pages = helper.run { "sh", "-c", "ls share/man/man1 | wc -l" }
    assert.equal(count, tonumber(pages))
    assert.is_true(count >= 19)
  end)

  it("refer to pages that are there", function()
    local _, text = helper.run { "sh", "-c", "cat share/man/man1/*.1" }
    for name in text:gsub("\\%-", "-"):gmatch "\\fB(postevent[%l-]*)\\fR%(1%)" do
      assert.is_true(helper.file_exists("share/man/man1/" .. name .. ".1"), name)
    end
  end)

  it("have examples whose options are known", function()
    local helps = read_helps()
    local _, text = helper.run { "sh", "-c", "cat share/man/man1/*.1" }
    local count = 0
    for example in text:gsub("\\%-", "-"):gsub("\\e\n", ""):gmatch "\n%.nf\n(.-)\n%.fi" do
      local words = example:match "postevent (%l+ %l+)"
      words = helps[words] and words or example:match "postevent (%l+)"
      for option in example:gmatch " (%-%-[%l-]+)" do
        assert.truthy(helps[words]:find(option, 1, true), example)
      end
      count = count + 1
    end
    assert.is_true(count >= 4)
  end)

  it("are good roff, and fit a terminal of 80 columns", function()
    if not has "mandoc" or not has "man" then
      return pending "needs man and mandoc"
    end
    local _, lint = helper.run { "sh", "-c", "mandoc -T lint -W warning share/man/man1/*.1" }
    assert.equal("", lint)
    local status, text, errors = helper.run({ "sh", "-c", "man -l --warnings share/man/man1/*.1" },
      { env = { MANWIDTH = "80", MANPAGER = "cat", LC_ALL = "C.UTF-8" } })
    assert.equal(0, status, errors)
    assert.equal("", errors)
    for line in text:gmatch "[^\n]+" do
      assert.is_true(#line:gsub(".\8", ""):gsub("\27%[[%d;]*m", ""):gsub("[\128-\191]", "") <= 80, line)
    end
  end)
end)
