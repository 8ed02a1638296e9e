-- `postevent spool list`, `show`, `export` and `deliver`: the command looks into a spool's directory and empties it,
-- while programs use it and while none does. This process is the program that runs; the command is another one.
local where = require "support.where"
if not where.spools() then
  return
end

local children = require "support.children"
local cjson = require "cjson"
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

local EVIL = "\27[2J\194\155\226\128\174"

local DEFINITIONS = cjson.encode { coin_found = {
  external_event_id = "string", coins = "double",
  phone = { type = "customer", sensitive = true },
} }

describe("postevent spool beside a program that takes over one file after the other", function()
  helper.guard()

  it("says of none that it cannot be read", function()
    local server = rude.start("script", { script = spooled.script })
    local directory = files.new_path "spool"
    for i = 1, 40 do
      local client = start(server.url, directory)
      track(client, i, i)
      client:close(0)
    end
    server:set "open"
    local client = start(server.url, directory)
    client:start()
    while client:stats().pending > 0 or client:stats().delivered < 40 do
      spool(0, nil, "list", directory)
      spool(0, nil, "export", directory)
    end
    client:close()
  end)
end)

describe("postevent spool list", function()
  helper.guard()

  it("counts what a running program has, and says which that is", function()
    local server = rude.start("script", { script = spooled.script })
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
    local server = rude.start("script", { script = spooled.script })
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
    local status, shown = command.run { "spool", "list", directory }
    assert.equal(1, status)
    assert.truthy(shown:find("x.spool.damaged: it is damaged", 1, true), shown)
    assert.truthy(shown:find("y.spool: it is damaged", 1, true), shown)
    assert.truthy(shown:find("\n1 of them set aside as damaged: postevent spool purge DIR --damaged ", 1, true), shown)
    assert.truthy(shown:find("z.spool: a newer release has written it", 1, true), shown)
    local _, output = command.run { "spool", "list", directory, "--json" }
    local all = cjson.decode(output)
    assert.same({ 1, 4 }, { all.damaged, all.pending })
    local errors
    _, output, errors = command.run { "spool", "export", directory }
    assert.equal(4, #ids_of(output))
    assert.truthy(errors:find("newer release", 1, true), errors)
  end)

  it("names a directory and an id in one line, whatever they are called", function()
    spool(2, "DIR: /no\\nwhere: ", "list", "/no\nwhere")
    local _, directory = leave(1)
    local odd = files.new_path "odd" .. "\nname"
    assert.equal(0, children.run { "cp", "-r", directory, odd })
    files.write(odd .. "/0000000000000000-y.spool", ("rubbish"):rep(100))
    local _, output, errors = command.run { "spool", "list", odd }
    assert.is_nil((output .. errors):find("\nname", 1, true))
    assert.truthy((output .. errors):find("odd\\nname/0000000000000000-y.spool: it is damaged", 1, true))
    _, _, errors = command.run { "spool", "retry", odd, "a\nb" }
    assert.truthy(errors:find("there is no dead event a\\nb", 1, true), errors)
    _, _, errors = command.run { "spool", "deliver", odd, "--url", command.nowhere, "--timeout", "0.1" }
    assert.is_nil(errors:find("\nname", 1, true))
  end)

  it("says how old the oldest is, and how large the files are, where it is known", function()
    local _, directory = leave(1)
    local shown = spool(0, nil, "list", directory)
    assert.is_nil(shown:find("now old", 1, true))
    assert.truthy(shown:find ", the oldest of this second; 1 file, %d+ KB" or shown:find "seconds? old; 1 file", shown)
    local aside = files.new_directory "aside"
    files.write(aside .. "/0000000000000000-x.spool.damaged", "rubbish")
    assert.truthy(spool(0, nil, "list", aside):find "0 pending, 0 dead; 1 file\n")
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
    spool(1, "there is no event e2", "show", directory, "e2")
  end)

  it("send the terminal no control character of an event", function()
    local server = rude.start("script", { script = spooled.script })
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
    local first = lines:match '[^\n]*"e1"[^\n]*'
    local reply = expect(0, nil, { "post", "--url", server.url, "--json", "-" }, { stdin = first })
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
  end)

  it("says what is for another endpoint, and sends it to this one when it is told to", function()
    local server, directory = leave(7)
    local other = rude.start "answer"
    local words = (": 7 events are for %s: "):format(server.url)
    deliver(1, words, other, directory)
    deliver(1, words, { url = server.url .. "/" }, directory)
    deliver(1, words, { url = server.url:gsub("^http:", "https:") }, directory)
    assert.equal(7, list(directory).pending)
    local age = list(directory).oldest
    deliver(75, "7 left", { url = command.nowhere }, directory, "--from", server.url, "--timeout", "0.2")
    assert.equal(server.url, list(directory).files[1].endpoint)
    assert.equal(age, list(directory).oldest)
    expect(2, ("--from: nothing here is for http://other/, but for %s"):format(server.url),
      { "spool", "deliver", directory, "--url", other.url, "--from", "http://other" })
    assert.equal(7, list(directory).pending)
    deliver(0, "7 delivered, 0 left", other, directory, "--from", server.url, "--from", other.url)
    assert.equal(7, #other:arrivals())
    assert.same({}, core.spool.files(directory))
    deliver(0, "0 delivered, 0 left", other, directory, "--from", server.url)
  end)

  it("leaves what it has not sent to its endpoint when it is killed, and sends what is for this one", function()
    local server, directory = leave(40)
    local slow = rude.start("script", { script = [[if request.mode == "" then return { status = 503 } end]] })
    local child = children.spawn { children.lua(), command.path, "spool", "deliver", directory, "--url", slow.url,
      "--from", server.url }
    waiting.wait_until(function()
      return #slow:arrivals() > 0
    end, 10, "the first attempt")
    child:kill "SIGKILL"
    child:wait()
    local all = list(directory)
    assert.equal(40, all.pending)
    for _, file in ipairs(all.files) do
      assert.equal(server.url, file.endpoint)
    end
    local client = start(slow.url, directory)
    track(client, 41, 43)
    client:close(0)
    slow:set "open"
    deliver(0, "43 delivered, 0 left", slow, directory, "--from", server.url)
  end)

  it("knows an endpoint by any of its spellings", function()
    local server, directory = leave(3)
    server:set "open"
    local spelled = server.url:gsub("^http", "HTTP") .. "?x=1"
    deliver(0, "3 delivered, 0 left", { url = spelled }, directory)
    local endpoint = require "postevent.options.endpoint"
    for given, wanted in pairs {
      ["HTTP://Example.COM:80"] = "http://example.com/", ["https://u:p@h:0443/A?b=c#d"] = "https://h/A",
      ["https://[::1]:443/x/"] = "https://[::1]/x/", ["http://h:443/"] = "http://h:443/", ["http://h:/"] = "http://h/",
    } do
      assert.equal(wanted, endpoint(given))
    end
  end)

  it("does not take from a running program what is to go elsewhere", function()
    local server, directory = leave(3)
    local client = start(server.url, directory)
    client:start()
    waiting.wait_until(function()
      return client:stats().restored == 3
    end, 10, "the program to adopt the file")
    local other = rude.start "answer"
    deliver(0, "0 delivered, 0 left", other, directory, "--from", server.url)
    assert.equal(3, list(directory).pending)
    client:close(0)
    deliver(0, "3 delivered, 0 left", other, directory, "--from", server.url)
  end)

  it("needs an address, and takes its credential as post does", function()
    local _, directory = leave(1)
    expect(2, "no address to post to", { "spool", "deliver", directory })
    expect(2, "--timeout: expected a number of seconds above 0",
      { "spool", "deliver", directory, "--url", command.nowhere, "--timeout", "0" })
    expect(2, "--timeout: expected a number of seconds above 0, at most 86400",
      { "spool", "deliver", directory, "--url", command.nowhere, "--timeout", "86401" })
    local status, _, errors = command.run { "spool", "deliver", directory, "--url", command.nowhere,
      "--timeout", "3600" }
    assert.same({ 1, true }, { status, errors:find("1 event is for", 1, true) ~= nil }, errors)
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
