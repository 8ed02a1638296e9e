-- The support of the specs itself: processes, files, the guard, the runner's counts.
local helper = require "support.helper"
local process = helper.process

describe("support.process", function()
  helper.guard()

  it("says how a child ended", function()
    local pid = assert(process.spawn { "sh", "-c", "exit 3" })
    assert.same({ "exited", 3 }, { process.wait(pid, 5) })
    pid = assert(process.spawn { "sleep", "100" })
    assert.is_nil(process.wait(pid, 0))
    process.kill(pid, "SIGTERM")
    assert.same({ "signalled", 15 }, { process.wait(pid, 5) })
  end)

  it("says why a program could not be started", function()
    local pid, message = process.spawn { "/nowhere/nothing" }
    assert.is_nil(pid)
    assert.matches("/nowhere/nothing: No such file", message, 1, true)
  end)

  it("takes a child down with its parent", function()
    local path = helper.new_path()
    local status = helper.run_lua { code = ([[
      local process = require "support.process"
      local file = assert(io.open(%q, "w"))
      file:write(process.spawn { "sleep", "100" })
      file:close()
      process.kill(process.getpid(), "SIGKILL")
    ]]):format(path) }
    assert.equal(128 + 9, status)
    local proc = ("/proc/%s/stat"):format(helper.read_file(path))
    helper.wait_until(function()
      return not helper.file_exists(proc) or helper.read_file(proc):find ") Z"
    end, 5, "the child to die")
  end)

  it("counts signals and puts the old handling back", function()
    local before = process.signal_action "SIGUSR1"
    process.count_signal "SIGUSR1"
    process.kill(process.getpid(), "SIGUSR1")
    assert.equal(1, process.signal_count "SIGUSR1")
    process.restore_signal "SIGUSR1"
    assert.equal(before, process.signal_action "SIGUSR1")
  end)

  it("blocks a signal and sees it pending", function()
    process.count_signal "SIGUSR2"
    assert.is_false(process.block_signal("SIGUSR2", true))
    process.kill(process.getpid(), "SIGUSR2")
    assert.is_true(process.signal_pending "SIGUSR2")
    assert.is_true(process.block_signal("SIGUSR2", false))
    assert.equal(1, process.signal_count "SIGUSR2")
    assert.is_false(process.signal_blocked "SIGUSR2")
  end)

  it("measures", function()
    local start, cpu = process.now(), process.cpu()
    process.sleep(0.01)
    assert.is_true(process.now() - start >= 0.01)
    assert.is_true(process.cpu() - cpu < 0.01)
    assert.is_true(process.thread_count() >= 1)
    assert.is_true(process.rss() > 100000)
    local count = process.fd_count()
    local file = assert(io.open "/dev/zero")
    assert.equal(count + 1, process.fd_count())
    file:close()
  end)
end)

