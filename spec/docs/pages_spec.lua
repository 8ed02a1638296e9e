-- What the pages show works: their Lua runs and prints what it says, their shell commands do what they should. (Their
-- tables: tables_spec.lua. Their links: house_spec.lua. Their files for LÖVE and nginx: specs of their own.)
local cjson = require "cjson"
local helper = require "support.helper"
local pages = require "support.pages"
local postevent = require "postevent"

local PORT = "8080" -- the sandbox's, as the pages have it
local DEFINITIONS = "examples/events.json" -- the pages' events.json

-- The blocks of a language that are checked here.
local function blocks(language)
  local found = {}
  for _, block in ipairs(pages.blocks(language)) do
    if not pages.file_name(block) then
      found[#found + 1] = block
    end
  end
  return found
end

local function place_of(block)
  return ("%s:%d"):format(block.path, block.line)
end

local function has(block, pattern)
  return ("\n" .. block.text):find(pattern) ~= nil
end

-- The kinds of shell blocks: what installs (not run here, see "names ..."), what asks a cluster of the platform, curl
-- to the sandbox, the sandbox or a deliverer alone in its terminal, and the rest, which must run.
local function kind_of(block)
  if has(block, "[\n(]make ") or has(block, "\nluarocks ") then
    return "install"
  elseif has(block, " %-%-cluster CLUSTER ") then
    return "download"
  elseif has(block, "\ncurl ") then
    return "curl"
  elseif block.text:find "^postevent sandbox [^\n&]*\n$" then
    return "sandbox"
  elseif block.text:find "^postevent relay [^\n]*\n$" then
    return "relay"
  end
  return "run"
end

describe("the pages", function()
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

  it("have blocks of known languages alone, so that each is checked", function()
    local languages = { lua = true, sh = true, json = true, dockerfile = true, nginx = true, http = true, yaml = true,
      c = true }
    for _, block in ipairs(pages.blocks()) do
      local is_output = block.language == "text" and block.follows and block.follows.language == "sh"
      local has_picture = block.path == "docs/explain/architecture.md" or block.path == "docs/howto/fleet.md"
      local is_picture = has_picture and block.language == ""
      assert.is_true(is_output or is_picture or languages[block.language], place_of(block))
    end
    for _, block in ipairs(blocks "json") do
      assert.is_table(cjson.decode(block.text))
    end
  end)

  it("have files for the reader that specs of their own run, or that are examples", function()
    local run = { ["main.lua"] = true, ["ship.sh"] = true, -- ship_spec.lua
      ["tracing.conf"] = true } -- resty/
    for _, block in ipairs(pages.blocks()) do
      local name = pages.file_name(block)
      assert.is_true(not name or run[name] or name:find "^examples/" ~= nil, place_of(block))
    end
  end)

  it("show the plugins of the examples, all of them and to the letter", function()
    local shown = {}
    for _, block in ipairs(pages.blocks "lua") do
      local name = pages.file_name(block)
      if name and name:find "^examples/" then
        assert.equal(helper.read_file(name), block.text, place_of(block))
        shown[#shown + 1] = name
      end
    end
    table.sort(shown)
    local _, names = helper.run { "sh", "-c", "ls examples/apisix/* examples/kong/*" }
    assert.equal(names, table.concat(shown, "\n") .. "\n")
  end)

  it("show C that is in an example", function()
    local host = helper.read_file "examples/embed/host.c"
    for _, block in ipairs(blocks "c") do
      assert.truthy(host:gsub("\n\n", "\n"):find(block.text:gsub("\n\n", "\n"), 1, true), place_of(block))
    end
  end)

  it("begin with twelve lines of Lua", function()
    assert.equal(12, select(2, blocks("lua")[1].text:gsub("\n", "")))
  end)

  for _, block in ipairs(blocks "lua") do
    it("have Lua that runs and prints what it says: " .. place_of(block), function()
      if has(block, "spool = {") and not postevent.features.sqlite then
        return pending "no SQLite"
      end
      if has(block, "relay = {") and not postevent.features.redis then
        return pending "no hiredis"
      end
      local script = helper.new_file(block.text, "page.lua")
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

  for _, block in ipairs(blocks "sh") do
    if kind_of(block) == "relay" then
      it("have a deliverer that runs until it is told to end: " .. place_of(block), function()
        if not postevent.features.redis then
          return pending "no hiredis"
        end
        local server = require("support.redis").start()
        local text = block.text:gsub("127%.0%.0%.1:6379", "127.0.0.1:" .. server.port)
        local child = helper.spawn { "sh", "-euc", "exec " .. text, env = environment() }
        helper.wait_until(function()
          return child:errors():find("delivers the stream postevent", 1, true)
        end)
        child:kill "SIGTERM"
        assert.same({ "exited", 0 }, { child:wait(20) })
      end)
    end
  end

  local ran = 0
  for _, block in ipairs(blocks "sh") do
    if kind_of(block) == "run" then
      ran = ran + 1
      it("have shell commands that work: " .. place_of(block), function()
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

  it("have shell commands enough", function()
    assert.is_true(ran >= 5)
  end)

  it("show how the sandbox is started and stopped", function()
    local count = 0
    for _, block in ipairs(blocks "sh") do
      if kind_of(block) == "sandbox" then
        count = count + 1
        local port = helper.free_port()
        local command, replaced = block.text:gsub("%-%-port " .. PORT, "--port " .. port)
        assert.equal(1, replaced)
        local child = helper.spawn { "sh", "-euc", "exec " .. command, env = environment(false),
          directory = new_directory() }
        helper.wait_until(function()
          return child:output():find("listening on http://127.0.0.1:" .. port, 1, true)
        end)
        child:stop()
        assert.same({ "exited", 0 }, { child:wait() })
      end
    end
    assert.is_true(count >= 1)
  end)

  it("ask the sandbox with curl as it can be asked", function()
    local count = 0
    for _, block in ipairs(blocks "sh") do
      if kind_of(block) == "curl" then
        for line in block.text:gsub("'", ""):gmatch "[^\n]+" do
          local options, path = line:match("^curl (.-)http://127%.0%.0%.1:" .. PORT .. "(/%S*)$")
          local reply = helper.http_request {
            method = options:match "%-X (%u+)", body = options:match "%-d (%S+)", url = sandbox.base .. path,
          }
          assert.equal(200, reply.status, line)
          count = count + 1
        end
      end
    end
    assert.is_true(count >= 4)
  end)

  it("show how definitions are downloaded, without a credential on the command line", function()
    local count = 0
    for _, block in ipairs(blocks "sh") do
      if kind_of(block) == "download" then
        local platform, where = helper.start_sandbox { definitions = "spec/vectors/definitions.json" }, new_directory()
        assert(os.remove(where .. "/events.json"))
        helper.write_file(where .. "/secret.txt", "Basic dGVzdF9kaXY2OWZmZmRkYg==\n")
        local text = block.text:gsub("%-%-cluster CLUSTER", "--api " .. platform.base)
        local status, output, errors = helper.run({ "sh", "-euc", text },
          { env = environment(false), directory = where })
        assert.equal(0, status, errors)
        assert.truthy(output:find("3 events added", 1, true), output)
        assert.truthy(helper.file_exists(where .. "/events.json"))
        count = count + 1
      end
    end
    assert.equal(1, count)
  end)

  it("have a first program that the tools run, too", function()
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
end)
