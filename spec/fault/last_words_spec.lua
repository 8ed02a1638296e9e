-- A program that loses tracked events and never asked what became of them is told at its end: one line on stderr, which
-- costs it nothing. What asks is told otherwise, and log = false means silence.
local helper = require "support.helper"
local rude = require "support.rude"

local HINT = ". client:close() waits and tells; log = false keeps this line away\n"
local REFUSED = "; the last error: unauthorized: the credentials were not accepted (HTTP 401)"
local TWELVE = "postevent: 12 events were lost when this program ended: 12 pending" .. REFUSED .. HINT

-- What every program of these begins with: `new` makes a client, `track(client, n)` tracks so many events.
local BEGIN = [[
local postevent = require "postevent"
local process = require "support.process"
local url = arg and arg[1] or os.getenv "URL"
local function new(options)
  options = options or {}
  options.url, options.user, options.password = url, "someone", "hunter2"
  return postevent.new(options)
end
local function track(client, count, attributes)
  for i = 1, count do
    local event = { event_name = "e", external_event_id = "id-" .. i }
    for name, value in pairs(attributes or {}) do
      event[name] = value
    end
    assert(client:track(event))
  end
end
]]

-- How a program can end that has a client with twelve events; each writes the same line.
local ENDS = {
  ["the end of the script"] = "",
  ["os.exit()"] = "os.exit(0)",
  ["os.exit() with its state"] = "os.exit(0, true)",
  ["os.exit() in a coroutine"] = "coroutine.wrap(function() os.exit(0) end)()",
  ["a collected client and os.exit()"] = "client = nil collectgarbage() collectgarbage() os.exit(0)",
  ["a collected client and a long life"] = [[
    client = nil
    collectgarbage()
    collectgarbage()
    local other = new()
    assert(other:start() and other:close())
  ]],
}

-- What asks for an account.
local QUESTIONS = {
  "client:close(0)", "client:flush(0)", "client:results()", "client:stats()", "client:metrics()",
}

