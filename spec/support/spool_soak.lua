-- kill -9 at any moment of a program that tracks into a spool, over and over, against a server that loses replies: what
-- track has returned for arrives, with one id and one body; what comes twice is no more than what was in flight when a
-- program was killed.
--
-- run(kills, seed, options) -> { tracked =, arrived =, twice =, missing = { id, ... }, changed = { id, ... }, left = {
-- the names of files that nobody has cleared away } }
--   options.programs   how many live at a time in the one directory (1)
--   options.life       seconds: no program lives longer (0.08). A short one is killed while it makes, or adopts, a file
local children = require "support.children"
local documents = require "support.documents"
local files = require "support.files"
local process = require "support.process"
local rude = require "support.rude"

local soak = {}

local IN_FLIGHT = 8
local EVENTS = 30 -- of each program

-- Tracks, says so, and waits to be killed.
local PROGRAM = [[
local postevent = require "postevent"
local process = require "support.process"
local url, authorization, directory, log, life = arg[1], arg[2], arg[3], arg[4], arg[5]
local client = postevent.new {
  url = url, authorization = authorization, max_in_flight = 8, id_attribute = "external_event_id",
  queue = { max_events = 10 }, retry = { initial = 0.002, max = 0.01 }, spool = { path = directory, wait = true },
}
local tracked = assert(io.open(log, "a"))
client:start()
local number = 0
while number < ]] .. EVENTS .. [[ do
  local id = life .. "-" .. number
  if client:track { event_name = "e", external_event_id = id } then
    tracked:write(id, "\n")
    tracked:flush()
    number = number + 1
  end
  process.sleep(0.0005)
end
process.sleep(60)
]]

-- Delivers what it finds.
local LAST = [[
local postevent = require "postevent"
local url, authorization, directory = arg[1], arg[2], arg[3]
local client = postevent.new {
  url = url, authorization = authorization, retry = { initial = 0.002, max = 0.05 }, spool = { path = directory },
}
assert(client:start())
local done, message = client:flush(60)
local stats = client:stats()
client:close()
assert(done, message)
assert(stats.restored == stats.delivered, "not all that was restored was delivered")
]]

-- Of every seventh event the first reply is lost; whatever turn it is, now and then a 503.
local SCRIPT = [[
local number = tonumber(request.id:match "%-(%d+)$")
if number % 7 == 0 and request.nth == 1 then return "reset" end
if number % 11 == 0 and request.nth == 1 then return { status = 503 } end
]]

local function allowed(id)
  local number = tonumber(id:match "%-(%d+)$")
  return (number % 7 == 0 or number % 11 == 0) and 2 or 1
end

local function lines_of(path)
  local list = {}
  for line in files.read_if_there(path):gmatch "[^\n]+" do
    list[#list + 1] = line
  end
  return list
end

-- None where nobody lived long enough to make it.
local function names_in(directory)
  local status, output = children.run { "sh", "-c", '[ ! -e "$0" ] || ls "$0"', directory }
  assert(status == 0)
  local list = {}
  for name in output:gmatch "[^\n]+" do
    list[#list + 1] = name
  end
  return list
end

-- One life of one program.
local function live(place, life)
  return children.spawn {
    children.lua(), place.program, place.server.url, documents.authorization, place.directory, place.log, life,
    stop_signal = "SIGKILL",
  }
end

local function kill(child)
  child:kill "SIGKILL"
  child:wait(10)
end

local function judge(place, kills)
  local bodies, counts = {}, {}
  local result = { kills = kills, tracked = 0, arrived = 0, twice = 0, missing = {}, changed = {} }
  for _, arrival in ipairs(place.server:arrivals()) do
    if bodies[arrival.id] and bodies[arrival.id] ~= arrival.body then
      result.changed[#result.changed + 1] = arrival.id
    end
    bodies[arrival.id] = arrival.body
    counts[arrival.id] = (counts[arrival.id] or 0) + 1
  end
  for id, count in pairs(counts) do
    result.arrived = result.arrived + 1
    result.twice = result.twice + math.max(0, count - allowed(id))
  end
  for _, id in ipairs(lines_of(place.log)) do
    result.tracked = result.tracked + 1
    if not counts[id] then
      result.missing[#result.missing + 1] = id
    end
  end
  result.twice_at_most = kills * IN_FLIGHT
  result.left = names_in(place.directory)
  return result
end

function soak.run(kills, seed, options)
  local programs = options and options.programs or 1
  local longest = options and options.life or 0.08
  local place = {
    server = rude.start("script", { script = SCRIPT }),
    directory = files.new_path "spool",
    log = files.new_path "tracked",
    program = files.write(files.new_path "soak.lua", PROGRAM),
  }
  math.randomseed(seed)
  local living = {}
  for life = 1, kills + programs do
    local place_of = (life - 1) % programs + 1
    if living[place_of] then
      process.sleep(math.random() * longest / programs)
      kill(living[place_of])
    end
    living[place_of] = life <= kills and live(place, ("%d"):format(life)) or nil
  end
  local last = files.write(files.new_path "last.lua", LAST)
  local status, _, errors = children.run({
    children.lua(), last, place.server.url, documents.authorization, place.directory,
  }, { timeout = 100 })
  assert(status == 0, errors)
  return judge(place, kills)
end

return soak
