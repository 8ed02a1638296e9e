-- The sender's thread is nobody's burden: it sleeps when there is nothing to do, and takes no signal of the program's.
if not require("support.where").is("lua5.4") then
  return
end

local certificates = require "support.certificates"
local helper = require "support.helper"
local nginx = require "support.nginx"
local process = helper.process
local rude = require "support.rude"
local tracking = require "support.tracking"

local WATCH = 1.5 -- seconds in which nothing may happen

-- The ids of the threads that are not in `before`.
local function new_threads(before)
  local old, found = {}, {}
  for _, id in ipairs(before) do
    old[id] = true
  end
  for _, id in ipairs(process.threads()) do
    if not old[id] then
      found[#found + 1] = id
    end
  end
  return found
end

-- How often the thread has given the processor away, by itself or not.
local function switches(id)
  local status = helper.read_file(("/proc/self/task/%d/status"):format(id))
  return status:match "\nvoluntary_ctxt_switches:%s*(%d+)" + status:match "\nnonvoluntary_ctxt_switches:%s*(%d+)"
end

describe("a sender that has nothing to do", function()
  helper.guard()
  local tls

  setup(function()
    tls = { ca_file = certificates.get().ca_file }
  end)

  -- Fails unless the thread sleeps soundly for `watch` seconds, once it has slept for `first` seconds.
  local function assert_sleeps(id, watch, first)
    helper.wait_until(function()
      local before = switches(id)
      process.sleep(first or 0.05)
      return switches(id) == before
    end, 5, "the thread to go to sleep")
    local before = switches(id)
    process.sleep(watch or WATCH)
    assert.equal(before, switches(id))
  end

  local function start(options)
    local before = process.threads()
    local client = tracking.new(options)
    assert(client:start())
    local ids = new_threads(before)
    assert.equal(1, #ids)
    return client, ids[1]
  end

  it("sleeps: before the first event, after the last, and beside a connection that is kept alive", function()
    local server = nginx.start { { tls = true }, {} }
    local sleepers = {}
    for i, url in ipairs(server.urls) do
      local client, id = start { url = url, tls = tls }
      sleepers[i] = { client, id }
    end
    assert_sleeps(sleepers[1][2], 0.3)
    for _, sleeper in ipairs(sleepers) do
      for i = 1, 50 do
        assert(sleeper[1]:track { event_name = "e", id = i })
      end
      assert(sleeper[1]:flush())
    end
    assert_sleeps(sleepers[1][2])
    assert_sleeps(sleepers[2][2], 0.1)
    local reply = sleepers[1][1]:track { event_name = "e" } -- and wakes up
    assert.is_number(reply)
    assert(sleepers[1][1]:flush())
    assert_sleeps(sleepers[1][2], 0.3)
  end)

  it("sleeps while it is held, cooling or gated, and after that is over", function()
    for _, case in ipairs {
      { "held", 1, { status = 401 } },
      { "cooling", 5, { status = 500 } },
      { "cooling", 1, { status = 429, headers = { ["Retry-After"] = "1" }, body = "{}" } },
    } do
      local state, times, reply = case[1], case[2], case[3]
      local server = rude.start("answer", { reply = reply, times = times })
      local client, id = start { url = server.url, max_in_flight = 1, retry = { initial = 0.001, max = 0.01 } }
      for i = 1, 20 do
        assert(client:track { event_name = "e", id = i })
      end
      helper.wait_until(function()
        return client:stats().state == state
      end, 5, state)
      assert_sleeps(id, 0.3)
      if state == "held" then
        assert(client:set_authorization "Basic dGVzdA==")
      end
      assert(client:flush(10))
      assert.equal("idle", client:stats().state)
      assert_sleeps(id, 0.3)
      client:close()
    end
  end)

  it("sleeps while a transfer waits for its answer", function()
    local client, id = start { url = rude.start("never_answer").url }
    assert(client:track { event_name = "e" })
    tracking.wait_for(client, { in_flight = 1 })
    assert_sleeps(id, 0.5, 0.5) -- libcurl looks after a new connection for 200 ms
  end)
end)

describe("signals", function()
  helper.guard()

  it("are the program's: none is handled on a thread of ours, and none disturbs delivery, flush or close", function()
    local server = nginx.start { { tls = true, extra = "keepalive_requests 20;\n" } }
    process.count_signal "SIGALRM"
    process.count_signal "SIGCHLD"
    process.count_signal "SIGUSR1"
    process.alarm_every(0.0005)
    helper.defer(function()
      process.alarm_every(0)
    end)
    local client = tracking.new {
      url = server.url, tls = { ca_file = certificates.get().ca_file }, -- its name is looked up on a thread, too
      queue = { max_events = 50, overflow = "wait", wait = 20 },
    }
    for i = 1, 2000 do
      assert(client:track { event_name = "e", id = i })
      if i % 200 == 0 then
        process.kill(process.getpid(), "SIGUSR1")
        local pid = process.fork()
        if pid == 0 then
          process._exit(0)
        end
        assert.equal("exited", (process.wait(pid)))
      end
    end
    assert(client:flush(20))
    local ok = client:close(5)
    process.alarm_every(0)
    assert.is_true(ok)
    assert.equal(2000, tracking.assert_balanced(client:stats()).delivered)
    assert.equal(2000, #server:requests(2000))
    assert.is_true(process.signal_count "SIGALRM" > 50)
    assert.equal(10, process.signal_count "SIGUSR1")
    assert.is_true(process.signal_count "SIGCHLD" > 0)
    assert.equal(0, process.stray_signals())
  end)

  it("do not cut a wait short: flush, close and a full queue", function()
    local client = tracking.new {
      url = rude.start("never_answer").url, queue = { max_events = 1, overflow = "wait", wait = 0.2 },
    }
    assert(client:track { event_name = "e" })
    process.count_signal "SIGALRM"
    process.alarm_every(0.001)
    helper.defer(function()
      process.alarm_every(0)
    end)
    for _, call in ipairs {
      function() return client:track { event_name = "e" } end,
      function() return client:flush(0.2) end,
      function() return client:close(0.2) end,
    } do
      local took, done = tracking.timed(call)
      assert.is_nil(done)
      assert.is_true(took >= 0.2 and took < 2, ("took %.3f s"):format(took))
    end
    assert.equal(0, process.stray_signals())
  end)
end)
