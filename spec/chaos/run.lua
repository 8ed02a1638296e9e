-- `make chaos`: programs that do everything at random (program.lua) against servers that misbehave at random
-- (kinds.lua), and an oracle that compares what they say: run.lua SECONDS [SEED [PROGRAMS]]. Ends with 1 where it finds
-- a contradiction; its seed draws the same program and the same server again: make chaos SEED=n CHAOS_PROGRAMS=1.
local children = require "support.children"
local cjson = require "cjson"
local cleanup = require "support.cleanup"
local files = require "support.files"
local kinds = require "chaos.kinds"
local oracle = require "chaos.oracle"
local process = require "support.process"
local rude = require "support.rude"

local seconds, first_seed, most = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3] or math.huge)
local AT_ONCE = 4
local PATIENCE = 30 -- seconds for a program of a moment, under a sanitizer

first_seed = first_seed or os.time() % 1000000

local function records_of(path)
  local list = {}
  for line in files.read_if_there(path):gmatch "[^\n]+" do
    list[#list + 1] = cjson.decode(line)
  end
  return list
end

-- The server's requests, with what each was answered.
local function requests_of(server, seed, drawn)
  local list, times = {}, {}
  for _, arrival in ipairs(server:arrivals()) do
    local id = arrival.id
    times[id] = (times[id] or 0) + 1
    local kind = kinds.draw(seed, id, times[id])
    drawn[kind.name] = (drawn[kind.name] or 0) + 1
    list[#list + 1] = { id = id, says = kind.says, closes = kind.closes, is_lost = kind.is_lost }
  end
  return list
end

local function start(seed)
  local server = rude.start("script", {
    script = ("return require('chaos.kinds').answer(%d, request)"):format(seed),
  })
  local log = files.new_path "chaos.log"
  return {
    seed = seed, server = server, log = log,
    child = children.spawn { children.lua(), "spec/chaos/program.lua", ("%d"):format(seed), server.url, log },
  }
end

-- Waits for the program's end. Returns the contradictions.
local function judge(program, all)
  local how, number = program.child:wait(PATIENCE)
  if not how then
    program.child:kill "SIGKILL"
    program.child:wait()
  end
  local requests = requests_of(program.server, program.seed, all.drawn)
  local records = records_of(program.log)
  local found = oracle.judge(requests, records)
  if how ~= "exited" or number ~= 0 then
    found[#found + 1] = ("it %s %s: %s"):format(how or "hung, and was", number or "killed", program.child:errors())
  end
  program.server:stop()
  all.programs = all.programs + 1
  all.requests = all.requests + #requests
  all.records = all.records + #records
  return found
end

local function report(all)
  local kinds_drawn = 0
  for _ in pairs(all.drawn) do
    kinds_drawn = kinds_drawn + 1
  end
  print(("%d programs, %d records, %d requests, %d of %d kinds drawn, %d contradictions (seeds %d to %d)"):format(
    all.programs, all.records, all.requests, kinds_drawn, #kinds.list, all.contradictions, first_seed,
    first_seed + all.programs - 1))
end

local function run()
  local all = { programs = 0, requests = 0, records = 0, contradictions = 0, drawn = {} }
  local begun, seed = process.now(), first_seed
  while process.now() - begun < seconds and all.programs < most do
    local group = {}
    for i = 1, math.min(AT_ONCE, most - all.programs) do
      group[i] = start(seed)
      seed = seed + 1
    end
    for _, program in ipairs(group) do
      for _, words in ipairs(judge(program, all)) do
        all.contradictions = all.contradictions + 1
        print(("seed %d: %s"):format(program.seed, words))
      end
    end
  end
  report(all)
  return all.contradictions == 0
end

local ok, good = pcall(run)
cleanup.stop_all()
files.remove_all()
if not ok then
  io.stderr:write(tostring(good), "\n")
end
os.exit(ok and good and 0 or 1)
