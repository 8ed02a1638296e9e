-- `postevent spool`: the command looks into a spool's directory and puts it in order, while programs use it and while
-- none does. This process is the program that runs; the command is another one.
local where = require "support.where"
if not where.spools() then
  return
end

local children = require "support.children"
local cjson = require "cjson"
local core = require "postevent.core"
local command = require "support.command"
local files = require "support.files"
local helper = require "support.helper"
local posting = require "support.posting"
local process = require "support.process"
local rude = require "support.rude"
local waiting = require "support.waiting"

local expect = command.expect
local EVIL = "\27[2J\194\155\226\128\174"
local REFUSED = '{"status":{"code":1101,"message":"no: +4915112345678 ' .. "\194\155" .. '"},"requestId":"r"}'

-- A server that is away ("", the mode at first), refuses odd numbers ("strict") or takes all ("open").
local SCRIPT = ([[
if request.mode == "" then return { status = 503 } end
if request.mode == "refuse" then return { status = 400, body = %q } end
local number = tonumber(request.id:match "%%d+$")
if request.mode == "strict" and number %% 2 == 1 then return { status = 400, body = %q } end
]]):format(REFUSED, REFUSED)

local DEFINITIONS = cjson.encode { coin_found = {
  external_event_id = "string", coins = "double",
  phone = { type = "customer", sensitive = true },
} }

local function start(url, directory)
  local client = posting.client(url, {
    spool = { path = directory, wait = true }, id_attribute = "external_event_id",
    retry = { initial = 0.01, max = 0.05 },
  })
  local token = helper.defer(function()
    client:close(0)
  end)
  return client, token
end

local function track(client, first, last, more)
  for number = first, last do
    local event = { event_name = "coin_found", external_event_id = "e" .. number, coins = number,
      phone = "+4915112345678" }
    for name, value in pairs(more or {}) do
      event[name] = value
    end
    assert(client:track(event))
  end
end

-- A server; and a directory with so many events, pending, or half of them dead, that a program has left.
local function leave(count, mode)
  local server = rude.start("script", { script = SCRIPT })
  local directory = files.new_path "spool"
  local client = start(server.url, directory)
  if mode then
    server:set(mode)
  end
  track(client, 1, count)
  if mode then
    client:flush(10)
  end
  client:close(0)
  return server, directory
end

local function spool(status, piece, ...)
  return expect(status, piece, { "spool", ... })
end

local function list(directory)
  return cjson.decode((spool(0, nil, "list", directory, "--json")))
end