describe("the end of a program that never asked what became of its events", function()
  helper.guard()
  local server

  setup(function()
    server = rude.start("script", { script = [[
      if request.event.status then
        return { status = request.event.status, body = '{"message":"no: ' .. request.authorization .. '"}' }
      end
      return { status = 401, body = "{}" }
    ]] })
  end)

  -- Runs the program; returns its status and what it wrote to stderr.
  local function run(code)
    local status, output, errors = helper.run_lua({ code = BEGIN .. code }, { server.url }, { leaks = false })
    assert.equal("", output)
    return status, errors
  end

  for ending, code in pairs(ENDS) do
    it("is told in one line how many were lost, and why: " .. ending, function()
      assert.same({ 0, TWELVE }, { run("client = new() track(client, 12) " .. code) })
    end)
  end

  it("is told after an error", function()
    local status, errors = run "client = new() track(client, 12) error('this is the end', 0)"
    assert.equal(1, status)
    assert.equal(TWELVE, errors:sub(-#TWELVE))
    assert.truthy(errors:find("this is the end", 1, true))
    assert.is_nil(errors:sub(1, -#TWELVE - 1):find "postevent: ")
  end)

  it("is told by what outcomes, and of one event as of one", function()
    local _, errors = run "client = new() track(client, 3, { status = 422 }) track(client, 1)"
    assert.truthy(errors:find "^postevent: 4 events were lost when this program ended: 3 rejected, 1 pending; ", errors)
    _, errors = run "client = new() track(client, 1)"
    assert.equal(TWELVE:gsub("12 events were", "1 event was"):gsub("12 pending", "1 pending"), errors)
  end)

  it("is told when there was no answer, and that an event may have arrived", function()
    local silent = rude.start "never_answer"
    local _, _, errors = helper.run_lua({ code = BEGIN .. [[
      local client = new { max_in_flight = 1 }
      track(client, 2)
    ]] }, { silent.url }, { leaks = false })
    assert.equal("postevent: 2 events were lost when this program ended (1 may have arrived): 2 pending; nobody waited "
      .. "for them" .. HINT, errors)
  end)

  it("is told of many clients in one line", function()
    local _, errors = run [[
      clients = {}
      for i = 1, 20 do
        clients[i] = new()
        track(clients[i], 1)
      end
      clients[1] = nil
      collectgarbage()
    ]]
    assert.equal(TWELVE:gsub("12 events", "20 events of 20 clients"):gsub("12 pending", "20 pending"), errors)
  end)

  it("is told although it has a log: no function can be called then", function()
    local status, errors = run [[
      client = new { log = function() io.stderr:write "news\n" end }
      track(client, 12)
    ]]
    assert.same({ 0, TWELVE }, { status, (errors:gsub("news\n", "")) })
  end)

  it("is told of a client that is left with its scope: nobody sees what that returns", function()
    if _VERSION ~= "Lua 5.4" then
      return
    end
    local _, errors = run [[
      do
        local client <close> = new()
        track(client, 1, { status = 422 })
      end
      os.exit(0)
    ]]
    assert.truthy(errors:find("^postevent: 1 event was lost when this program ended: 1 rejected; "), errors)
  end)

  it("is told in a program of C with Lua inside", function()
    local host = package.cpath:match "([^;?]*)/%?%.so" .. "/examples/embed/host"
    for _, ending in ipairs { "", "os.exit(1)" } do
      local script = helper.new_file(BEGIN .. "client = new() track(client, 12) " .. ending, "script.lua")
      local status, _, errors = helper.run({ host, script }, { env = { URL = server.url }, leaks = false })
      assert.same({ ending == "" and 0 or 1, TWELVE }, { status, errors })
    end
  end)

  -- ---- nothing to tell ----

  it("is told nothing where it asked", function()
    for _, question in ipairs(QUESTIONS) do
      assert.same({ 0, "" }, { run("client = new() track(client, 12) " .. question) }, question)
    end
  end)

  it("is told nothing with log = false, whatever happens", function()
    for _, code in pairs(ENDS) do
      assert.same({ 0, "" }, { run("client = new { log = false } track(client, 12) client:track {} " .. code) })
    end
  end)

  it("is told nothing where nothing was lost, and where nothing is sent", function()
    local sandbox = helper.start_sandbox()
    local status, _, errors = helper.run_lua({ code = BEGIN .. "client = new() track(client, 12)" }, { sandbox.url },
      { leaks = false })
    assert.same({ 0, "" }, { status, errors })
    assert.equal(12, #sandbox:events())
    for _, mode in ipairs { "record", "off" } do
      assert.same({ 0, "" }, { run(("client = new { mode = %q } track(client, 12)"):format(mode)) })
    end
    assert.same({ 0, "" }, { run "client = new() client:post { event_name = 'e', external_event_id = 'p' }" })
    assert.same({ 0, "" }, { run "client = new() client:track {}" })
  end)

  -- ---- fork ----

  it("is told in each process of its own", function()
    local _, errors = run([[
      local client = new()
      track(client, 3, { status = 422 })
      local quiet, own = process.fork(), nil
      if quiet == 0 then
        os.exit(0)
      end
      process.wait(quiet)
      own = process.fork()
      if own == 0 then
        track(client, 2, { status = 422 })
        os.exit(0, true)
      end
      process.wait(own)
    ]])
    local lines = {}
    for line in errors:gmatch "[^\n]+" do
      lines[#lines + 1] = line:match "^postevent: (.-);"
    end
    assert.same({
      "2 events were lost when this program ended: 2 rejected",
      "3 events were lost when this program ended: 3 rejected",
    }, lines)
  end)

  -- ---- a stderr that takes nothing ----

  local LOSE = helper.new_file(BEGIN .. "local client = new() track(client, 12)", "lose.lua")

  local function environment(script, more)
    return {
      LUA = helper.lua(), SCRIPT = script, URL = server.url, MORE = more,
      LD_PRELOAD = os.getenv "LD_PRELOAD", -- a sanitizer is the program's business
    }
  end

  -- Runs a line of the shell in which $LUA $SCRIPT $URL is the program. Returns its status.
  local function shell(line, script, more)
    return (helper.run({ "sh", "-c", line }, { env = environment(script, more), timeout = 10, leaks = false }))
  end

  it("takes no descriptor for stderr that is another's by now", function()
    local path = helper.new_file("", "data")
    local script = helper.new_file(BEGIN .. [[
      local file = assert(io.open(os.getenv "MORE", "w")) -- gets the number of stderr, which is closed
      local client = new()
      track(client, 12)
      file:write "data"
      file:flush()
      os.exit(0)
    ]], "script.lua")
    assert.equal(0, shell('"$LUA" "$SCRIPT" "$URL" 2>&-', script, path))
    assert.equal("data", helper.read_file(path))
    assert.equal(0, shell('"$LUA" "$SCRIPT" "$URL" 0<&- 1>&- 2>&-', script, path))
    assert.equal("data", helper.read_file(path))
  end)

  it("is not stopped by a full disk", function()
    assert.equal(0, shell('"$LUA" "$SCRIPT" "$URL" 2>/dev/full', LOSE))
  end)

  it("is not stopped by a pipe that is full and that nobody reads, or that has no reader", function()
    local pipe, ready, go = helper.new_path "pipe", helper.new_path "ready", helper.new_path "go"
    assert.equal(0, (helper.run { "mkfifo", pipe }))
    local full = helper.new_file(BEGIN .. [[
      local client = new()
      io.stderr:write(("x"):rep(65536)) -- a pipe's room
      track(client, 12)
    ]], "script.lua")
    local reader = assert(io.open(pipe, "r+"))
    assert.equal(0, shell('exec "$LUA" "$SCRIPT" "$URL" 2>"$MORE"', full, pipe))
    local orphan = helper.new_file(BEGIN .. ([[
      local client = new()
      io.open(%q, "w"):close()
      while not io.open(%q) do
        process.sleep(0.005)
      end
      track(client, 12)
    ]]):format(ready, go), "script.lua")
    local child = helper.spawn {
      "sh", "-c", 'exec "$LUA" "$SCRIPT" "$URL" 2>"$MORE"',
      env = environment(orphan, pipe),
    }
    helper.wait_until(function()
      return helper.file_exists(ready)
    end)
    reader:close()
    helper.write_file(go, "")
    assert.same({ "exited", 0 }, { child:wait(10) })
  end)

  -- ---- log = "stderr" ----

  it("is told all along with log = \"stderr\", a line for each piece of news, without the credentials", function()
    local _, errors = run [[
      local client = new { log = "stderr" }
      track(client, 1, { status = 403 })
      while client:stats().state ~= "held" do
        process.sleep(0.001)
      end
      for _ = 1, 100 do
        client:stats()
      end
    ]]
    assert.truthy(errors:find "^postevent: warning: delivery is held, 1 pending: [^\n]*403[^\n]*\n$", errors)
    assert.is_nil(errors:find "c29tZW9uZTpodW50ZXIy" or errors:find "hunter2")
  end)

  it("is told nothing of an end of which it asked, but of one of which it did not", function()
    assert.same({ 0, "" }, { run 'client = new { log = "stderr" } track(client, 12) client:close(0)' }, "closed")
    local _, errors = run 'client = new { log = "stderr" } track(client, 12)'
    assert.equal(TWELVE, errors:sub(-#TWELVE))
  end)

  it("is told in text, and in lines that are not endless", function()
    local _, errors = run [[
      local client = new {
        log = "stderr", mode = "record", validation = "warn",
        definitions = { e = { who = "customer", external_event_id = "string" } },
      }
      track(client, 1, { ["a\27[2Jb\n"] = 1, who = "c" })
      require("postevent.options.log") "stderr"("info", "a\27[2Jb\n\194\155é")
      require("postevent.core").notice(("é"):rep(5000))
    ]]
    local lines = {}
    for line in errors:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    assert.same({
      "postevent: warning: an invalid event was sent all the same: a?[2Jb?: unknown attribute",
      "postevent: info: a\\u001b[2Jb\\n\\u009bé", lines[3],
    }, lines)
    assert.truthy(lines[3]:find "^[\195\169]+%.%.%.$", lines[3])
    assert.is_true(#lines[3] % 2 == 1 and #lines[3] > 500 and #lines[3] < 4096)
  end)
end)
