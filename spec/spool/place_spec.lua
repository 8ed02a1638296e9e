-- Where a spool is: its directory may be a link, or lie behind one; where it cannot be used, whoever did not ask for
-- silence is told.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local children = require "support.children"
local command = require "support.command"
local documents = require "support.documents"
local files = require "support.files"
local helper = require "support.helper"
local rude = require "support.rude"
local spooled = require "support.spooled"
local tracking = require "support.tracking"

local function link(target)
  local path = files.new_path "link"
  assert(children.run { "ln", "-s", target, path } == 0)
  return path
end

describe("a spool's directory that is", function()
  helper.guard()

  local function assert_works(server, directory, real)
    server:set ""
    local client = spooled.start(server.url, directory)
    spooled.track(client, 1, 20)
    assert.equal("works", client:stats().spool.state)
    assert.equal(20, select(4, client:close(0)).kept)
    assert.equal(20, spooled.list(real).pending)
    assert.equal(20, spooled.list(directory).pending)
    assert.equal(20, #spooled.exported(directory))
    server:set "refuse"
    client = spooled.start(server.url, directory)
    assert(client:start())
    assert(client:flush(10))
    assert.equal(20, tracking.assert_balanced(client:stats()).restored)
    client:close(1)
    spooled.command(0, nil, "retry", directory, "--all")
    server:set "open"
    local status, output, errors = command.run { "spool", "deliver", directory, "--url", server.url }
    assert.equal(0, status, errors)
    assert.truthy(output:find("20 delivered, 0 left", 1, true), output)
    assert.equal(0, spooled.list(real).pending)
  end

  it("a link works as what it points to", function()
    local real = files.new_directory "real"
    assert_works(rude.start("script", { script = spooled.script }), link(real), real)
  end)

  it("behind a link works, made at need", function()
    local above = files.new_directory "above"
    assert_works(rude.start("script", { script = spooled.script }), link(above) .. "/spool", above .. "/spool")
  end)

  it("behind a link that points elsewhere later stays where it was, and loses nothing", function()
    local first, second = files.new_directory "first", files.new_directory "second"
    local server = rude.start("script", { script = spooled.script })
    local path = link(first)
    local client = spooled.start(server.url, path .. "/spool")
    spooled.track(client, 1, 10)
    assert(children.run { "ln", "-sfn", second, path } == 0)
    spooled.track(client, 11, 20)
    assert.equal(20, select(4, client:close(0)).kept)
    assert.equal(20, spooled.list(first .. "/spool").pending)
  end)
end)

-- What a program that tracks three events says on stderr.
local function said(path, options, ending)
  local status, _, errors = children.run_lua({ code = ([[
    local postevent = require "postevent"
    local waiting = require "support.waiting"
    local client = postevent.new { url = arg[1], authorization = "%s", spool = { path = arg[2] }, %s }
    for number = 1, 3 do
      assert(client:track { event_name = "e" })
    end
    %s
  ]]):format(documents.authorization, options or "", ending or [[
    waiting.wait_until(function() return client:stats().spool.state == "fails" end, 10, "the trouble")
    client:close(0)
  ]]) }, { command.nowhere, path })
  assert.equal(0, status, errors)
  return errors
end

describe("a spool that cannot be used", function()
  helper.guard()

  it("is told of once, where nothing is said about a log", function()
    for why, path in pairs {
      ["the directory cannot be looked at: No such file or directory"] = link "/nowhere/at/all",
      ["it is no directory"] = files.write(files.new_path "file", ""),
      ["the directory cannot be made: No such file or directory"] = "/nowhere/at/all",
    } do
      local errors = said(path)
      assert.truthy(errors:find("^postevent: warning: the spool fails, %d pending in memory alone: "), errors)
      assert.truthy(errors:find((": %s (spool.path: %s). log = false"):format(why, path), 1, true), errors)
      assert.equal(1, select(2, errors:gsub("\n", "\n")), errors)
    end
  end)

  it("is not told of where the program has a log, or wants none", function()
    assert.equal("", said("/nowhere/at/all", "log = false"))
    assert.equal("", said("/nowhere/at/all", "log = function() end"))
  end)

  it("is told of at the end of a program that never looked", function()
    local errors = said("/nowhere/at/all", nil, "")
    assert.truthy(errors:find("3 events were lost when this program ended: 3 pending", 1, true), errors)
    assert.truthy(errors:find("; the spool cannot be used: the directory cannot be made: No such", 1, true), errors)
  end)
end)
