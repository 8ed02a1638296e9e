-- `make soak-import`: 20,000 lines, killed two hundred times, on each of the platform's bad days that matter here.
--
--   import_kills.lua KILLS [SEED]
local cleanup = require "support.cleanup"
local files = require "support.files"
local soak = require "support.import_soak"

local kills, seed = tonumber(arg[1]), tonumber(arg[2] or os.time())
local LINES = 20000
local WAYS = {
  { scenario = "flaky", concurrency = 64, life = 0.2 },
  { scenario = "lost-replies", concurrency = 16, life = 0.2 },
  { concurrency = 16, life = 0.03 },
}

local function run()
  local good = true
  for number, options in ipairs(WAYS) do
    options.kills, options.lines, options.seed = kills, LINES, seed + number
    local result = soak.run(options)
    local words = "%s: %d kills, %d of %d lines arrived, %d changed, %d again after an answer, of %d at most (seed %d)"
    print(words:format(
      options.scenario or "a good day", result.kills, result.arrived, LINES, result.changed, result.again,
      result.again_at_most, seed))
    good = good and result.missing + result.changed == 0 and result.again <= result.again_at_most
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
