-- The README holds: its Lua runs and prints what it says, its shell commands work, its tables are the module's. So does
-- CONTRIBUTING, as far as it can be run.
local annotations = require "support.annotations"
local cjson = require "cjson"
local core = require "postevent.core"
local helper = require "support.helper"
local known = require "support.known"
local markdown = require "support.markdown"
local postevent = require "postevent"

local README = helper.read_file "README.md"
local CONTRIBUTING = helper.read_file "CONTRIBUTING.md"
local PORT = "8080" -- the sandbox's, as the README has it
local DEFINITIONS = "spec/vectors/definitions.json" -- the README's events.json

-- The fields of the formats in date.c, as patterns; every other character stands for itself.
local DATE_LETTERS = { Y = "%d%d%d%d", y = "%d%d", M = "%d%d", D = "%d%d", h = "%d%d", m = "%d%d", s = "%d%d",
  t = "%d%d?", f = "%d%d?%d?", X = "[+-]%d%d:%d%d", Z = "%u+", N = "%a%a%a", F = "%a+", W = "%a%a%a" }

-- Among them they break every rule of a definition.
local WRONG = {
  { event_name = "be_reserved", customer_id = "12", hotelname = "x", room_nights = "99", age = "20" },
  { event_name = "cart_updated", coupon = "save10" },
  { event_name = "membership_renewed", renewed_on = "2024-02-30" },
  { event_name = "be_reservd" },
}

local function code_of(cell)
  return markdown.code(cell)[1]
end

-- The rows of a table by what stands in code in their first cell; a name that is there twice fails.
local function rows_by_name(...)
  local rows = {}
  for _, row in ipairs(markdown.table(README, ...)) do
    for _, name in ipairs(markdown.code(row[1])) do
      assert(not rows[name], name .. " has two rows")
      rows[name] = row
    end
  end
  return rows
end

local names_of = known.names_of