local function ids_of(lines)
  local ids = {}
  for line in lines:gmatch "[^\n]+" do
    ids[#ids + 1] = cjson.decode(line).external_event_id
  end
  table.sort(ids)
  return ids
end

local function exported(directory, ...)
  return ids_of((spool(0, nil, "export", directory, ...)))
end

describe("postevent spool list", function()
  helper.guard()

  it("counts what a running program has, and says which that is", function()
    local server = rude.start("script", { script = SCRIPT })
    local directory = files.new_path "spool"
    local client = start(server.url, directory)
    track(client, 1, 7)
    local all = list(directory)
    assert.same({ 7, 0, 1 }, { all.pending, all.dead, #all.files })
    local file = all.files[1]
    assert.same({ "works", true, server.url }, { file.state, file.held, file.endpoint })
    assert.equal(process.getpid(), file.pid)
    assert.same({ event_name = "coin_found", pending = 7, dead = 0, oldest = file.oldest }, file.events[1])
    assert.is_true(math.abs(os.time() - file.oldest) < 60)
    local shown = spool(0, nil, "list", directory)
    assert.truthy(shown:find(("process %d"):format(file.pid), 1, true), shown)
    assert.truthy(shown:find "\n  coin_found +7 +0 +", shown)
    track(client, 8, 9)
    assert.equal(9, list(directory).pending)
    client:close(0)
    assert.is_false(list(directory).files[1].held)
    assert.truthy(spool(0, nil, "list", directory):find "held by  nobody")
  end)

  it("sees a sound file at every moment of a program that tracks as fast as it can", function()
    local server = rude.start "answer"
    local directory = files.new_path "spool"
    local client = start(server.url, directory)
    local number = 0
    for _ = 1, 10 do
      local child = children.spawn { children.lua(), command.path, "spool", "list", directory, "--json" }
      repeat
        number = number + 1
        track(client, number, number)
      until not child:running()
      for _, file in ipairs(child:output() ~= "" and cjson.decode(child:output()).files or {}) do
        assert.equal("works", file.state)
      end
    end
    client:close()
  end)

  it("counts the dead by their code, and keeps within 80 columns", function()
    local _, directory = leave(10, "strict")
    local all = list(directory)
    assert.same({ 0, 5, { rejected = 5 } }, { all.pending, all.dead, all.codes })
    for line in spool(0, nil, "list", directory):gmatch "[^\n]+" do
      assert.is_true(#line <= 80 or line:find(directory, 1, true) ~= nil or line:find "^  for " ~= nil, line)
    end
  end)

  it("keeps its columns below each other in every script, and sends no control character", function()
    local server = rude.start("script", { script = SCRIPT })
    local directory = files.new_path "spool"
    local client = start(server.url, directory)
    local names = { plain = 5, ["\230\151\165\230\156\172\232\170\158"] = 6, ["\240\159\142\174x"] = 3,
      ["e\204\129te\204\129"] = 3, ["\224\184\153\224\185\137\224\184\179"] = 2, ["a\226\128\141b"] = 2,
      ["\239\188\161"] = 2, [("\230\151\165"):rep(30)] = 39, ["a\226\128\174b\216\156c"] = 15, ["a\27[2J"] = 10 }
    for name in pairs(names) do
      assert(client:track { event_name = name })
    end
    client:close(0)
    local shown = spool(0, nil, "list", directory)
    assert.is_nil(shown:find "[%z\1-\9\11-\31\127]")
    assert.is_nil(shown:find("\226\128\174", 1, true) or shown:find("\216\156", 1, true))
    local head = shown:match "\n(  EVENT +PENDING)"
    for line in shown:match "\n  EVENT[^\n]*\n(.*)":gmatch "[^\n]+" do
      local name, gap = line:match "^  (%S+)( +1)"
      local columns = names[name] or name:find("...", 1, true) and 39 or #name
      assert.equal(#head, 2 + columns + #gap, line)
    end
  end)

  it("names damaged files and those of a newer release, and counts the others", function()
    local _, directory = leave(4)
    local file = list(directory).files[1].file
    files.write(directory .. "/0000000000000000-x.spool.damaged", "rubbish")
    files.write(directory .. "/0000000000000000-y.spool", ("rubbish"):rep(100))
    assert.equal(0, children.run { "sh", "-c", ("cp '%s/%s' '%s/%s'"):format(directory, file, directory,
      "0000000000000000-z.spool") })
    local newer = io.open(directory .. "/0000000000000000-z.spool", "r+b")
    newer:seek("set", 60) -- user_version, in SQLite's header
    newer:write "\0\0\0\99"
    newer:close()
    local shown = spool(0, nil, "list", directory)
    assert.truthy(shown:find("x.spool.damaged: it is damaged", 1, true), shown)
    assert.truthy(shown:find("y.spool: it is damaged", 1, true), shown)
    assert.truthy(shown:find("\n1 of them set aside as damaged: postevent spool purge DIR --damaged ", 1, true), shown)
    assert.equal(1, list(directory).damaged)
    assert.truthy(shown:find("z.spool: a newer release has written it", 1, true), shown)
    assert.equal(4, list(directory).pending)
    local _, output, errors = command.run { "spool", "export", directory }
    assert.equal(4, #ids_of(output))
    assert.truthy(errors:find("newer release", 1, true), errors)
  end)

  it("says what is wrong with the directory", function()
    spool(2, "DIR: /nowhere: the directory cannot be looked at: No such file", "list", "/nowhere")
    spool(2, "it is no directory", "list", helper.new_file "x")
    assert.equal(0, list(files.new_directory "empty").pending)
  end)
end)

describe("postevent spool show and export", function()
  helper.guard()

  it("show an event with its end, and mask what is sensitive, in the reply too", function()
    local _, directory = leave(3, "strict")
    local definitions = helper.new_file(DEFINITIONS, ".json")
    local shown, errors = spool(0, nil, "show", directory, "e3", "--definitions", definitions)
    for _, piece in ipairs { "state     dead: rejected", "code      rejected", "HTTP      400", '"e3"',
      "phone", "%*%*%*", "ended     %d%d%d%d%-" } do
      assert.truthy(shown:find(piece), piece .. " is not in " .. shown)
    end
    assert.is_nil(shown:find("4915112345678", 1, true), shown)
    assert.equal("", errors)
    shown = spool(0, nil, "show", directory, "e3", "--definitions", definitions, "--show-sensitive")
    assert.truthy(shown:find('phone +"%+4915112345678"'), shown)
    _, errors = spool(0, nil, "show", directory, "e3")
    assert.truthy(errors:find("nothing is known to be sensitive", 1, true), errors)
    spool(1, "there is no event of that id", "show", directory, "e2")
  end)

  it("send the terminal no control character of an event", function()
    local server = rude.start("script", { script = SCRIPT })
    local directory = files.new_path "spool"
    local client = start(server.url, directory)
    track(client, 1, 1, { event_name = "x" .. EVIL, external_event_id = "e1" .. EVIL, ["n" .. EVIL] = EVIL })
    for _, arguments in ipairs {
      { "list" }, { "list", "--json" }, { "show" }, { "show", "e1" .. EVIL }, { "export" },
    } do
      local shown = spool(0, nil, arguments[1], directory, arguments[2])
      assert.is_nil(shown:find("[%z\1-\9\11-\31\127]"), shown)
      assert.is_nil(shown:find("\194\155", 1, true) or shown:find("\226\128\174", 1, true), shown)
    end
    assert.equal("e1" .. EVIL, cjson.decode((spool(0, nil, "export", directory))).external_event_id)
  end)

  it("export what check and post read", function()
    local server, directory = leave(6, "strict")
    local lines = spool(0, nil, "export", directory)
    assert.same({ "e1", "e3", "e5" }, ids_of(lines))
    assert.same({}, exported(directory, "--pending"))
    assert.same({ "e1", "e3", "e5" }, exported(directory, "--dead"))
    local definitions = helper.new_file(DEFINITIONS, ".json")
    local checked = expect(0, nil, { "check", "--definitions", definitions, "-" }, { stdin = lines })
    assert.equal("3 events, 0 with problems\n", checked)
    server:set "open"
    local reply = expect(0, nil, { "post", "--url", server.url, "--json", "-" }, { stdin = lines:match "[^\n]+" })
    assert.equal("e1", cjson.decode(reply).event_id)
    local bodies = {}
    for _, arrival in ipairs(server:arrivals()) do
      bodies[#bodies + 1] = arrival.id == "e1" and cjson.decode(arrival.body) or nil
    end
    assert.equal(2, #bodies)
    assert.same(bodies[1], bodies[2]) -- its time too
  end)

  it("call an event without an id by its row", function()
    local server = rude.start("script", { script = "return { status = 503 }" })
    local directory = files.new_path "spool"
    local client = posting.client(server.url, { spool = { path = directory, wait = true }, stamp = false })
    helper.defer(function()
      client:close(0)
    end)
    assert(client:track { event_name = "e", external_event_id = "given" })
    assert(client:track { event_name = "e" })
    local reference = spool(0, nil, "show", directory):match "(%w+:p2)\n"
    assert.truthy(spool(0, nil, "show", directory, reference):find "row 2\n")
  end)
end)

describe("postevent spool retry", function()
  helper.guard()

  it("puts dead events back while none runs, and the next program delivers them as they were", function()
    local server, directory = leave(6, "strict")
    spool(2, "say which", "retry", directory)
    spool(1, "there is no dead event e2", "retry", directory, "e2")
    spool(1, "there is no such dead event", "retry", directory, "--code", "timeout")
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
    local other = rude.start("script", { script = SCRIPT })
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
    local server = rude.start("script", { script = SCRIPT })
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

describe("postevent spool purge", function()
  helper.guard()

  it("removes what it is told to, and counts it", function()
    local _, directory = leave(6, "strict")
    spool(2, "say what: --dead, --pending, --damaged, or several", "purge", directory)
    spool(2, "purge asks, and stdin is no terminal: give --yes", "purge", directory, "--dead")
    spool(2, "--older-than: expected an age", "purge", directory, "--dead", "--older-than", "soon")
    assert.equal("removed 0 dead and 0 pending events\n",
      (spool(0, nil, "purge", directory, "--dead", "--older-than", "1d", "--yes")))
    assert.equal(3, list(directory).dead)
    assert.equal("removed 3 dead and 0 pending events\n",
      (spool(0, nil, "purge", directory, "--dead", "--pending", "--yes")))
    assert.same({}, list(directory).files) -- an empty one goes
  end)

  it("leaves the pending events of a running program, which has them in hand, and removes its dead ones", function()
    local server = rude.start("script", { script = SCRIPT })
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

describe("postevent spool deliver", function()
  helper.guard()

  local function deliver(status, piece, server, directory, ...)
    local arguments = { "spool", "deliver", directory, "--url", server.url, ... }
    local got, output, errors = command.run(arguments)
    assert.equal(status, got, output .. errors)
    assert.truthy((output .. errors):find(piece, 1, true), output .. errors)
  end

  it("sends all that is there, and ends with 0", function()
    local server, directory = leave(20)
    local half = list(directory).files[1].file:gsub("%-.*", "-0-whose-maker-was-killed.spool")
    files.write(directory .. "/" .. half, "")
    server:set "open"
    deliver(0, "20 delivered, 0 left", server, directory)
    assert.same({}, core.spool.files(directory))
    deliver(0, "0 delivered, 0 left", server, directory)
  end)

  it("ends with 1 where some are refused, and with 75 where some are left", function()
    local server, directory = leave(20)
    deliver(75, "20 left", server, directory, "--timeout", "0.3")
    assert.equal(20, list(directory).pending)
    server:set "strict"
    deliver(1, "10 delivered, 10 rejected, 0 left", server, directory)
    assert.same({ 0, 10 }, { list(directory).pending, list(directory).dead })
  end)

  it("leaves alone what another endpoint or a running program has", function()
    local server, directory = leave(3)
    local client = start(server.url .. "?secret=x", directory)
    client:start()
    waiting.wait_until(function()
      return client:stats().restored == 3
    end, 10, "the program to adopt the file")
    deliver(0, "3 more in the hands of running programs", server, directory)
    client:close(0)
    local other = rude.start "answer"
    deliver(0, "0 delivered, 0 left", other, directory)
    assert.equal(3, list(directory).pending)
  end)

  it("needs an address, and takes its credential as post does", function()
    local _, directory = leave(1)
    expect(2, "no address to post to", { "spool", "deliver", directory })
    expect(2, "--timeout: expected a number of seconds above 0",
      { "spool", "deliver", directory, "--url", command.nowhere, "--timeout", "0" })
    expect(2, "DIR: /nowhere", { "spool", "deliver", "/nowhere", "--url", command.nowhere })
  end)
end)

describe("the help of postevent spool", function()
  local ACTIONS = { "list", "show", "retry", "export", "purge", "deliver" }
  local page

  setup(function()
    page = files.read "docs/reference/command.md":match "\n## Spool\n(.-)\n## "
  end)

  it("and docs/reference/command.md have the same commands, and their options", function()
    local help = spool(0, nil, "--help")
    for _, action in ipairs(ACTIONS) do
      assert.truthy(help:find("\n   " .. action .. " ", 1, true), action)
      local row = page:match("\n(| `postevent spool " .. action .. " [^\n]*)")
      assert.truthy(row, action .. " is not in command.md")
      for flag in spool(0, nil, action, "--help"):gmatch "\n   [-, h]*(%-%-[%l-]+)" do
        local is_common = flag == "--help" or (action == "deliver" and flag ~= "--timeout")
        assert.truthy(is_common or row:find("`" .. flag, 1, true), action .. " " .. flag .. " is not in command.md")
      end
      for flag in row:gmatch "`(%-%-[%l-]+)" do
        assert.truthy(spool(0, nil, action, "--help"):find(flag, 1, true), action .. " has no " .. flag)
      end
    end
  end)

  it("keeps within 90 columns, as that of every command", function()
    for _, action in ipairs(ACTIONS) do
      for line in spool(0, nil, action, "--help"):gmatch "[^\n]+" do
        assert.is_true(#line <= 90, line)
      end
    end
  end)
end)
