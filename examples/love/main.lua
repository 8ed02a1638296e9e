-- Balls that bounce, and every bounce is an event. The game hands it over and goes on; a thread of the client posts it.
-- A ring shows where an event came from: amber while it is on its way, green when it was delivered, red when not.
--
-- In a checkout, with a sandbox:
--   make LUAS=luajit && eval "$(make -s env LUA=luajit)" && LUA=luajit tools/with-sandbox love examples/love
-- --seconds N ends it after so long, --screenshot FILE writes the last picture (PNG), --size 1280x800 is the window's.
local picture = require("picture")
local postevent = require("postevent")

local FRAME_TIME = 1 / 60
local GRAVITY = 700
local WARM_UP = 1 -- seconds in which fonts and shaders are loaded: frames are counted and shown after it
local PATIENCE = 2 -- seconds: what a player waits at most for the last events, and sees why
local FAREWELL = 0.8 -- the same where they are kept for the next time

local client
local give_up -- when the wait for the last events ends; nil: nobody wants to quit
local options = {}
local game = {
  balls = {},
  rings = {}, -- where something bounced: { x =, y =, age =, outcome = nil until it is known, since = }
  results = {}, -- the last ones, newest first
  frames = {}, -- of the last frames: { all =, client = } in seconds
  seconds = 0, -- since the start
  count = 0, -- of frames after the warm-up
  ending = nil, -- why the game waits
  longest = { all = 0, client = 0 },
}
local rings_by_ticket = {}
local client_time -- of this frame

-- What the frame spends with the client.
local function timed(action, ...)
  local started = love.timer.getTime()
  local result = action(...)
  client_time = client_time + love.timer.getTime() - started
  return result
end

-- ---- events and results ----

local function bounced(ball, wall)
  local speed = math.sqrt(ball.vx ^ 2 + ball.vy ^ 2)
  local ticket = timed(client.track, client, {
    event_name = "ball_bounced", customer_id = "player-1", ball = ball.name, wall = wall, speed = math.floor(speed),
  })
  if ticket then -- nil: it was refused; stats() counts it
    local ring = { x = ball.x, y = ball.y, radius = ball.radius, age = 0, text = ball.name .. ", " .. wall }
    table.insert(game.rings, ring)
    rings_by_ticket[ticket] = ring
  end
end

local function read_results()
  for result in client:results() do
    local ticket = result.ticket or 0 -- none: from the last time
    local ring = rings_by_ticket[ticket]
    rings_by_ticket[ticket] = nil
    if ring then
      ring.outcome, ring.since = result.outcome, 0
      result.text = ring.text
    elseif result.restored then
      result.text = "last time"
    end
    table.insert(game.results, 1, result)
    game.results[picture.ROWS + 1] = nil
  end
end

-- ---- the game ----

local function add_ball(name, color, radius, x, vx)
  table.insert(game.balls, {
    name = name, color = color, radius = radius, x = x, y = radius + 40, vx = vx, vy = 0, trail = {},
  })
end

local function move(ball, dt)
  local width, height = picture.ARENA.width, picture.ARENA.height
  ball.vy = ball.vy + GRAVITY * dt
  ball.x, ball.y = ball.x + ball.vx * dt, ball.y + ball.vy * dt
  if ball.x < ball.radius or ball.x > width - ball.radius then
    ball.x = math.max(ball.radius, math.min(ball.x, width - ball.radius))
    ball.vx = -ball.vx
    bounced(ball, ball.vx > 0 and "left" or "right")
  end
  if ball.y > height - ball.radius then
    ball.y = height - ball.radius
    ball.vy = -love.math.random(520, 660) -- so that it never comes to rest
    bounced(ball, "floor")
  end
  table.insert(ball.trail, 1, { ball.x, ball.y })
  ball.trail[picture.TRAIL + 1] = nil
end

local function age_rings(dt)
  for i = #game.rings, 1, -1 do
    local ring = game.rings[i]
    ring.age = ring.age + dt
    ring.since = ring.since and ring.since + dt
    if ring.since and ring.since > picture.RING_SECONDS then
      table.remove(game.rings, i)
    end
  end
end

local function read_options(arguments)
  for i = 1, #arguments, 2 do
    local name = arguments[i]:match("^%-%-(.*)$")
    assert(name == "seconds" or name == "screenshot" or name == "size",
      "usage: love examples/love [--seconds N] [--screenshot FILE] [--size WIDTHxHEIGHT]")
    options[name] = assert(arguments[i + 1], arguments[i] .. " needs a value")
  end
  options.seconds = options.seconds and assert(tonumber(options.seconds), "--seconds needs a number")
  if options.size then
    local width, height = options.size:match("^(%d+)x(%d+)$")
    love.window.setMode(assert(tonumber(width), "--size needs WIDTHxHEIGHT"), tonumber(height), { resizable = true })
  end
end

local function quit_with_screenshot(image)
  local file = assert(io.open(options.screenshot, "wb"))
  assert(file:write(image:encode("png"):getString()))
  assert(file:close())
  love.event.quit()
