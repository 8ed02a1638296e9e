-- The README holds: its Lua runs and prints what it says, its shell commands work, its links lead somewhere. (Its
-- tables: readme_tables_spec.lua.)
local cjson = require "cjson"
local helper = require "support.helper"
local markdown = require "support.markdown"
local postevent = require "postevent"

local README = helper.read_file "README.md"
local CONTRIBUTING = helper.read_file "CONTRIBUTING.md"
local PORT = "8080" -- the sandbox's, as the README has it
local DEFINITIONS = "spec/vectors/definitions.json" -- the README's events.json

-- The blocks of a language; a block of text behind one is what it prints, and its field `output`.
local function blocks(language)
  local found = {}
  local all = markdown.blocks(README)
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
    local languages = { lua = true, sh = true, json = true, dockerfile = true, nginx = true }
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
    local makefile = "\n" .. helper.read_file "Makefile" .. helper.read_file "tools/checks.mk"
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
