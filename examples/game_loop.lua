-- A game's loop: 60 frames a second, and events that must not cost one of them. `track` hands an event over and returns
-- at once; a thread of the client posts it; `results` says, some frames later, what became of it.
--
-- lua examples/game_loop.lua [seconds]: with LuaSocket the frames keep their time; without, plain Lua cannot sleep, and
-- they run back to back.
local postevent = require("postevent")
local has_socket, socket = pcall(require, "socket")

local FRAMES_PER_SECOND = 60
local seconds = tonumber(arg[1]) or 2

local client = postevent.new {
  url = os.getenv("POSTEVENT_URL"), -- the address of your webhook
  authorization = os.getenv("POSTEVENT_AUTHORIZATION"), -- the Authorization header's value, if it asks for one
  queue = { max_events = 1000, overflow = "drop_oldest" }, -- a game that is offline does not fill the memory
}

local now = has_socket and socket.gettime or os.clock

-- What the game is about: now and then the player finds a coin, every second a level ends.
local coins = 0
local function play(frame)
  if frame % 7 == 0 then
    coins = coins + 1
    client:track { event_name = "coin_found", customer_id = "player-1", coins = coins, frame = frame }
  end
  if frame % FRAMES_PER_SECOND == 0 then
    client:track { event_name = "level_ended", customer_id = "player-1", level = frame / FRAMES_PER_SECOND }
  end
end

-- Results are few and come when they come: reading them all, each frame, costs next to nothing.
local first
local function read_results()
  for result in client:results() do
    first = first or result
    if result.outcome ~= "delivered" then
      print(("  %s: %s (%s)"):format(result.event_name, result.outcome, result.code or "-"))
    end
  end
end

local function milliseconds(duration)
  return ("%.2f ms"):format(duration * 1000)
end

local function report(second, longest)
  local stats = client:stats()
  print(("second %d: %d tracked, %d delivered, %d on their way; longest frame %s"):format(
    second, stats.accepted, stats.delivered, stats.pending, milliseconds(longest)))
end

client:start() -- the thread now, not in the frame of the first event

local frame_time = 1 / FRAMES_PER_SECOND
local longest, longest_of_second = 0, 0
local due = now()
for frame = 1, math.floor(seconds * FRAMES_PER_SECOND) do
  local started = now()
  play(frame)
  read_results()
  local took = now() - started
  longest_of_second = math.max(longest_of_second, took)
  longest = math.max(longest, took)
  if frame % FRAMES_PER_SECOND == 0 then
    report(frame / FRAMES_PER_SECOND, longest_of_second)
    longest_of_second = 0
  end
  due = due + frame_time
  if has_socket and due > now() then
    socket.sleep(due - now())
  end
end

local done, message = client:close(5) -- waits for what is on its way, five seconds at most
read_results()
local stats = client:stats()

if first and first.reply then
  print(("the first result: ticket %d, %s, %s: %d, %s"):format(
    first.ticket, first.event_name, first.outcome, first.reply.status.code, first.reply.status.message))
end
print(("of %d events: %d delivered, %d rejected, %d dropped, %d pending"):format(
  stats.accepted, stats.delivered, stats.rejected, stats.dropped, stats.pending))
print(("from track to delivery: %s for half of them, %s at most"):format(
  milliseconds(stats.latency.p50), milliseconds(stats.latency.max)))
print(("the longest frame: %s of %s"):format(milliseconds(longest), milliseconds(frame_time)))

if not done then
  io.stderr:write("not all were delivered: ", message, "\n")
  os.exit(1)
end
