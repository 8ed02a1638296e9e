-- `postevent spool` beside files that it cannot look into: those of a newer release, and those on a disk that has
-- nothing left. What is in them is not known, and no word of the command may say that it is nothing.
local where = require "support.where"
if not where.spools() then
  return
end

local children = require "support.children"
local command = require "support.command"
local files = require "support.files"
local helper = require "support.helper"
local spooled = require "support.spooled"

local leave, spool = spooled.leave, spooled.command

local NEWER = "a newer release has written it, and only such a one can use it"

-- A directory with four dead or pending events in a file of a schema that is not known yet.
local function leave_newer()
  local server, directory = leave(4)
  local name = spooled.list(directory).files[1].file
  local file = io.open(directory .. "/" .. name, "r+b")
  file:seek("set", 60) -- user_version, in SQLite's header
  file:write "\0\0\0\99"
  file:close()
  return server, directory, name
end

describe("postevent spool beside a file of a newer release", function()
  helper.guard()

  it("names it, and says of nothing else in it that it is not there", function()
    local _, directory, name = leave_newer()
    local function is_named(...)
      local _, said, errors = command.run { "spool", ... }
      assert.truthy(errors:find(name .. ": " .. NEWER, 1, true), errors)
      assert.is_nil(errors:match("newer.*newer"), errors)
      return said, errors
    end
    local shown = spool(0, nil, "list", directory)
    assert.truthy(shown:find("1 of them cannot be looked into: what is in it is not counted", 1, true), shown)
    assert.truthy(shown:find(NEWER, 1, true), shown)
    assert.equal("nothing to retry: no event is dead in what can be read\n", (is_named("retry", directory, "--all")))
    for _, arguments in ipairs { { "retry", directory, "e1" }, { "retry", directory, "--code", "expired" },
      { "show", directory, "e1" } } do
      local _, errors = is_named((table.unpack or unpack)(arguments))
      assert.truthy(errors:find("there is no [^\n]*event[^\n]* in what can be read\n"), errors)
    end
    assert.equal("removed 0 dead and 0 pending events\n", (is_named("purge", directory, "--dead", "--yes")))
    is_named("export", directory)
  end)

  it("does not deliver it, and says that nobody knows what is in it", function()
    local server, directory, name = leave_newer()
    server:set "open"
    local status, said, errors = command.run { "spool", "deliver", directory, "--url", server.url, "--timeout=5" }
    assert.equal(1, status)
    assert.equal("0 delivered, 0 left\nit is not known what is in 1 file\n", said)
    assert.truthy(errors:find(name .. ": " .. NEWER, 1, true), errors)
    assert.is_nil(errors:match("newer.*newer"), errors)
  end)
end)

describe("postevent spool on a disk that has nothing left", function()
  helper.guard()

  it("does not say that nothing is left, and may be told to try again", function()
    local mount = files.new_path "mount"
    assert.equal(0, children.run { "mkdir", mount })
    if children.run { "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount } ~= 0 then
      return pending "no right to mount"
    end
    helper.defer(function()
      assert.equal(0, children.run { "umount", "-l", mount })
    end)
    local server, directory = leave(4)
    assert.equal(0, children.run { "mv", directory, mount .. "/spool" })
    directory = mount .. "/spool"
    children.run { "sh", "-c", "truncate -s 1 " .. directory .. "/*.lock" } -- nothing in reserve either
    children.run { "dd", "if=/dev/zero", "of=" .. mount .. "/filler", "bs=1k" }
    server:set "open"
    local status, said, errors = command.run { "spool", "deliver", directory, "--url", server.url, "--timeout=1" }
    assert.equal("0 delivered, 0 left\nit is not known what is in 1 file\n", said)
    assert.truthy(errors:find("the disk is full", 1, true), errors)
    assert.equal(75, status)
    assert.equal(0, children.run { "rm", mount .. "/filler" })
    assert.equal("4 delivered, 0 left\n", (spool(0, nil, "deliver", directory, "--url", server.url)))
  end)
end)