-- The blocks of a language; a block of text behind one is what it prints, and its field `output`.
local function blocks(language, document)
  local found = {}
  local all = markdown.blocks(document or README)
  for i, block in ipairs(all) do
    if block.language == language then
      found[#found + 1] = block
      block.output = all[i + 1] and all[i + 1].language == "text" and all[i + 1].text or nil
    end
  end
  return found
end

local function has(block, pattern)
  return ("\n" .. block.text):find(pattern) ~= nil
end

-- The kinds of shell blocks: what installs (not run here, see "names ..."), curl to the platform (nor run) or to the
-- sandbox, the sandbox alone in its terminal, and the rest, which must run.
local function kind_of(block)
  if has(block, "[\n(]make ") or has(block, "\nluarocks ") then
    return "install"
  elseif has(block, "\ncurl [^\n]*https://") then
    return "download"
  elseif has(block, "\ncurl ") then
    return "curl"
  elseif block.text:find "^postevent sandbox [^\n&]*\n$" then
    return "sandbox"
  end
  return "run"
end

describe("the README's tables", function()
  it("name every option, with its default", function()
    local rows = rows_by_name("Option", "Type", "Default", "Meaning")
    local expected = known.options()
    expected.tls = nil -- its fields have rows of their own
    for name in pairs(known.tls_options()) do
      expected["tls." .. name] = true
    end
    assert.same(expected, names_of(rows))
    for name, row in pairs(rows) do
      local default = code_of(row[3])
      assert.is_true(default ~= nil or row[3] == "—", name .. " has an odd default")
      assert.same(known.default(name), default and known.evaluate(default), name)
      assert.is_true(#row[2] > 0 and #row[4] > 0, name .. " is not explained")
    end
  end)

  it("name every error code, and what to do about it", function()
    local rows = rows_by_name("Code", "What happened")
    assert.same(known.codes(), names_of(rows))
    for name, row in pairs(rows) do
      assert.equal(5, #row, name)
      for _, cell in ipairs(row) do
        assert.is_true(#cell > 0, name .. " has an empty cell")
      end
    end
  end)

  it("name every rule", function()
    local rules = names_of(rows_by_name("Rule", "Broken by"))
    assert.same(known.definition_rules(), rules)
    for _, row in ipairs(markdown.table(README, "In the event", "Rule")) do
      rules[code_of(row[2])] = true
    end
    assert.same(known.rules(), rules)
  end)

  it("show for each rule of a definition what the client says", function()
    local client = postevent.new { mode = "record", definitions = DEFINITIONS }
    local messages = {}
    for _, event in ipairs(WRONG) do
      for _, problem in ipairs((select(4, client:encode(event))).problems) do
        messages[problem.message] = problem.rule
      end
    end
    client:close()
    for rule, row in pairs(rows_by_name("Rule", "Broken by")) do
      if rule ~= "regex" or postevent.features.pcre2 then
        assert.equal(rule, messages[code_of(row[3])], code_of(row[3]))
      end
    end
  end)

  it("name every type of an attribute, with what it takes and what it refuses", function()
    local types = {}
    for kind, row in pairs(rows_by_name("Type", "Asks for")) do
      types[kind:match "^%u+"] = true
      local source = { e = { who = "customer", x = { type = kind, values = kind == "ENUM" and { "1", "12" } or nil } } }
      local client = postevent.new { mode = "record", definitions = source }
      for column, is_taken in pairs { [3] = true, [4] = false } do
        local values = markdown.code(row[column])
        assert.is_true(#values > 0)
        for _, value in ipairs(values) do
          local body = client:encode { event_name = "e", who = "C-17", x = known.evaluate(value) }
          assert.equal(is_taken, body ~= nil, kind .. ": " .. value)
        end
      end
      client:close()
    end
    assert.same(known.types(), types)
  end)

  it("show each of the formats of dates", function()
    local client = postevent.new { mode = "record", definitions = { e = { who = "customer", x = "date" } } }
    local shown = markdown.code(README:match "\nText is sent as it is%..-\n\n")
    for _, text in ipairs(shown) do
      assert.is_string(client:encode { event_name = "e", who = "C-17", x = text }, text)
    end
    client:close()
    local count = 0
    for format in helper.read_file("csrc/date.c"):match("formats%[%] = (%b{})"):gmatch '"(.-)"' do
      local pattern = "^" .. format:gsub(".", function(letter)
        return DATE_LETTERS[letter] or "[" .. letter .. "]"
      end) .. "$"
      local found = false
      for _, text in ipairs(shown) do
        found = found or text:find(pattern) ~= nil
      end
      assert.is_true(found, format)
      count = count + 1
    end
    assert.equal(17, count)
    assert.equal(17, #shown)
  end)

  it("name every field of an attribute in the short form", function()
    local rows = rows_by_name("In the table", "Default")
    assert.same(known.short_fields(), names_of(rows))
    local read = postevent.definitions { e = { c = { type = "customer" } } }.events[1].attributes[1]
    for name, row in pairs(rows) do
      local default = code_of(row[2])
      if name ~= "type" then
        assert.same(default and known.evaluate(default), read[name], name)
      end
      assert.is_true(helper.read_file(DEFINITIONS):find('"' .. code_of(row[3]) .. '"', 1, true) ~= nil, row[3])
    end
  end)

  it("name what the command has for definitions", function()
    local actions = {}
    for name in pairs(rows_by_name("The command", "What it does")) do
      local words, arguments = { name:match "^postevent (%l+)" }, {}
      words[2] = name:match "^postevent %l+ (%l+)"
      for argument in name:gmatch "%-*[%a=]+" do
        arguments[#arguments + 1] = not argument:find "^%l+$" and argument or nil
      end
      actions[words[2] or ""] = true
      words[#words + 1] = "--help"
      local status, help = helper.run_lua("bin/postevent", words)
      assert.equal(0, status, name)
      for _, argument in ipairs(arguments) do
        assert.truthy(help:find(argument, 1, true), name .. ": " .. argument)
      end
    end
    local _, help = helper.run_lua("bin/postevent", { "definitions", "--help" })
    for action in help:match("\nCommands:\n(.*)$"):gmatch "\n?   (%l+)  " do
      assert.is_true(actions[action], action)
      actions[action] = nil
    end
    assert.same({ [""] = true }, actions)
  end)

  it("name every field of the reply and of the detail", function()
    local classes = annotations.read("library/postevent.lua").classes
    local reply = names_of(rows_by_name("Field", "Type", "Meaning"))
    local expected = names_of(classes["postevent.reply"])
    expected.status = nil
    for name in pairs(classes["postevent.status"]) do
      expected["status." .. name] = true
    end
    assert.same(expected, reply)
    local detail = {}
    for _, candidate in ipairs(markdown.tables(README)) do
      if code_of(candidate[1][1]) == "sent" then
        for _, row in ipairs(candidate) do
          for _, name in ipairs(markdown.code(row[1])) do
            detail[name] = true
          end
        end
      end
    end
    assert.same(names_of(classes["postevent.detail"]), detail)
  end)

  it("name every method but post, which has a section", function()
    local methods = { post = true }
    for _, row in ipairs(markdown.table(README, "Method", "What it does")) do
      methods[row[1]:match "`client:([%w_]+)%("] = true
    end
    for name in pairs(core.methods) do
      assert.is_true(methods[name] or name:find "^_" ~= nil, name)
      methods[name] = nil
    end
    assert.same({}, methods)
    for name in pairs(postevent) do
      assert.truthy(README:find("postevent." .. name, 1, true), name)
    end
    for name in pairs(postevent.features) do
      assert.truthy(README:find("`" .. name .. "`", 1, true), name)
    end
  end)

  it("name the options of the sandbox, and the exit statuses, as the command has them", function()
    local status, help = helper.run_lua("bin/postevent", { "help", "sandbox" })
    assert.equal(0, status)
    local options = {}
    for name in help:gmatch "\n +(%-%-[%l-]+)" do
      options[name] = true
    end
    local written = {}
    for name in pairs(rows_by_name("Option", "Meaning")) do
      written[name:match "^%S+"] = true
    end
    assert.same(options, written)

    local exit = require "postevent.cli.exit"
    local statuses, again = {}, {}
    for _, row in ipairs(markdown.table(README, "Exit status", "Meaning")) do
      statuses[tonumber(row[1])] = true
      for _, code in ipairs(markdown.code(row[2])) do
        again[code] = true
      end
    end
    assert.same(known.codes_to_try_again(), again)
    assert.same({ [exit.OK] = true, [exit.FAILED] = true, [exit.USAGE] = true, [exit.TRY_AGAIN] = true }, statuses)
  end)

  it("name every package that the build needs with Lua 5.4, or can do with", function()
    local columns = { ["Debian, Ubuntu"] = 4, Fedora = 5, Alpine = 6, ["macOS, Homebrew"] = 7 }
    local written = {}
    for _, row in ipairs(markdown.table(README, "System", "Packages")) do
      written[row[1]] = (" " .. row[2] .. " " .. row[3] .. " "):gsub("[`,]", " ")
    end
    local count = 0
    for line in helper.read_file("tools/install-deps"):gmatch "([^\n]*)\n" do
      local fields = {}
      for field in (line .. "|"):gmatch "%s*(.-)%s*|" do
        fields[#fields + 1] = field
      end
      local need = fields[1]
      if #fields == 7 and (need == "build" or need == "pcre2" or need == "run:each" or need:find ":lua5%.4$") then
        count = count + 1
        for system, column in pairs(columns) do
          for package in fields[column]:gsub("%%P", "lua5.4"):gmatch "%S+" do
            package = package:gsub("^rock:", "")
            assert.truthy(package == "-" or written[system]:find(" " .. package .. " ", 1, true),
              system .. " lacks " .. package)
          end
        end
      end
    end
    assert.is_true(count >= 10, "the table of tools/install-deps was not understood")
  end)
end)

describe("the README", function()
  helper.guard()
  local sandbox, directory

  -- A command `postevent` for the shell: this checkout's, under the Lua of this run, with the sanitizer that is
  -- preloaded into it, if any. The shell itself runs without.
  local function make_command(where)
    local path = where .. "/postevent"
    local preload = os.getenv "LD_PRELOAD"
    helper.write_file(path, ("#!/bin/sh\n%sexec %s '%s/bin/postevent' \"$@\"\n"):format(
      preload and ("LD_PRELOAD='%s' "):format(preload) or "", helper.lua(), helper.process.current_directory()))
    assert.equal(0, (helper.run { "chmod", "+x", path }))
  end

  setup(function()
    sandbox = helper.start_sandbox()
    directory = helper.new_directory()
    make_command(directory)
  end)
  before_each(function()
    sandbox:reset()
  end)

  local function environment(with_url)
    return {
      PATH = directory .. ":" .. os.getenv "PATH",
      POSTEVENT_URL = with_url and sandbox.url,
      POSTEVENT_AUTHORIZATION = false,
    }
  end

  -- A directory in which there are definitions, as the README has them.
  local function new_directory()
    local path = helper.new_directory()
    helper.write_file(path .. "/events.json", helper.read_file(DEFINITIONS))
    return path
  end

  local function shell(text, with_url)
    return helper.run({ "sh", "-euc", text }, { env = environment(with_url), directory = new_directory() })
  end

  it("has blocks of known languages alone, so that each is checked", function()
    local languages = { lua = true, sh = true, json = true, dockerfile = true }
    local last
    for _, block in ipairs(markdown.blocks(README)) do
      local is_output = block.language == "text" and last and last.language == "sh"
      assert.is_true(is_output or languages[block.language], "line " .. block.line)
      last = block
    end
    for _, block in ipairs(blocks "json") do
      assert.is_table(cjson.decode(block.text))
    end
  end)

  it("begins with twelve lines of Lua", function()
    assert.equal(12, select(2, blocks("lua")[1].text:gsub("\n", "")))
  end)

  for _, block in ipairs(blocks "lua") do
    it(("has Lua that runs and prints what it says, at line %d"):format(block.line), function()
      local script = helper.new_file(block.text, "readme.lua")
      local options = { env = environment(true), directory = new_directory() }
      local status, output, errors = helper.run_lua(script, {}, options)
      assert.equal(0, status, errors)
      assert.equal("", errors)
      local expected = {}
      for line in block.text:gmatch "%-%-> ([^\n]*)\n" do
        expected[#expected + 1] = line .. "\n"
      end
      assert.equal(table.concat(expected), output)
    end)
  end

  local ran = 0
  for _, block in ipairs(blocks "sh") do
    if kind_of(block) == "run" then
      ran = ran + 1
      it(("has shell commands that work, at line %d"):format(block.line), function()
        assert.truthy(block.output or has(block, "postevent post "), "it posts nothing; how is it to be checked?")
        local sets_url = has(block, "POSTEVENT_URL=")
        local text = block.text:gsub("127%.0%.0%.1:" .. PORT, "127.0.0.1:" .. sandbox.port)
        local status, output, errors = shell(text, not sets_url)
        assert.equal(0, status, errors)
        if not postevent.features.pcre2 then
          errors = errors:gsub("postevent: warning: no regex is checked: this build has no PCRE2\n", "")
        end
        assert.equal("", errors)
        if block.output then
          assert.equal(block.output, output)
          return
        end
        local reply = output:match '{"status":{"code":1100,[^\n]*'
        assert.equal(1100, cjson.decode(reply).status.code)
        local has_sandbox = has(block, "postevent sandbox ")
        assert.equal(has_sandbox and 0 or 1, #sandbox:events())
      end)
    end
  end

  it("has shell commands enough", function()
    assert.is_true(ran >= 5)
  end)

  it("shows how the sandbox is started and stopped", function()
    local count = 0
    for _, block in ipairs(blocks "sh") do
      if kind_of(block) == "sandbox" then
        count = count + 1
        local port = helper.free_port()
        local command, replaced = block.text:gsub("%-%-port " .. PORT, "--port " .. port)
        assert.equal(1, replaced)
        local child = helper.spawn { "sh", "-euc", "exec " .. command, env = environment(false) }
        helper.wait_until(function()
          return child:output():find("listening on http://127.0.0.1:" .. port, 1, true)
        end)
        child:stop()
        assert.same({ "exited", 0 }, { child:wait() })
      end
    end
    assert.equal(1, count)
  end)

  it("asks the sandbox with curl as it can be asked", function()
    local count = 0
    for _, block in ipairs(blocks "sh") do
      if kind_of(block) == "curl" then
        for line in block.text:gsub("'", ""):gmatch "[^\n]+" do
          local options, path = line:match("^curl (.-)http://127%.0%.0%.1:" .. PORT .. "(/%S*)$")
          local reply = helper.http_request { method = options:match "%-X (%u+)" or "GET", url = sandbox.base .. path }
          assert.equal(200, reply.status, line)
          count = count + 1
        end
      end
    end
    assert.equal(4, count)
  end)

  it("shows how definitions are downloaded, without a credential on the command line", function()
    local count = 0
    for _, block in ipairs(blocks "sh") do
      if kind_of(block) == "download" then
        assert.equal(0, (helper.run { "sh", "-nc", block.text }))
        assert.is_nil(block.text:find("Basic", 1, true))
        assert.truthy(block.text:find("/v2/events\n", 1, true))
        count = count + 1
      end
    end
    assert.equal(1, count)
  end)

  it("has a first program that the tools run, too", function()
    local script = helper.new_file(blocks("lua")[1].text, "first.lua")
    local preload = os.getenv "LD_PRELOAD"
    local env = environment(false)
    env.LUA, env.POSTEVENT = helper.lua(), "postevent"
    local status, output, errors = helper.run({
      "tools/with-sandbox", "env", "LD_PRELOAD=" .. (preload or ""), helper.lua(), script,
    }, { env = env })
    assert.equal(0, status, errors)
    assert.equal("1100\n", output)
  end)

  it("names targets, rocks and files that are there, and so does CONTRIBUTING", function()
    local makefile = "\n" .. helper.read_file "Makefile"
    for _, document in ipairs { README, CONTRIBUTING } do
      for arguments in document:gmatch "[`\n(]make ([^`\n)&#]*)" do
        for target in (" " .. arguments .. " "):gmatch "%f[%S](%l[%l-]*)%f[%s]" do
          assert.truthy(makefile:find("\n" .. target:gsub("%-", "%%-") .. ":"), "make " .. target)
        end
      end
      for rockspec in document:gmatch "[%w-]+%.rockspec" do
        assert.is_true(helper.file_exists(rockspec), rockspec)
      end
      for path in document:gmatch "%]%(([^)#]+)%)" do
        assert.is_true(path:find "^https://" ~= nil or helper.file_exists(path), path)
      end
      for path in document:gmatch "[` ](%.?[%l_]+/[%w_/.-]*)[` ]" do
        assert.is_true(path == "build/" or helper.file_exists(path), path)
      end
    end
  end)

  it("links to sections that it has", function()
    local anchors = {}
    for title in ("\n" .. README:gsub("```.-\n```", "")):gmatch "\n#+ ([^\n]+)" do
      anchors[title:lower():gsub("[^%w -]", ""):gsub(" ", "-")] = true
    end
    for anchor in README:gmatch "%]%(#([^)]+)%)" do
      assert.is_true(anchors[anchor], "#" .. anchor)
    end
  end)
end)

describe("CONTRIBUTING", function()
  helper.guard()

  it("shows a test that passes", function()
    local found = blocks("lua", CONTRIBUTING)
    assert.equal(1, #found)
    local spec = helper.new_file(found[1].text, "example_spec.lua")
    local status, output, errors = helper.run_lua("spec/support/run.lua", { "--lpath=", "--cpath=", spec }, {
      env = { POSTEVENT_RESULTS = false },
    })
    assert.equal(0, status, output .. errors)
    assert.truthy(output:find("1 passed", 1, true), output)
  end)

  it("knows every file of the core, and every room of the tree", function()
    local _, names = helper.run { "ls", "csrc" }
    for name in names:gmatch "([%w_]+)%.c\n" do
      assert.truthy(CONTRIBUTING:find("`" .. name .. "`", 1, true), name)
    end
    local _, rooms = helper.run { "ls", "-dp", "bench", "bin", "csrc", "examples", "library", "spec", "tools", ".ci" }
    for room in rooms:gmatch "%S+/" do
      assert.truthy(CONTRIBUTING:find("`" .. room .. "`", 1, true), room)
    end
  end)
end)
