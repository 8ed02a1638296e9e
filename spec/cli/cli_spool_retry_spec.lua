-- `postevent spool retry`: dead events become pending again, and none is lost on the way.
local where = require "support.where"
if not where.spools() then
  return
end

local children = require "support.children"
local command = require "support.command"
local core = require "postevent.core"
local files = require "support.files"
local helper = require "support.helper"
local posting = require "support.posting"
local process = require "support.process"
local rude = require "support.rude"
local spooled = require "support.spooled"
local waiting = require "support.waiting"

local expect = command.expect
local exported, ids_of, leave, list, spool, start, track =
  spooled.exported, spooled.ids_of, spooled.leave, spooled.list, spooled.command, spooled.start, spooled.track

describe("postevent spool retry", function()
  helper.guard()

  it("puts dead events back while none runs, and the next program delivers them as they were", function()
    local server, directory = leave(6, "strict")
    spool(2, "say which", "retry", directory)
    spool(1, "there is no dead event e2", "retry", directory, "e2")
    spool(1, "there is no such dead event", "retry", directory, "--code", "timeout")
    assert.equal("nothing to retry: no event is dead\n", (spool(0, nil, "retry", files.new_directory "none", "--all")))
    local said = spool(0, nil, "retry", directory, "e1")
    assert.equal("1 event is pending again; a program takes them when it starts, or postevent spool deliver\n", said)
    assert.same({ "e1" }, exported(directory, "--pending"))
    assert.same({ "e3", "e5" }, exported(directory, "--dead"))
    spool(0, nil, "retry", directory, "--code", "rejected")
    assert.same({ "e1", "e3", "e5" }, exported(directory, "--pending"))
    assert.equal(0, list(directory).dead)
    server:set "open"
    local client = start(server.url, directory)
    client:start()
    assert(client:flush(10))
    assert.equal(3, client:stats().delivered)
    client:close()
    local bodies = {}
    for _, arrival in ipairs(server:arrivals()) do
      assert.equal(bodies[arrival.id] or arrival.body, arrival.body)
      bodies[arrival.id] = arrival.body
    end
    assert.same({}, list(directory).files)
  end)

  it("knows those that have expired by that word, and says which there are", function()
    local server, directory = leave(3, "refuse")
    server:set ""
    local client = posting.client(server.url, {
      spool = { path = directory, max_age = 0.05 }, id_attribute = "external_event_id",
      retry = { initial = 0.01, max = 0.02 },
    })
    track(client, 4, 5)
    assert(client:flush(10))
    client:close(0)
    assert.same({ expired = 2, rejected = 3 }, list(directory).codes)
    assert.truthy(spool(0, nil, "list", directory):find("dead     expired 2, rejected 3", 1, true))
    spool(1, "there is no such dead event; there are expired, rejected", "retry", directory, "--code", "expird")
    spool(0, nil, "retry", directory, "--code", "expired")
    assert.same({ "e4", "e5" }, exported(directory, "--pending"))
    assert.same({ "e1", "e2", "e3" }, exported(directory, "--dead"))
  end)

  it("leaves one file, however often it runs", function()
    local server, directory = leave(40, "strict")
    for number = 1, 39, 2 do
      spool(0, nil, "retry", directory, "e" .. number)
      assert.equal(1, #list(directory).files)
    end
    assert.same({ 20, 0 }, { list(directory).pending, list(directory).dead })
    server:set "open"
    spool(0, nil, "deliver", directory, "--url", server.url)
    assert.same({}, list(directory).files)
  end)

  it("writes into no file of a running program, nor of another endpoint", function()
    local server, directory = leave(4, "strict")
    local other = rude.start("script", { script = spooled.script })
    local client, running = start(other.url, directory), start(server.url, directory)
    track(client, 5, 5)
    client:close(0)
    track(running, 6, 6)
    running:set_mode("off", "keep") -- it adopts nothing for 30 seconds now
    local before = {}
    for _, file in ipairs(list(directory).files) do
      before[file.file] = file.pending
    end
    spool(0, nil, "retry", directory, "--all")
    local more = 0
    for _, file in ipairs(list(directory).files) do
      if before[file.file] and (file.held or file.endpoint == other.url) then
        assert.equal(before[file.file], file.pending)
      else
        assert.equal(server.url, file.endpoint)
        more = more + file.pending
      end
    end
    assert.equal(2, more)
    running:close(0)
  end)

  it("takes them from the file of a running program, which goes on and whose accounts stay right", function()
    local server = rude.start("script", { script = spooled.script })
    local directory = files.new_path "spool"
    local client = start(server.url, directory)
    server:set "strict"
    track(client, 1, 6)
    assert(client:flush(10))
    waiting.wait_until(function()
      return client:stats().spool.dead == 3
    end, 5, "the dead letters to be on disk")
    local said = spool(0, nil, "retry", directory, "--all")
    assert.equal("3 events are pending again; a running program takes them within 30 seconds\n", said)
    track(client, 8, 8)
    assert(client:flush(10))
    waiting.wait_until(function()
      return client:stats().spool.dead == 0
    end, 5, "the program to see that its dead letters are gone")
    assert.same({ "works", 0 }, { client:stats().spool.state, client:stats().spool.failures })
    assert.same({ 3, 0 }, { list(directory).pending, list(directory).dead })
    server:set "open"
    local other = start(server.url, directory) -- adopts at once: nobody waits for 30 seconds here
    other:start()
    assert(other:flush(10))
    assert.equal(3, other:stats().restored)
    other:close()
    client:close()
    assert.same({}, list(directory).files)
  end)

  -- How many are pending in all files.
  local function pending_in(directory)
    local count = 0
    for _, entry in ipairs(core.spool.files(directory)) do
      local file = core.spool.open(directory, entry.name, "look")
      count = count + (file and file:about().pending or 0)
      if file then
        file:close()
      end
    end
    return count
  end

  -- Starts it on a copy of the directory, and kills it so many seconds after the first are pending. `holds`: the file
  -- is held meanwhile, as a running program has it; a new one is made.
  local function kill_in(copy, original, seconds, holds)
    assert.equal(0, children.run { "sh", "-c", ("rm -rf '%s'; cp -r '%s' '%s'"):format(copy, original, copy) })
    local held = holds and assert(core.spool.open(copy, core.spool.files(copy)[1].name, "claim"))
    local child = children.spawn {
      children.lua(), command.path, "spool", "retry", copy, "--all", stop_signal = "SIGKILL",
    }
    waiting.wait_until(function()
      return pending_in(copy) > 0 or not child:running()
    end, 10, "the first to be pending")
    process.sleep(seconds)
    child:kill "SIGKILL"
    child:wait(10)
    if held then
      held:close()
    end
  end

  -- Each id once, and how many were there.
  local function distinct(directory)
    local output, errors = spool(0, nil, "export", directory) -- a file that was half made is not worth a word
    assert.equal("", errors)
    local seen, ids, count = {}, {}, 0
    for _, id in ipairs(ids_of(output)) do
      ids[#ids + 1] = not seen[id] and id or nil
      seen[id] = true
      count = count + 1
    end
    return ids, count
  end

  it("loses nothing when it is killed in the middle, and keeps copies at most", function()
    if not where.is("lua5.4", "luajit") then
      return
    end
    local server, directory = leave(600, "refuse")
    local wanted, copy = exported(directory, "--dead"), files.new_path "copy"
    assert.equal(600, #wanted)
    math.randomseed(20261126)
    local in_the_middle = 0
    for round = 1, 30 do
      kill_in(copy, directory, 0.02 * math.random(), round % 2 == 0)
      local ids, count = distinct(copy)
      assert.same(wanted, ids)
      assert.is_true(count <= 600 + 64, count .. " are there")
      local all = list(copy)
      in_the_middle = in_the_middle + (all.dead > 0 and all.pending > 0 and 1 or 0)
    end
    assert.is_true(in_the_middle > 0, "no kill came in the middle")
    server:set "open"
    if list(copy).dead > 0 then -- the last kill may have come behind the end
      expect(0, nil, { "spool", "retry", copy, "--all" })
    end
    expect(0, nil, { "spool", "deliver", copy, "--url", server.url })
    assert.same({}, list(copy).files)
  end)
end)
