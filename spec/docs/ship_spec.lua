-- The game that the page ships: built as it says, started from elsewhere, without a checkout in sight.
if not rawget(_G, "jit") then
  return -- LÖVE is LuaJIT
end
local helper = require "support.helper"
local pages = require "support.pages"
local screen = require "support.screen"

describe("the game that ships", function()
  helper.guard()
  local directory

  -- The player quits after half a second.
  local QUIT = [[

local frames, update = 0, love.update
function love.update()
  update()
  frames = frames + 1
  if frames == 30 then
    love.event.quit()
  end
end
]]

  setup(function()
    directory = helper.new_directory()
    local root = helper.process.current_directory()
    assert.equal(0, (helper.run { "mkdir", directory .. "/game" }))
    helper.write_file(directory .. "/game/main.lua", pages.file "main.lua" .. QUIT)
    helper.write_file(directory .. "/game/conf.lua", "function love.conf(t) t.modules.audio = false end")
    local script = pages.file("ship.sh"):gsub("make [^\n]*\n", "", 1) -- it is built
    local status, _, errors = helper.run({ "sh", "-euc", script },
      { env = { CHECKOUT = root }, directory = directory })
    assert.equal(0, status, errors)
    assert.equal(0, (helper.run({ "sh", "-euc", "mv game.love ship/; rm -r game" }, { directory = directory })))
  end)

  local function play(url, ...)
    local argv = { ... }
    argv[#argv + 1] = directory .. (#argv == 0 and "/ship/game" or "/ship/game.love")
    local env = screen.environment()
    env.POSTEVENT_URL, env.LUA_PATH, env.LUA_CPATH = url, false, false
    return helper.run(argv, { env = env, directory = "/", timeout = 60 })
  end

  it("delivers what happened, and quits", function()
    local sandbox = helper.start_sandbox()
    local status, output, errors = play(sandbox.url)
    assert.equal(0, status, errors)
    assert.truthy(output:find("level_ended\tdelivered\n", 1, true), output .. errors)
    assert.equal("level_ended", sandbox:events()[1].event.event_name)
  end)

  it("does the same as a .love with LÖVE's own command", function()
    local sandbox = helper.start_sandbox()
    local status, _, errors = play(sandbox.url, "love")
    assert.equal(0, status, errors)
    assert.equal(1, #sandbox:events())
  end)

  it("quits where there is no network, and does not keep the player", function()
    local began = os.time()
    local status, _, errors = play "http://127.0.0.1:1/webhooks/nobody"
    assert.equal(0, status, errors)
    assert.is_true(os.time() - began < 20)
  end)
end)
