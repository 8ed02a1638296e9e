-- `postevent import` against track's loop on the same events, how many lines a second it checks, and what memory a file
-- of a million lines takes. With two processors left to it: the one that reads and checks works beside the one that
-- sends.
local cjson = require "cjson"
local children = require "support.children"
local documents = require "support.documents"
local files = require "support.files"
local measure = require "bench.measure"

local DEFINITIONS = "spec/vectors/definitions.json"
local EVENTS, LINES, MANY = 20000, 200000, 1000000
local MOST_MIB = 64

local function write_file(count)
  local path = files.new_path "events.jsonl"
  local file = assert(io.open(path, "wb"))
  local line = cjson.encode(documents.event) .. "\n"
  for _ = 1, count do
    file:write(line)
  end
  file:close()
  return path
end

local function delivered_in(lua, path, url)
  os.remove(path .. ".postevent")
  local status, output, errors = children.run({ lua, "bin/postevent", "import", "--definitions", DEFINITIONS, "--log",
    "json", "--no-check", "--concurrency", "32", "--url", url, path }, { timeout = 3600 })
  assert(status == 0, errors .. output)
  return cjson.decode(output).seconds
end

local function compare_rates(bench, path)
  local list, url = {}, bench.target().url
  for i = 1, 11 do
    local theirs = measure.run { bench.lua, "bench/track_loop.lua", url, tostring(EVENTS), "32" }
    list[i] = { ours = delivered_in(bench.lua, path, url), theirs = theirs[1] }
  end
  local ratio, spread = measure.median(list, function(pair)
    return pair.theirs / pair.ours
  end)
  local rate = measure.median(list, function(pair)
    return EVENTS / pair.ours
  end)
  measure.print("import, against track's loop, a second", "ratio %.3f (%s), %s; %.0f events a second", ratio, spread,
    measure.at_least(0.85, ratio), rate)
end

local function measure_check(lua, path)
  local rate, spread = measure.median({ 1, 2, 3, 4, 5 }, function()
    return LINES / measure.run({ lua, "bench/import_run.lua", "--dry-run", "--definitions", DEFINITIONS, path })[1]
  end)
  measure.print("import, checking alone", "%.0f lines a second of CPU (%s), %s", rate, spread,
    measure.at_least(lua:find "jit" and 100000 or 50000, rate))
end

local function measure_memory(bench, path)
  local most = measure.run({ bench.lua, "bench/import_run.lua", "--url", bench.target().url, path })[2] / 1024
  measure.print("import of a million lines, resident", "%.1f MiB, %s", most, measure.at_most(MOST_MIB, most))
end

-- bench: lua, target.
return function(bench)
  compare_rates(bench, write_file(EVENTS))
  measure_check(bench.lua, write_file(LINES))
  measure_memory(bench, write_file(MANY))
end