end

-- Where events are kept: on disk before they are sent, so that what is pending when the window is closed goes out the
-- next time. nil: postevent was built without SQLite.
local function spool()
  local name = "events.spool"
  if postevent.features.sqlite and love.filesystem.createDirectory(name) then -- with those above it
    return { path = love.filesystem.getSaveDirectory() .. "/" .. name, max_bytes = 16 * 1024 * 1024 }
  end
end

-- ---- what LÖVE calls ----

function love.load(arguments)
  read_options(arguments)
  client = postevent.new {
    url = os.getenv("POSTEVENT_URL"), -- the address of your webhook
    authorization = os.getenv("POSTEVENT_AUTHORIZATION"), -- the Authorization header's value, if it asks for one
    queue = { max_events = 1000, overflow = "drop_oldest" }, -- a game that is offline does not fill the memory
    spool = spool(),
  }
  client:start() -- the thread now, not in the frame of the first bounce
  game.stats = client:stats()
  picture.load()
  add_ball("coral", { 0.99, 0.51, 0.46 }, 26, 470, 160)
  add_ball("teal", { 0.31, 0.82, 0.77 }, 18, 330, -290)
  add_ball("violet", { 0.64, 0.55, 0.98 }, 34, 150, 105)
end

local frame_began, next_frame

local function play(dt)
  for _, ball in ipairs(game.balls) do
    move(ball, math.min(dt, 2 * FRAME_TIME)) -- a window that was dragged is not a leap
  end
  if options.seconds and game.seconds >= options.seconds and not options.over then
    options.over = true
    if options.screenshot then
      love.graphics.captureScreenshot(quit_with_screenshot)
    else
      love.event.quit()
    end
  end
end

-- Whether the pending events are on disk, and how many.
local function is_kept(stats)
  local found = stats.spool or { state = "none", uncommitted = stats.pending }
  return found.state == "works", stats.pending - found.uncommitted
end

-- The balls rest, so that no event is added. What is kept needs no wait; the player sees for a moment that it is. Where
-- it is not, and the platform is away, there is nothing to wait for.
local function wait_for_the_last()
  local stats, left = timed(client.stats, client), give_up - love.timer.getTime()
  local is_moving = stats.state == "sending" or stats.state == "idle"
  local kept, count = is_kept(stats)
  game.stats = stats
  game.ending = kept and ("%d kept for next time"):format(count)
    or ("waiting for %d events, %.1f s at most"):format(stats.pending, math.max(left, 0))
  if stats.pending == 0 or left <= 0 or not (is_moving or kept) then
    give_up = 0
    love.event.quit()
  end
end

function love.update(dt)
  frame_began = love.timer.getTime()
  client_time = 0
  local before = game.seconds
  game.seconds = game.seconds + dt
  if give_up then
    wait_for_the_last()
  else
    play(dt)
  end
  age_rings(dt)
  timed(read_results)
  if math.floor(before * 4) < math.floor(game.seconds * 4) then -- four times a second is enough for numbers
    game.stats = timed(client.stats, client)
  end
end

local function note_frame(frame)
  game.count = game.count + 1
  table.insert(game.frames, frame)
  if #game.frames > picture.FRAMES then
    table.remove(game.frames, 1)
  end
  game.longest.all = math.max(game.longest.all, frame.all)
  game.longest.client = math.max(game.longest.client, frame.client)
end

function love.draw()
  picture.draw(game)
  local now = love.timer.getTime()
  if game.seconds > WARM_UP then
    note_frame { all = now - frame_began, client = client_time }
  end

  -- Where the screen sets no pace, the game does.
  next_frame = math.max((next_frame or now) + FRAME_TIME, now)
  love.timer.sleep(next_frame - now)
end

function love.keypressed(key)
  if key == "escape" then
    love.event.quit()
  end
end

local function report()
  local done, message, _, detail = client:close(0) -- all that could be waited for was waited for
  local stats = client:stats()
  print(("of %d bounces%s: %d delivered, %d rejected, %d dropped, %d pending"):format(
    stats.accepted, stats.restored > 0 and (" and %d from last time"):format(stats.restored) or "",
    stats.delivered, stats.rejected, stats.dropped, stats.pending))
  print(("of %d frames the longest took %.2f ms, and the client never more than %.2f ms of one"):format(
    game.count, game.longest.all * 1000, game.longest.client * 1000))
  if not done then
    print("not all were delivered: " .. message)
    print(("%d kept for next time"):format(detail.kept or 0))
  end
end

-- The window does not hang: the frames go on until the last events have arrived, cannot arrive, or the time is up. Who
-- asks again is not kept.
function love.quit()
  if not client then
    return false -- love.load failed
  elseif not give_up then
    give_up = love.timer.getTime() + (is_kept(client:stats()) and FAREWELL or PATIENCE)
    return true -- not yet
  end
  report()
  return false -- do quit
end
