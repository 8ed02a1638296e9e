-- The part `spool` of bench/run.lua: what events on disk cost. All files are in the run's temporary directory.
local files = require "support.files"
local measure = require "bench.measure"

local function fresh()
  return files.new_path "spool"
end

local function micro(run, column)
  return run[column] / 1000
end

-- Delivered a second with a spool, against without.
local function rates(bench)
  local list = {}
  for i = 1, 11 do
    local plain, spooled = bench.track_loop(bench.target().url, 32), bench.track_loop(bench.target().url, 32)
    spooled[#spooled + 1], spooled[#spooled + 2] = "-", fresh()
    list[i] = { theirs = measure.run(plain), ours = measure.run(spooled) }
  end
  local ratio, spread = measure.median(list, function(pair)
    return pair.theirs[1] / pair.ours[1]
  end)
  measure.print("spool: delivered a second, against without", "ratio %.3f (%s), %s", ratio, spread,
    measure.at_least(0.75, ratio))
end

-- The caller's CPU of track, against without.
local function calls(bench)
  local list = {}
  for i = 1, 11 do
    local argv = { bench.lua, "bench/track_call.lua", bench.target().url, "25000" }
    local theirs = measure.run(argv)
    argv[5] = fresh()
    list[i] = { theirs = theirs, ours = measure.run(argv) }
  end
  local ratio, spread = measure.median(list, bench.ratio_of(1))
  measure.print("spool: track, its caller's CPU, against without", "ratio %.3f (%s), %s", ratio, spread,
    measure.at_most(1.05, ratio))
end

-- track that waits, beside a bare loop of commits.
local function waits(bench)
  local list = {}
  for i = 1, 11 do
    list[i] = {
      theirs = measure.run { bench.build .. "/bench/commit_loop", fresh(), "5000", bench.body },
      ours = measure.run { bench.lua, "bench/spool_wait.lua", bench.target().url, "5000", fresh() },
    }
  end
  local function column(who, number)
    return measure.median(list, function(pair)
      return micro(pair[who], number)
    end)
  end
  local commit = column("theirs", 1)
  local p50, p99 = column("ours", 1), column("ours", 2)
  measure.print("spool: track that waits, p50", "%.1f us, the bare commit %.1f us; %s", p50, commit,
    measure.at_most(1.5 * commit + 60, p50))
  measure.print("spool: track that waits, p99", "%.1f us, the bare commit %.1f us; p99.9 %.1f us; %s", p99,
    column("theirs", 2), column("ours", 3), measure.at_most(2000, p99))
end

-- A million events on disk.
local function backlog(bench)
  local path, count = fresh(), 1000000
  local argv = { bench.lua, "bench/spool_found.lua", bench.target().url, tostring(count), path, "leave" }
  local left = measure.run(argv)
  local limit = 1.5 * #bench.body + 100
  measure.print("spool: disk for each of a million events", "%.0f bytes, the body %d; %s", left[2] / left[1],
    #bench.body, measure.at_most(limit, left[2] / left[1]))
  argv[6] = "find"
  local found = measure.run(argv)
  measure.print("spool: a million found, until the first delivery", "%.3f s, %s", found[1],
    measure.at_most(0.2, found[1]))
  measure.print("spool: a million found, memory", "%.1f MB, %s", found[2] / 1024, measure.at_most(20, found[2] / 1024))
end

return function(bench)
  if not require("postevent").features.sqlite then
    measure.print("spool", "skipped: this build has no SQLite")
    return
  end
  rates(bench)
  calls(bench)
  waits(bench)
  backlog(bench)
end
