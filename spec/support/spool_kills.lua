-- kill -9 over and over (`make soak-spool`): programs with a spool, one and four at a time, long and short lives.
--
--   spool_kills.lua KILLS [SEED]
local cleanup = require "support.cleanup"
local files = require "support.files"
local soak = require "support.spool_soak"

local kills, seed = tonumber(arg[1]), tonumber(arg[2] or os.time())
local WAYS = {
  { programs = 1 },
  { programs = 4 },
  { programs = 1, life = 0.03 },
  { programs = 4, life = 0.12 },
}

local function run()
  local good = true
  for number, options in ipairs(WAYS) do
    local result = soak.run(math.floor(kills / #WAYS), seed + number, options)
    print(("%d at a time: %d kills, %d tracked, %d arrived, %d twice of %d at most, %d missing, %d changed, %d files "
      .. "left (seed %d)"):format(options.programs, result.kills, result.tracked, result.arrived, result.twice,
      result.twice_at_most, #result.missing, #result.changed, #result.left, seed))
    good = good and #result.missing + #result.changed + #result.left == 0 and result.twice <= result.twice_at_most
  end
  return good
end

local done, result = pcall(run)
cleanup.stop_all()
files.remove_all()
if not done then
  io.stderr:write(tostring(result), "\n")
end
os.exit(done and result and 0 or 1)