describe("support.helper", function()
  helper.guard()

  it("runs a program with input and environment", function()
    local status, output, errors = helper.run({ "sh", "-c", "cat; echo $WORD >&2; exit 4" },
      { stdin = "some\0bytes", env = { WORD = "yes" } })
    assert.same({ 4, "some\0bytes", "yes\n" }, { status, output, errors })
  end)

  it("kills a program that takes too long", function()
    assert.error_matches(function()
      helper.run({ "sh", "-c", "echo begun; sleep 100" }, { timeout = 0.1 })
    end, "did not end in time.*begun")
  end)

  it("runs this Lua with the modules of this tree", function()
    local status, output = helper.run_lua({ code = [[
      print(_VERSION, jit and "jit", require "support.documents".request_id, arg[1])
    ]] }, { "argument" }, { directory = "/" })
    assert.equal(0, status)
    local expected = { _VERSION, tostring(jit and "jit"), helper.documents.request_id, "argument" }
    assert.equal(table.concat(expected, "\t") .. "\n", output)
  end)

  it("waits for a condition, and says for what in vain", function()
    local calls = 0
    assert.equal("now", helper.wait_until(function()
      calls = calls + 1
      return calls == 3 and "now"
    end))
    assert.error_matches(function()
      helper.wait_until(function() end, 0.01, "the moon")
    end, "waited in vain for the moon")
  end)

  it("finds free ports", function()
    local port = helper.free_port()
    local server = assert(require("socket").bind("127.0.0.1", port))
    server:close()
  end)

  it("stops what was started last first", function()
    local order = {}
    for i = 1, 3 do
      helper.defer(function()
        order[#order + 1] = i
      end)
    end
    helper.stop_all()
    assert.same({ 3, 2, 1 }, order)
  end)

  it("starts a sandbox, and sees the events that it received", function()
    local sandbox = helper.start_sandbox { authorization = helper.documents.authorization }
    assert.equal(401, helper.http_request({ url = sandbox.url, body = "{}" }).status)
    local reply = helper.http_request {
      url = sandbox.url,
      headers = { Authorization = helper.documents.authorization, ["Content-Type"] = "application/json" },
      body = '{"event_name":"be_reserved"}',
    }
    assert.equal(200, reply.status)
    assert.equal("be_reserved", sandbox:events()[1].event.event_name)
    sandbox:reset()
    assert.same({}, sandbox:events())
    assert.matches("be_reserved", sandbox:log())
  end)
end)

-- Runs a spec of its own in another process: its output, and its counts {passed, failed, errors, skipped}.
local function run_spec(body)
  local spec = helper.new_file([[
    local helper = require "support.helper"
    local process = helper.process
    describe("a spec", function()
      helper.guard()
      ]] .. body .. [[
    end)
  ]], "of_its_own_spec.lua")
  local results = helper.new_path "results"
  local status, output, errors = helper.run(
    { helper.lua(), "spec/support/run.lua", "--lpath=", "--cpath=", spec },
    { env = { POSTEVENT_RESULTS = results } })
  local counts = {}
  for count in helper.read_file(results):gmatch "%d+" do
    counts[#counts + 1] = tonumber(count)
  end
  return counts, output .. errors, status
end

describe("the guard", function()
  helper.guard()

  it("passes a test that leaves nothing", function()
    local counts, _, status = run_spec [[
      it("is clean", function()
        helper.spawn { "sleep", "100" }
        io.open("/dev/null"):close()
      end)
    ]]
    assert.same({ 1, 0, 0, 0 }, counts)
    assert.equal(0, status)
  end)

  it("fails a test that leaves a process", function()
    local counts, output, status = run_spec [[
      it("leaves it", function()
        process.spawn { "sleep", "100" }
      end)
    ]]
    assert.same({ 0, 0, 1, 0 }, counts)
    assert.matches("child processes left behind", output)
    assert.matches("leaves it", output)
    assert.equal(1, status)
  end)

  it("fails a test that leaves a descriptor open", function()
    local counts, output = run_spec [[
      local kept
      it("leaves it", function()
        kept = require("socket").bind("127.0.0.1", 0)
        assert.truthy(kept)
      end)
    ]]
    assert.same({ 0, 0, 1, 0 }, counts)
    assert.matches("file descriptors left open: %d+ %(socket", output)
  end)

  it("fails a test that leaves a client open, and closes it", function()
    local counts, output = run_spec [[
      local closed = 0
      local function new()
        local client = newproxy and newproxy(true) or setmetatable({}, {})
        local meta, is_closed = getmetatable(client), false
        meta.__tostring = function() return is_closed and "a client (live, closed)" or "a client (live)" end
        meta.__index = { close = function() is_closed, closed = true, closed + 1 end }
        return client
      end
      setup(function()
        package.loaded["postevent"] = { new = new }
      end)
      it("leaves it", function()
        local client = require("postevent").new()
        assert.truthy(client)
      end)
      it("closes its own", function()
        assert.equal(1, closed)
        require("postevent").new():close()
      end)
    ]]
    assert.same({ 1, 0, 1, 0 }, counts)
    assert.matches("1 client%(s%) left open", output)
  end)

  it("keeps what a setup started until the end of its describe", function()
    local counts, output = run_spec [[
      local child
      setup(function()
        child = helper.spawn { "sleep", "100" }
      end)
      it("is there", function() assert.is_true(child:running()) end)
      it("is there still", function() assert.is_true(child:running()) end)
    ]]
    assert.same({ 2, 0, 0, 0 }, counts, output)
  end)
end)

describe("the runner", function()
  helper.guard()

  it("counts each kind of end", function()
    local counts, output, status = run_spec [[
      it("passes", function() end)
      it("fails", function() assert.equal(1, 2) end)
      it("errs", function() error "oh" end)
      it("is not for here", function() pending "no moon" end)
    ]]
    assert.same({ 1, 1, 1, 1 }, counts)
    assert.matches("FAILED: a spec fails", output, 1, true)
    assert.matches("ERROR: a spec errs", output, 1, true)
    assert.matches("skipped: a spec is not for here.*no moon", output)
    assert.equal(1, status)
  end)

  -- tools/test, with one spec of these words.
  local function run_tools(body, environment)
    local spec = helper.new_file(body, "one_spec.lua")
    local status, output = helper.run({ "tools/test", "--lua", helper.lua(), spec }, { env = environment })
    return output:match "([^\n]*)\n$", status, output
  end

  it("closes with one line of counts", function()
    local last, status = run_tools 'describe("x", function() it("passes", function() end) pending "later" end)'
    assert.same({ "1 passed, 0 failed, 1 skipped", 0 }, { last, status })
  end)

  it("counts a crash as a failure and names the test", function()
    local last, status, output = run_tools [[
      local process = require "support.process"
      describe("x", function()
        it("crashes", function() process.kill(process.getpid(), "SIGKILL") end)
      end)
    ]]
    assert.same({ "0 passed, 1 failed", 1 }, { last, status })
    assert.matches("it was running: x crashes", output, 1, true)
  end)

  local UNSTEADY = [[
    describe("x", function()
      it("passes", function() end)
      it("fails %s", function()
        local before = io.open(%q)
        io.open(%q, "a"):close()
        assert(before, %q)
      end)
    end)
  ]]

  -- What a spec ends with that fails the first time, with these words.
  local function run_unsteady(words, environment)
    local mark = helper.new_path "mark"
    return run_tools(UNSTEADY:format("once", mark, mark, words), environment)
  end

  it("runs what failed once more where it is told so, and says so", function()
    local last, status, output = run_unsteady("too late", { TEST_AGAIN = "1" })
    assert.same({ "2 passed, 0 failed", 0 }, { last, status })
    assert.matches("FAILED: x fails once", output, 1, true)
    assert.matches("\n1 of those that passed did so when they were run again\n", output, 1, true)
  end)

  it("counts what fails twice, what it was not told of, and what a sanitizer or valgrind reports", function()
    local path = helper.new_path "never" .. "/there"
    local always = ('describe("x", function() it("fails", function() assert(io.open(%q)) end) end)'):format(path)
    local last, status = run_tools(always, { TEST_AGAIN = "1" })
    assert.same({ "0 passed, 1 failed", 1 }, { last, status })
    last, status = run_unsteady("too late", { TEST_AGAIN = false })
    assert.same({ "1 passed, 1 failed", 1 }, { last, status })
    for _, words in ipairs { "==1234==ERROR: AddressSanitizer: heap-use-after-free", "x.c:1:1: runtime error: shift",
      "==77== Invalid read of size 8" } do
      last, status = run_unsteady(words, { TEST_AGAIN = "1" })
      assert.same({ "1 passed, 1 failed", 1 }, { last, status })
    end
  end)

  it("counts a spec that cannot be read as a failure", function()
    local last, status = run_tools "this is not Lua"
    assert.same({ "0 passed, 1 failed", 1 }, { last, status })
  end)
end)
