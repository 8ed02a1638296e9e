-- What `postevent import` delivers, what it says of it, and how the same command goes on.
local children = require "support.children"
local cjson = require "cjson"
local command = require "support.command"
local helper = require "support.helper"
local importing = require "support.importing"

local deliver, run, start = importing.deliver, importing.run, importing.start
local assert_each_once = importing.assert_each_once

local function wait_for_arrivals(sandbox, count)
  helper.wait_until(function()
    return #sandbox:events() >= count
  end, 20, count .. " events")
end

describe("postevent import", function()
  helper.guard()
  local sandbox = helper.shared_sandbox {}

  it("gives an event an id of its line and the time of the first run, and leaves what it has", function()
    local path = helper.new_file('{"event_name":"e","n":1}\n{"event_name":"e","n":1}\n'
      .. '{"event_name":"e","n":3,"external_event_id":"own","eventDateTime":"2024-04-11 12:00:00"}\n', "x.jsonl")
    assert.equal(0, (deliver(sandbox, path)))
    local first = importing.sent(sandbox)
    sandbox:reset()
    assert.equal(0, (deliver(sandbox, path, "--restart")))
    local second = importing.sent(sandbox)
    local ids = {}
    for _, events in ipairs { first, second } do
      for _, event in ipairs(events) do
        ids[event.external_event_id] = (ids[event.external_event_id] or 0) + 1
        assert.truthy(event.n == 3 and event.external_event_id == "own" and event.eventDateTime == "2024-04-11 12:00:00"
          or event.external_event_id:find "^%x+%-%x%x%x%x%-8%x%x%x%-[89ab]%x%x%x%-%x+$" and event.eventDateTime)
      end
    end
    local count = 0
    for _, times in pairs(ids) do
      assert.equal(2, times)
      count = count + 1
    end
    assert.equal(3, count)
  end)

  it("fills the id in only where the definition has it as text", function()
    local path = helper.new_file('{"event_name":"a"}\n{"event_name":"b"}\n{"event_name":"c"}\n', "x.jsonl")
    local definitions = importing.definitions_file { a = { c = "customer?", external_event_id = "string?" },
      b = { c = "customer?" }, c = { c = "customer?", external_event_id = "double?" } }
    assert.equal(0, (deliver(sandbox, path, "--definitions", definitions)))
    for _, event in ipairs(importing.sent(sandbox)) do
      assert.equal(event.event_name == "a", event.external_event_id ~= nil)
    end
  end)

  it("fills in what --common does not, by the name that --common gives", function()
    local path = helper.new_file('{"customer_id":"9988776655"}\n{"customer_id":"9988776656"}\n', "x.jsonl")
    local ids = {}
    for _ = 1, 2 do
      assert.equal(0, (deliver(sandbox, path, "--restart", "--definitions", importing.definitions_file(), "--common",
        "event_name=visit", "--common", "eventDateTime=2024-04-11 12:00:00")))
      for _, event in ipairs(importing.sent(sandbox)) do
        ids[#ids + 1] = event.customer_id .. " " .. event.external_event_id
        assert.equal("2024-04-11 12:00:00", event.eventDateTime)
      end
      sandbox:reset()
    end
    table.sort(ids)
    assert.same({ ids[1], ids[1], ids[3], ids[3] }, ids)
  end)

  it("reads a credential once, for all files", function()
    local status, _, errors = run({ "--url", sandbox.url, "--authorization-file", "-", importing.lines(2),
      importing.lines(3) }, { stdin = "Basic eDp5" })
    assert.equal(0, status, errors)
    assert.equal(5, #sandbox:events())
  end)

  it("tells what was not answered where nobody counted before", function()
    sandbox:fault { status = 503 }
    local status, output = deliver(sandbox, importing.lines(3), "--no-check", "--max-age", "0.2")
    assert.equal(75, status)
    assert.truthy(output:find "not answered +3\n", output)
  end)

  it("sends nothing of a file that is another than the one that was checked", function()
    local first, second = importing.lines(300), importing.lines(3)
    sandbox:fault { delay = 0.02 }
    local import = start(sandbox, first, second, "--concurrency", "2")
    wait_for_arrivals(sandbox, 4)
    helper.write_file(second, ('{"event_name":"other","n":9999,"customer_id":"x"}\n'):rep(9))
    sandbox:heal()
    assert.same({ "exited", 75 }, { import:wait(30) })
    assert.truthy(import:errors():find("it has changed since it was checked", 1, true), import:errors())
    assert_each_once(sandbox, 300)
  end)

  it("sends nothing where there are problems, and the others with --skip-bad", function()
    local path = helper.new_file('{"event_name":"e","n":1}\n{"n":2}\n{"event_name":"e","n":2}\n', "x.jsonl")
    local status, output, errors = deliver(sandbox, path)
    assert.equal(1, status)
    assert.equal(path .. ":2: event_name: missing\n", output)
    assert.truthy(errors:find("3 lines, 1 with problems; nothing was sent", 1, true), errors)
    assert.equal(0, #sandbox:events())
    for _, option in ipairs { "--skip-bad", "--no-check" } do
      status, output = deliver(sandbox, path, option, "--restart")
      assert.equal(1, status)
      assert.truthy(output:find "delivered +2\n", output)
      assert.truthy(output:find "not valid +1\n", output)
      assert_each_once(sandbox, 2)
      sandbox:reset()
    end
  end)

  it("counts what was rejected by its reason, and does not send it again", function()
    sandbox:fault { code = 7001, times = 3 }
    local path = importing.lines(10)
    local status, output = deliver(sandbox, path)
    assert.equal(1, status)
    assert.truthy(output:find "delivered +7\n", output)
    assert.truthy(output:find "rejected +3\n", output)
    assert.truthy(output:find "\n  3 +[^\n]*7001", output)
    local errors
    status, output, errors = deliver(sandbox, path)
    assert.equal(1, status)
    assert.truthy(errors:find("10 lines answered in runs before", 1, true), errors)
    assert.truthy(output:find "delivered +7 %(7 of them in runs before%)\n", output)
    assert.truthy(output:find "\n  3 +[^\n]*7001", output)
    assert.equal(10, #sandbox:attempts())
  end)

  it("tells programs in JSON", function()
    local _, output = deliver(sandbox, importing.lines(3), "--log", "json")
    local told = cjson.decode(output)
    assert.same({ "end", 3, 3, 0, 0, true },
      { told.phase, told.read, told.delivered, told.rejected, told.not_answered, told.complete })
  end)

  it("tells programs in JSON whatever it says", function()
    local path = importing.lines(3)
    assert.equal(0, (deliver(sandbox, path)))
    local phases = {}
    local function add(...)
      local status, output, errors = deliver(sandbox, path, "--log", "json", ...)
      for line in (output .. errors):gmatch "[^\n]+" do
        local told = cjson.decode(line)
        phases[#phases + 1] = told.phase
        assert(told.phase ~= "error" or told.status == status and told.message ~= "")
      end
    end
    add()
    add("--map", "x=y", "--map", "x=y")
    helper.write_file(path, "{}\n")
    add "--restart"
    add()
    assert.same({ "end", "skipped", "error", "problem", "checked", "error", "error" }, phases)
  end)

  it("says nothing with --quiet", function()
    local status, output, errors = deliver(sandbox, importing.lines(3), "--quiet")
    assert.same({ 0, "", "" }, { status, output, errors })
  end)

  it("refuses a file that has changed, unless it is to begin anew", function()
    local path = importing.lines(5)
    assert.equal(0, (deliver(sandbox, path)))
    local other = helper.read_file(path):gsub("99", "98")
    for _, text in ipairs { "longer\n", other } do
      helper.write_file(path, text)
      local status, _, errors = deliver(sandbox, path)
      assert.equal(2, status)
      assert.truthy(errors:find("has changed since", 1, true), errors)
      assert.truthy(errors:find("--restart", 1, true), errors)
    end
    assert.equal(5, #sandbox:events())
    assert.equal(0, (deliver(sandbox, path, "--restart")))
    assert.equal(10, #sandbox:events())
  end)

  it("reads a FIFO", function()
    local directory = helper.new_directory()
    local fifo = directory .. "/fifo"
    assert.equal(0, (helper.run { "mkfifo", fifo }))
    local writer = children.spawn { "sh", "-c", ("cat %s >%s"):format(importing.lines(5), fifo) }
    local status, _, errors = deliver(sandbox, fifo)
    assert.equal(0, status, errors)
    assert.equal("exited", (writer:wait(20)))
    assert_each_once(sandbox, 5)
  end)

  it("can be interrupted while nobody writes to a FIFO", function()
    local fifo = helper.new_directory() .. "/fifo"
    assert.equal(0, (helper.run { "mkfifo", fifo }))
    local import = start(sandbox, fifo)
    helper.wait_until(function() -- it catches SIGTERM, which Lua alone does not, and waits
      local status = helper.read_file(("/proc/%d/status"):format(import.pid))
      return status:find "State:%s*S" and tonumber(status:match "SigCgt:%s*%x*(%x)%x%x%x\n", 16) % 8 >= 4
    end, 10, "the import")
    import:kill "SIGINT"
    assert.same({ "exited", 75 }, { import:wait(10) })
    assert.truthy(import:errors():find("interrupted; nothing was sent", 1, true), import:errors())
  end)

  it("does several files in one go", function()
    local status, output, errors = deliver(sandbox, importing.lines(5), importing.lines(6))
    assert.equal(0, status, errors)
    assert.truthy(output:find "delivered +11\n", output)
    assert.equal(2, (deliver(sandbox, importing.lines(5), importing.lines(6), "--journal", "x")))
    local path = importing.lines(5)
    status, output, errors = deliver(sandbox, path, (path:gsub("/([^/]+)$", "/./%1")))
    assert.equal(2, status, output)
    assert.truthy(errors:find("is given twice", 1, true), errors)
  end)

  it("refuses a second import of the file while one runs; Ctrl-C ends that, and it goes on", function()
    sandbox:fault { delay = 0.02 }
    local path = importing.lines(2000)
    local first = start(sandbox, path, "--concurrency", "4")
    wait_for_arrivals(sandbox, 20)
    local status, _, errors = deliver(sandbox, path)
    assert.equal(2, status)
    assert.truthy(errors:find("another import of this file is running (process " .. first.pid .. ")", 1, true), errors)
    first:kill "SIGINT"
    local how, number = first:wait(10)
    assert.same({ "exited", 75 }, { how, number })
    assert.truthy(first:errors():find("interrupted; the same command goes on from here", 1, true), first:errors())
    assert.truthy(#sandbox:events() < 2000)
    sandbox:heal()
    assert.equal(0, (deliver(sandbox, path)))
    assert_each_once(sandbox, 2000)
  end)

  it("ends at once at the second Ctrl-C", function()
    local path = importing.lines(200)
    sandbox:fault { delay = 9 }
    local import = start(sandbox, path, "--concurrency", "4")
    wait_for_arrivals(sandbox, 4)
    import:kill "SIGINT"
    helper.process.sleep(0.3) -- two signals at once are one
    local started = helper.process.now()
    import:kill "SIGINT"
    local how, number = import:wait(10)
    assert.same({ "exited", 75 }, { how, number })
    assert.is_true(helper.process.now() - started < 2)
  end)

  it("stops where nothing is answered any more, and goes on when the platform is there again", function()
    local port = helper.free_port()
    local there = helper.start_sandbox { port = port }
    there:fault { delay = 0.02 }
    local path = importing.lines(500)
    local import = start(there, path, "--concurrency", "4", "--give-up", "1", "--retry-max", "0.1")
    wait_for_arrivals(there, 20)
    local before = there:events()
    there:stop()
    local how, number = import:wait(20)
    assert.same({ "exited", 75 }, { how, number }, import:errors())
    assert.truthy(import:errors():find("no answer for 1 seconds", 1, true), import:errors())
    there = helper.start_sandbox { port = port }
    assert.equal(0, (deliver(there, path)))
    assert.is_true(#before + #there:events() >= 500)
    there:stop()
  end)

  it("delivers where stdout and stderr are closed, and the journal has nothing of what was said", function()
    local path = importing.lines(2000)
    assert.equal(0, (importing.shell('exec "$@" >&- 2>&- <&-', { "--url", sandbox.url, path })))
    assert_each_once(sandbox, 2000)
    local count = 0
    for line in helper.read_file(path .. ".postevent"):gmatch "([^\n]*)\n" do
      count = count + 1
      assert.truthy(line:find(count == 1 and "^postevent import 1\t" or "^%d+\tdelivered\t%x+%-%x+%-8"), line)
    end
    assert.equal(2001, count, helper.read_file(path .. ".postevent"))
  end)

  it("does not send what was added to the file meanwhile, and stops where the file has become shorter", function()
    local path = importing.lines(100)
    sandbox:fault { delay = 0.02 }
    local import = start(sandbox, path, "--concurrency", "2")
    wait_for_arrivals(sandbox, 5)
    local file = assert(io.open(path, "ab"))
    file:write('{"event_name":"visit","n":101}\n')
    file:close()
    assert.same({ "exited", 0 }, { import:wait(20) })
    assert.truthy(import:errors():find("has grown", 1, true), import:errors())
    assert_each_once(sandbox, 100)
    assert.equal(100, #sandbox:events())
    local long = importing.lines(20000)
    import = start(sandbox, long, "--concurrency", "2")
    wait_for_arrivals(sandbox, 110)
    helper.write_file(long, helper.read_file(long):sub(1, 500000))
    sandbox:heal()
    assert.same({ "exited", 75 }, { import:wait(20) })
    assert.truthy(import:errors():find("has become shorter while it was read; put it back", 1, true), import:errors())
  end)

  it("sends nothing of a line at which the reading broke off", function()
    local directory = helper.new_directory()
    local fifo = directory .. "/x.csv"
    assert.equal(0, (helper.run { "mkfifo", fifo }))
    local rows = { "note,event_name,n\n" }
    for i = 1, 3000 do
      rows[i + 1] = ("%s,e,%d\n"):format(("x"):rep(353), 10000 + i)
    end
    local text = table.concat(rows)
    local import = start(sandbox, fifo, "--no-check")
    local writer = assert(io.open(fifo, "r+b")) -- waits for nobody
    writer:write(text:sub(1, 65536)) -- a block, which ends with ",e,10"
    writer:flush()
    wait_for_arrivals(sandbox, 180)
    import:kill "SIGINT"
    assert.same({ "exited", 75 }, { import:wait(15) })
    writer:close()
    local path = helper.new_file(text, "x.csv")
    sandbox:fault { delay = 0.02 }
    import = start(sandbox, path, "--concurrency", "2")
    wait_for_arrivals(sandbox, 190)
    helper.write_file(path, text:sub(1, 18 + 1500 * 362 - 4)) -- which ends so, too
    sandbox:heal()
    assert.same({ "exited", 75 }, { import:wait(20) })
    for _, event in ipairs(importing.sent(sandbox)) do
      assert.equal(5, #event.n)
    end
  end)

  it("keeps credentials out of what it says, and what steers a terminal", function()
    local path = helper.new_file('{"event_name":"e","\27[2J":"\200"}\n', "x\27[2J.jsonl")
    local status, output, errors = run({ "--url", sandbox.url, path }, { env = { POSTEVENT_AUTHORIZATION =
      command.credential } })
    assert.equal(1, status)
    assert.is_nil((output .. errors):find "\27")
  end)
end)
