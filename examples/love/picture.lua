-- What the example shows: the balls, the counters, the last results, a graph of the frames. Knows nothing of events but
-- the numbers that it is given.
local picture = {
  ARENA = { x = 20, y = 20, width = 620, height = 410 },
  WIDTH = 960, -- of the whole, which is scaled to the window
  HEIGHT = 600,
  ROWS = 9, -- of results
  TRAIL = 26, -- points behind a ball
  FRAMES = 300, -- in the graph
  RING_SECONDS = 0.9, -- how long a ring fades
}

local PANEL = { x = 660, y = 20, width = 280, height = 410 }
local GRAPH = { x = 20, y = 450, width = 920, height = 130 }
local FRAME_TIME = 1 / 60
local TOP_OF_GRAPH = 0.020 -- seconds

local BACKGROUND = { 0.055, 0.067, 0.094 }
local SURFACE = { 0.090, 0.106, 0.145 }
local EDGE = { 0.16, 0.19, 0.25 }
local TEXT = { 0.89, 0.91, 0.94 }
local DIM = { 0.52, 0.57, 0.66 }
local AMBER = { 0.98, 0.75, 0.35 }
local GREEN = { 0.41, 0.83, 0.57 }
local RED = { 0.97, 0.44, 0.44 }
local BLUE = { 0.26, 0.38, 0.60 }

local OUTCOME_COLORS = { delivered = GREEN }
local STATE_COLORS = { idle = DIM, sending = GREEN, cooling = AMBER, held = RED, closed = DIM }

local small, normal, large

function picture.load()
  love.graphics.setBackgroundColor(BACKGROUND)
  small, normal, large = love.graphics.newFont(11), love.graphics.newFont(14), love.graphics.newFont(28)
end

local function set_color(color, alpha)
  love.graphics.setColor(color[1], color[2], color[3], alpha or 1)
end

-- The picture in the middle of the window, as large as it fits: its left and upper edge, and the scale.
local function placed()
  local width, height = love.graphics.getDimensions()
  local scale = math.min(width / picture.WIDTH, height / picture.HEIGHT)
  return (width - picture.WIDTH * scale) / 2, (height - picture.HEIGHT * scale) / 2, scale
end

-- What is drawn until setScissor() stays inside of the area.
local function clip(area)
  local left, top, scale = placed()
  love.graphics.setScissor(left + area.x * scale + 1, top + area.y * scale + 1, area.width * scale - 2,
    area.height * scale - 2)
end

-- LÖVE smoothes lines and not areas: an outline does it for a disc, and costs less than multisampling.
local function disc(x, y, radius)
  love.graphics.circle("fill", x, y, radius)
  love.graphics.setLineWidth(1)
  love.graphics.circle("line", x, y, radius)
end

local function write(text, font, color, x, y, width, align)
  love.graphics.setFont(font)
  set_color(color)
  love.graphics.printf(text, math.floor(x), math.floor(y), width or 400, align or "left")
end

local function surface(area)
  set_color(SURFACE)
  love.graphics.rectangle("fill", area.x, area.y, area.width, area.height, 10)
  set_color(EDGE)
  love.graphics.setLineWidth(1)
  love.graphics.rectangle("line", area.x + 0.5, area.y + 0.5, area.width - 1, area.height - 1, 10)
end

-- Short, however long: what was kept for the next time has waited since.
local function in_words(seconds)
  if seconds < 1 then
    return ("%.2f ms"):format(seconds * 1000)
  elseif seconds < 100 then
    return ("%.1f s"):format(seconds)
  end
  return seconds < 6000 and ("%d min"):format(seconds / 60) or ("%d h"):format(seconds / 3600)
end

-- ---- the arena ----

local function draw_ring(ring)
  local color, alpha, grown = AMBER, 0.9, 4 + 3 * math.sin(ring.age * 12)
  if ring.outcome then
    local share = ring.since / picture.RING_SECONDS
    color, alpha, grown = OUTCOME_COLORS[ring.outcome] or RED, (1 - share) ^ 1.5, 4 + 60 * share ^ 0.6
  end
  set_color(color, alpha)
  love.graphics.setLineWidth(2.5)
  love.graphics.circle("line", ring.x, ring.y, ring.radius + grown)
end

local function draw_ball(ball)
  for i, point in ipairs(ball.trail) do
    local share = 1 - i / (picture.TRAIL + 1)
    set_color(ball.color, 0.20 * share ^ 2)
    love.graphics.circle("fill", point[1], point[2], ball.radius * (0.35 + 0.65 * share))
  end
  set_color(ball.color)
  disc(ball.x, ball.y, ball.radius)
  love.graphics.setColor(1, 1, 1, 0.28)
  love.graphics.circle("fill", ball.x - ball.radius * 0.32, ball.y - ball.radius * 0.36, ball.radius * 0.30)
end

local function draw_arena(game)
  local area = picture.ARENA
  surface(area)
  clip(area)
  love.graphics.push()
  love.graphics.translate(area.x, area.y)
  for _, ring in ipairs(game.rings) do
    draw_ring(ring)
  end
  for _, ball in ipairs(game.balls) do
    draw_ball(ball)
  end
  love.graphics.pop()
  love.graphics.setScissor()
  write("every bounce is an event", small, DIM, area.x + 16, area.y + 14)
  if game.ending then
    local box = { x = area.x + area.width / 2 - 160, y = area.y + area.height / 2 - 22, width = 320, height = 44 }
    surface(box)
    write(game.ending, normal, TEXT, box.x, box.y + 14, box.width, "center")
  end
end

-- ---- the panel ----

