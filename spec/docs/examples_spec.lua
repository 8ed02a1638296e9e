-- Every example runs against the sandbox as it stands.
local helper = require "support.helper"
local postevent = require "postevent"
local process = require "support.process"
local rude = require "support.rude"
local screen = require "support.screen"
local where = require "support.where"

local function examples()
  local found = {}
  local _, names = helper.run { "ls", "examples" }
  for name in names:gmatch "%S+%.lua" do
    if name ~= "offline.lua" or where.spools() then
      found[#found + 1] = "examples/" .. name
    end
  end
  return found
end

describe("the example", function()
  helper.guard()
  local sandbox = helper.shared_sandbox { definitions = "examples/events.json" }

  for _, path in ipairs(examples()) do
    it(path .. " runs, and posts", function()
      local env = { POSTEVENT_URL = sandbox.url, POSTEVENT_AUTHORIZATION = false }
      local status, output, errors = helper.run_lua(path, {}, { env = env })
      assert.equal(0, status, errors)
      assert.equal("", errors)
      assert.truthy(output:find("1100", 1, true), output)
      assert.is_true(#sandbox:events() > 0)
      for _, record in ipairs(sandbox:events()) do
        assert.equal("good", record.outcome, record.event.event_name)
      end
    end)
  end

  it("with definitions prints what is wrong with an event, and posts the other", function()
    local env = { POSTEVENT_URL = sandbox.url, POSTEVENT_AUTHORIZATION = false }
    local status, output, errors = helper.run_lua("examples/definitions.lua", {}, { env = env })
    assert.equal(0, status, errors)
    assert.equal("not sent:\n", output:match "^[^\n]*\n")
    assert.equal(5, select(2, output:gsub("\n  %l", "")))
    local events = sandbox:events()
    assert.equal(1, #events)
    assert.equal("14", events[1].event.room_nights)
    assert.equal(36, #events[1].event.external_event_id)
  end)

  it("that make demo runs is one of them", function()
    assert.is_true(helper.file_exists "examples/post_event.lua")
    assert.truthy(helper.read_file("tools/checks.mk"):find("examples/post_event.lua", 1, true))
  end)
end)

-- A sanitizer's library is the Lua's alone; the script starts Redis, too.
if postevent.features.redis and (os.getenv "LD_PRELOAD" or "") == "" then
  describe("the example of a fleet", function()
    helper.guard()

    it("kills some of it, and finds that nothing is missing", function()
      local env = { LUA = helper.lua(), SECONDS_LONG = "2", TMPDIR = helper.new_directory() }
      local status, output, errors = helper.run({ "sh", "examples/fleet/run.sh" }, { env = env, timeout = 120 })
      assert.equal(0, status, output .. errors)
      assert.truthy(output:find("postevent: 0 waiting", 1, true), output)
      local relayed, delivered, refused = output:match "relayed (%d+) = delivered (%d+) %+ rejected or expired (%d+) "
      assert.equal(tonumber(relayed), delivered + refused, output)
      assert.is_true(tonumber(refused) > 0, output)
      assert.truthy(output:find("missing: none", 1, true), output)
    end)
  end)
end

if where.spools() then
  describe("the example of a program that is killed while the network is away", function()
    helper.guard()

    local function play(url)
      local env = { POSTEVENT_URL = url, POSTEVENT_AUTHORIZATION = false, TMPDIR = helper.new_directory() }
      return helper.run_lua("examples/offline.lua", {}, { env = env })
    end

    it("finds every event again, and delivers each once, with its own id", function()
      local sandbox = helper.start_sandbox { definitions = "examples/events.json" }
      local status, output, errors = play(sandbox.url)
      assert.equal("", errors)
      assert.equal(0, status)
      assert.truthy(output:find("20 tracked, 0 delivered, and now kill -9\n2  ", 1, true), output)
      assert.truthy(output:find("20 found on disk, 20 delivered\n", 1, true), output)
      assert.truthy(output:find("of the 20 that the first life tracked, missing: none\n", 1, true), output)
      local ids = {}
      for _, record in ipairs(sandbox:events()) do
        ids[record.event.external_event_id] = (ids[record.event.external_event_id] or 0) + 1
      end
      for number = 1, 20 do
        assert.equal(1, ids["coin-" .. number], "coin-" .. number)
      end
    end)

    it("says what to set where there is no address", function()
      local status, output, errors = play(false)
      assert.equal(2, status)
      assert.equal("", output)
      assert.truthy(errors:find("^set POSTEVENT_URL to the address of your webhook"), errors)
      assert.is_nil(errors:find("traceback", 1, true), errors)
    end)

    it("says so where the platform refuses what it is told", function()
      local server = rude.start("answer", { reply = { status = 422, body = "{}" } })
      local status, output = play(server.url)
      assert.equal(1, status)
      assert.truthy(output:find("missing: coin-", 1, true), output)
    end)
  end)
end

describe("the example of a game's loop", function()
  helper.guard()

  -- Runs it for so long: exit status, what it printed, the milliseconds of the longest frame.
  local function play(url, seconds, prelude)
    local script = { code = ("%s\narg = { '%g' }\ndofile 'examples/game_loop.lua'\n"):format(prelude or "", seconds) }
    local status, output, errors = helper.run_lua(script, {}, { env = { POSTEVENT_URL = url } })
    local longest = output:match "the longest frame: (%d+%.%d+) ms of 16%.67 ms\n"
    return status, output, tonumber(longest), errors
  end

  it("delivers what happened, and says how long the longest frame was", function()
    local sandbox = helper.start_sandbox()
    local status, output, longest, errors = play(sandbox.url, 1)
    assert.equal(0, status, errors)
    assert.equal(9, #sandbox:events())
    assert.truthy(output:find("of 9 events: 9 delivered, 0 rejected, 0 dropped, 0 pending\n", 1, true), output)
    assert.is_true(longest < 100, output)
  end)

  it("runs without LuaSocket, too", function()
    local sandbox = helper.start_sandbox()
    local status, output, _, errors = play(sandbox.url, 1, "package.preload.socket = function() error 'none' end")
    assert.equal(0, status, errors)
    assert.equal(9, #sandbox:events())
    assert.truthy(output:find("of 9 events: 9 delivered, 0 rejected, 0 dropped, 0 pending\n", 1, true), output)
  end)

  it("loses no frame to a platform that does not answer", function()
    local server = rude.start "never_answer"
    local status, output, longest, errors = play(server.url, 0.5)
    assert.equal(1, status)
    assert.truthy(errors:find("not all were delivered: ", 1, true), errors)
    assert.truthy(output:find("of 4 events: 0 delivered, 0 rejected, 0 dropped, 4 pending\n", 1, true), output)
    assert.is_true(longest < 100, output)
  end)
end)

describe("the example of a host with Lua inside", function()
  helper.guard()
  local BUILT = package.cpath:match "([^;]*)/%?%.so" -- of this Lua

  it("tracks events with the core that is linked into it", function()
    local sandbox = helper.start_sandbox { definitions = "examples/events.json" }
    local env = { POSTEVENT_URL = sandbox.url, LUA_CPATH = BUILT .. "/nowhere/?.so" } -- no core.so is to be found
    local host = BUILT .. "/examples/embed/host"
    local status, output, errors = helper.run({ host, "examples/embed/events.lua" }, { env = env })
    assert.equal("", errors)
    assert.equal(0, status)
    assert.equal(5, select(2, output:gsub("ticket %d: delivered, Event is pushed", "")))
    assert.equal(5, #sandbox:events())
    assert.equal("good", sandbox:events()[1].outcome)
    assert.truthy(output:find("all delivered\n", 1, true), output)
  end)

  it("ends when its script fails, with a client that is still open", function()
    local server = rude.start "never_answer"
    local script = helper.new_file(("require('postevent').new { url = '%s' }:track { event_name = 'e' } error 'oh'")
      :format(server.url))
    local status, _, errors = helper.run({ BUILT .. "/examples/embed/host", script })
    assert.equal(1, status)
    assert.truthy(errors:find("host: [^\n]*oh\npostevent: 1 event was lost[^\n]*\n$"), errors)
  end)

  it("meets one name of the library, and no more", function()
    local status, names, errors = helper.run { "nm", "-g", "--defined-only", "-P", BUILT .. "/libpostevent.a" }
    assert.equal(0, status, errors)
    local found = {}
    for name in names:gmatch "\n([^%s%[%]:]+) %u " do
      found[#found + 1] = name
    end
    assert.same({ "luaopen_postevent_core" }, found)
  end)
end)

-- LÖVE is LuaJIT, and loads its core.so.
if rawget(_G, "jit") then
  describe("the example for LÖVE", function()
    helper.guard()

    local COUNT_COLORS = [[
      function love.load(arguments)
        local file = assert(io.open(arguments[1], "rb"))
        local image = love.image.newImageData(love.filesystem.newFileData(file:read "*a", "picture.png"))
        local colors, count = {}, 0
        image:mapPixel(function(x, y, r, g, b, a)
          local color = ("%.3f %.3f %.3f"):format(r, g, b)
          count = colors[color] and count or count + 1
          colors[color] = true
          return r, g, b, a
        end)
        print(image:getWidth(), image:getHeight(), count)
        love.event.quit()
      end
    ]]

    it("delivers every bounce, keeps its frames short, and shows a picture", function()
      local sandbox = helper.start_sandbox { definitions = "examples/events.json" }
      local env, png = screen.environment(), helper.new_path "picture.png"
      env.POSTEVENT_URL = sandbox.url
      local status, output, errors = helper.run({
        "love", "examples/love", "--seconds", "4", "--screenshot", png,
      }, { env = env, timeout = 60 })
      assert.equal(0, status, errors)

      local bounces, delivered = output:match "of (%d+) bounces: (%d+) delivered, 0 rejected, 0 dropped, 0 pending\n"
      assert.is_true(tonumber(bounces) > 3, output)
      assert.equal(bounces, delivered)
      assert.equal(tonumber(bounces), #sandbox:events())
      assert.equal("ball_bounced", sandbox:events()[1].event.event_name)
      assert.equal("good", sandbox:events()[1].outcome)

      local all, client = output:match "frames the longest took (%S+) ms, and the client never more than (%S+) ms"
      assert.is_true(tonumber(all) < 1000, output)
      assert.is_true(tonumber(client) < 100, output)

      local counter = helper.new_directory()
      helper.write_file(counter .. "/main.lua", COUNT_COLORS)
      helper.write_file(counter .. "/conf.lua", "function love.conf(t) t.window = false end")
      local seen, size, trouble = helper.run({ "love", counter, png }, { env = env })
      assert.equal(0, seen, trouble)
      local width, height, colors = size:match "(%d+)\t(%d+)\t(%d+)"
      assert.same({ "960", "600" }, { width, height })
      assert.is_true(tonumber(colors) > 200, size)
    end)

    -- Plays for a second: how long that took, and what was printed. `data`: where LÖVE keeps its files; nil: in a new
    -- home.
    local function play(url, data)
      local env = screen.environment()
      env.POSTEVENT_URL, env.XDG_DATA_HOME = url, data or false
      local started = process.now()
      local argv = { "love", "examples/love", "--seconds", "1" }
      local status, output, errors = helper.run(argv, { env = env, timeout = 60 })
      local elapsed = process.now() - started
      assert.equal(0, status, errors)
      return elapsed, output
    end

    if where.spools() then
      it("keeps its events for the next time where the platform is away, and then delivers them", function()
        local port, data = helper.free_port(), helper.new_directory()
        local url = ("http://127.0.0.1:%d/x"):format(port)
        local elapsed, output = play(url, data)
        local bounces = output:match "of (%d+) bounces: 0 delivered, 0 rejected, 0 dropped, %d+ pending\n"
        assert.truthy(output:find(bounces .. " kept for next time\n", 1, true), output)
        assert.is_true(elapsed < 5, elapsed)
        local server = rude.start("answer", { port = port })
        local _, again = play(url, data)
        local total = again:match(" from last time: (%d+) delivered, 0 rejected, 0 dropped, 0 pending\n")
        assert.truthy(again:find("and " .. bounces .. " from last time", 1, true), again)
        assert.equal(server:requests(), tonumber(total))
      end)

      it("waits no more than a moment for a platform that does not answer", function()
        local elapsed, output = play(rude.start("never_answer").url)
        assert.truthy(output:find("%d kept for next time\n"), output)
        assert.is_true(elapsed > 1.5 and elapsed < 4, elapsed)
      end)
    end

    local NOWHERE = "/dev/null" -- where no directory can be made, and so no spool

    it("quits at once where the platform is away and nothing is kept, and says why", function()
      local elapsed, output = play(("http://127.0.0.1:%d/x"):format(helper.free_port()), NOWHERE)
      assert.truthy(output:find("not all were delivered: .*the platform could not be reached"), output)
      assert.truthy(output:find("\n0 kept for next time\n", 1, true), output)
      assert.is_true(elapsed < 3, elapsed)
    end)

    it("waits no more than two seconds for a platform that does not answer, where nothing is kept", function()
      local elapsed, output = play(rude.start("never_answer").url, NOWHERE)
      assert.truthy(output:find("not all were delivered: ", 1, true), output)
      assert.is_true(elapsed > 3 and elapsed < 5, elapsed)
    end)
  end)
end
