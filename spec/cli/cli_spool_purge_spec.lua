-- `postevent spool purge`: what it removes, what it leaves, and what it asks.
local where = require "support.where"
if not where.spools() then
  return
end

local children = require "support.children"
local command = require "support.command"
local files = require "support.files"
local helper = require "support.helper"
local rude = require "support.rude"
local spooled = require "support.spooled"

local leave, list, spool, start, track =
  spooled.leave, spooled.list, spooled.command, spooled.start, spooled.track

describe("postevent spool purge", function()
  helper.guard()

  it("removes what it is told to, and counts it", function()
    local _, directory = leave(6, "strict")
    spool(2, "say what: --dead, --pending, --damaged, or several", "purge", directory)
    spool(2, "purge asks, and stdin is no terminal: give --yes", "purge", directory, "--dead")
    spool(2, "--older-than: expected an age", "purge", directory, "--dead", "--older-than", "soon")
    spool(2, "unknown option -1; a value that begins so", "purge", directory, "--dead", "--older-than", "-1d")
    spool(2, "--older-than: expected an age, counted back", "purge", directory, "--dead", "--older-than=-1d")
    spool(2, "--older-than: expected an age", "purge", directory, "--dead", "--older-than", "213503982334602d", "--yes")
    assert.equal("removed 0 dead and 0 pending events\n",
      (spool(0, nil, "purge", directory, "--dead", "--older-than", "1d", "--yes")))
    assert.equal(3, list(directory).dead)
    assert.equal("removed 3 dead and 0 pending events\n",
      (spool(0, nil, "purge", directory, "--dead", "--pending", "--yes")))
    assert.same({}, list(directory).files) -- an empty one goes
  end)

  it("leaves a running program a file that is empty, which goes with it", function()
    local server = rude.start("script", { script = spooled.script })
    local directory = files.new_path "spool"
    local client = start(server.url, directory)
    server:set "refuse"
    track(client, 1, 2)
    assert(client:flush(10))
    assert.equal("removed 2 dead and 0 pending events\n", (spool(0, nil, "purge", directory, "--dead", "--yes")))
    assert(client:close(1))
    assert.same({}, list(directory).files)
  end)

  it("leaves the pending events of a running program, which has them in hand, and removes its dead ones", function()
    local server = rude.start("script", { script = spooled.script })
    local directory = files.new_path "spool"
    local client = start(server.url, directory)
    server:set "strict"
    track(client, 1, 2)
    assert(client:flush(10))
    server:set ""
    track(client, 3, 4)
    local status, output, errors = command.run { "spool", "purge", directory, "--dead", "--pending", "--yes" }
    assert.same({ 1, "removed 1 dead and 0 pending events\n" }, { status, output })
    assert.truthy(errors:find("2 pending events in the hands of running programs stay", 1, true), errors)
    assert.same({ 2, 0 }, { list(directory).pending, list(directory).dead })
    client:close(0)
    assert.equal("removed 0 dead and 2 pending events\n",
      (spool(0, nil, "purge", directory, "--pending", "--yes")))
  end)
end)

describe("postevent spool purge of files that were set aside as damaged", function()
  helper.guard()

  local function set_aside(directory, ...)
    for _, name in ipairs { ... } do
      files.write(("%s/0000000000000000-%s"):format(directory, name), "rubbish")
    end
  end

  local function names(directory)
    local _, output = children.run { "ls", directory }
    return output
  end

  it("removes them, and their logs, and nothing else", function()
    local directory = files.new_directory "spool"
    set_aside(directory, "x.spool.damaged", "x.spool.damaged-wal", "y.spool.damaged", "keep.txt", "z.damage")
    assert.equal("removed 2 damaged files\n", (spool(0, nil, "purge", directory, "--damaged", "--yes")))
    assert.equal("0000000000000000-keep.txt\n0000000000000000-z.damage\n", names(directory))
    assert.equal("removed 0 damaged files\n", (spool(0, nil, "purge", directory, "--damaged")))
  end)

  it("goes with that of events, which alone leaves them and says so", function()
    local _, directory = leave(6, "strict")
    set_aside(directory, "x.spool.damaged")
    local status, output, errors = command.run { "spool", "purge", directory, "--pending", "--yes" }
    assert.same({ 1, "removed 0 dead and 0 pending events\n" }, { status, output })
    assert.truthy(errors:find("x.spool.damaged: it is damaged", 1, true), errors)
    assert.equal("removed 3 dead and 0 pending events, 1 damaged file\n",
      (spool(0, nil, "purge", directory, "--dead", "--damaged", "--yes")))
    assert.equal("", names(directory))
  end)

  it("does not know how old they are", function()
    spool(2, "--older-than is about events", "purge", files.new_directory "spool", "--damaged", "--older-than", "1d")
  end)
end)

-- On a terminal, which `script` makes: what the command says and its status, when somebody types that there.
local function purge_on_terminal(typed, directory)
  local preload = os.getenv "LD_PRELOAD" or "" -- a sanitizer's, for the Lua alone
  local line = ("LD_PRELOAD='%s' '%s' %s spool purge '%s' --dead; echo status $?"):format(preload, children.lua(),
    command.path, directory)
  local _, output = children.run({ "script", "-qec", line, "/dev/null" }, { stdin = typed })
  return output
end

describe("postevent spool purge that asks", function()
  helper.guard()
  if children.run { "sh", "-c", "script --version" } ~= 0 then
    return -- util-linux has it
  end

  it("removes nothing unless the answer is yes", function()
    local _, directory = leave(6, "strict")
    for _, typed in ipairs { "n\n", "\n", "no\n", "yesterday\n", "\4" } do -- the last: the end of what is typed
      local output = purge_on_terminal(typed, directory)
      assert.truthy(output:find("remove 3 dead and 0 pending events for good? [y/N]", 1, true), output)
      assert.truthy(output:find("nothing was removed", 1, true) and output:find("status 1", 1, true), output)
      assert.equal(3, list(directory).dead)
    end
    for _, typed in ipairs { "Y\n", "yes\n" } do
      local output = purge_on_terminal(typed, directory)
      assert.truthy(output:find("status 0", 1, true), output)
      assert.equal(0, list(directory).dead)
    end
  end)
end)

describe("postevent spool in another user's directory", function()
  helper.guard()

  it("looks, but changes nothing, and says whose it is", function()
    local _, directory = leave(6, "strict")
    if children.run { "chown", "65534", directory } ~= 0 then
      return -- no right to
    end
    helper.defer(function()
      assert(children.run { "chown", "0", directory } == 0)
    end)
    assert.equal(3, list(directory).dead)
    local whose = "the directory is that of the user 65534; do this as that user"
    spool(1, whose, "purge", directory, "--dead", "--yes")
    spool(1, whose, "purge", directory, "--damaged", "--yes")
    spool(1, whose, "retry", directory, "--all")
    assert.equal(3, list(directory).dead)
  end)
end)