local function draw_state(state)
  local right, y = PANEL.x + PANEL.width - 18, PANEL.y + 23
  local color = STATE_COLORS[state] or DIM
  write(state, small, color, right - 118, y - 6, 100, "right")
  set_color(color)
  disc(right - 6, y + 1, 4.5)
end

local function draw_count(count, name, color, x, y)
  write(tostring(count), large, color, x, y)
  write(name, small, DIM, x, y + 34)
end

-- `color` as it looks on a surface, more or less of it.
local function fade(color, share)
  local faded = {}
  for i = 1, 3 do
    faded[i] = SURFACE[i] + (color[i] - SURFACE[i]) * share
  end
  return faded
end

local function draw_result(result, x, y, share)
  local faded = fade(TEXT, share)
  set_color(fade(OUTCOME_COLORS[result.outcome] or RED, share))
  disc(x + 4, y + 8, 3)
  write(result.text or result.event_name or "", small, faded, x + 16, y + 1, 130)
  write(result.code or result.outcome, small, faded, x + 96, y + 1, 84)
  write(in_words(result.latency), small, faded, x + 174, y + 1, 70, "right")
end

-- Why nothing goes on, below the line at `y`. Returns how much room that took.
local function draw_trouble(stats, x, y, width)
  if not stats.last_error or (stats.state ~= "cooling" and stats.state ~= "held") then
    return 0
  end
  local _, lines = small:getWrap(stats.last_error.message, width)
  write(table.concat(lines, "\n", 1, math.min(#lines, 4)), small, STATE_COLORS[stats.state], x, y + 9, width)
  return 14 * math.min(#lines, 4) + 9
end

local function draw_numbers(stats, x)
  draw_count(stats.accepted, "tracked", TEXT, x, PANEL.y + 48)
  draw_count(stats.delivered, "delivered", GREEN, x + 88, PANEL.y + 48)
  draw_count(stats.pending, "on their way", AMBER, x + 172, PANEL.y + 48)
  local failed = stats.rejected + stats.expired + stats.dropped + stats.unknown
  local numbers = ("%d failed   %d attempts   "):format(failed, stats.attempts)
  numbers = numbers .. (stats.restored > 0 and ("%d from last time"):format(stats.restored)
    or ("%d retries"):format(stats.retries))
  write(numbers, small, DIM, x, PANEL.y + 112)
  local latency = stats.delivered == 0 and "none yet"
    or ("%s half, %s longest"):format(in_words(stats.latency.p50), in_words(stats.latency.max))
  write("latency: " .. latency, small, DIM, x, PANEL.y + 130)
end

local function draw_panel(game)
  local stats, x, width = game.stats, PANEL.x + 18, PANEL.width - 36
  surface(PANEL)
  write("postevent", normal, TEXT, x, PANEL.y + 14)
  draw_state(stats.state)
  draw_numbers(stats, x)
  set_color(EDGE)
  love.graphics.setLineWidth(1)
  love.graphics.line(x, PANEL.y + 156.5, x + width, PANEL.y + 156.5)
  local taken = draw_trouble(stats, x, PANEL.y + 156, width)
  write("results", small, DIM, x, PANEL.y + 166 + taken)
  for i = 1, math.min(#game.results, picture.ROWS - math.ceil(taken / 24)) do
    draw_result(game.results[i], x, PANEL.y + 164 + taken + i * 24, 1 - (i - 1) / (picture.ROWS + 2))
  end
end

-- ---- the graph ----

local function draw_bars(game, left, bottom, width, height)
  local step = width / picture.FRAMES
  for i, frame in ipairs(game.frames) do
    local x = left + (i - 1 + picture.FRAMES - #game.frames) * step
    local all = math.min(frame.all / TOP_OF_GRAPH, 1) * height
    local client = math.min(frame.client / TOP_OF_GRAPH, 1) * height
    set_color(frame.all > FRAME_TIME and RED or BLUE)
    love.graphics.rectangle("fill", x, bottom - all, step * 0.8, all)
    set_color(GREEN)
    love.graphics.rectangle("fill", x, bottom - client, step * 0.8, math.max(client, frame.client > 0 and 1 or 0))
  end
end

-- The longest of the frames that are shown.
local function longest(frames)
  local all, client = 0, 0
  for _, frame in ipairs(frames) do
    all, client = math.max(all, frame.all), math.max(client, frame.client)
  end
  return all, client
end

local function draw_graph(game)
  local left, bottom, width, height = GRAPH.x + 18, GRAPH.y + GRAPH.height - 14, GRAPH.width - 36, GRAPH.height - 50
  local all, client = longest(game.frames)
  surface(GRAPH)
  write("update and draw, frame by frame", small, DIM, left, GRAPH.y + 12)
  write(("longest of these %s"):format(in_words(all)), small, all > FRAME_TIME and RED or DIM, left + 250,
    GRAPH.y + 12)
  write(("in the client %s"):format(in_words(client)), small, GREEN, left + 430, GRAPH.y + 12)
  draw_bars(game, left, bottom, width, height)
  local y = math.floor(bottom - FRAME_TIME / TOP_OF_GRAPH * height) + 0.5
  set_color(DIM, 0.6)
  love.graphics.setLineWidth(1)
  love.graphics.line(left, y, left + width, y)
  write("16.7 ms", small, DIM, left + width - 80, y - 16, 80, "right")
end

function picture.draw(game)
  local left, top, scale = placed()
  love.graphics.push()
  love.graphics.translate(left, top)
  love.graphics.scale(scale)
  draw_arena(game)
  draw_panel(game)
  draw_graph(game)
  love.graphics.pop()
end

return picture
