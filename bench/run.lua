-- make bench: what postevent costs, as ratios from one run on one machine: pairs in turn, their median, their spread.
--
--   bench/run.lua BUILD     (with the specs' search paths: it starts the same nginx)
local children = require "support.children"
local cleanup = require "support.cleanup"
local documents = require "support.documents"
local files = require "support.files"
local nginx = require "support.nginx"

local build = arg[1]
local PAIRS, POSTS = 21, "2000"

local function seconds(argv)
  local status, output, errors = children.run(argv, { timeout = 120 })
  assert(status == 0, errors)
  return assert(tonumber(output), output)
end

local function median(list)
  table.sort(list)
  return list[math.floor((#list + 1) / 2)]
end

-- Runs `ours` and `theirs` in turn and prints the ratio of what they cost.
local function compare(name, goal, ours, theirs)
  local ratios, cost = {}, {}
  seconds(ours)
  seconds(theirs)
  for i = 1, PAIRS do
    local a, b
    if i % 2 == 0 then -- whoever goes second finds a warmer machine
      a = seconds(ours)
      b = seconds(theirs)
    else
      b = seconds(theirs)
      a = seconds(ours)
    end
    ratios[i], cost[i] = a / b, a / tonumber(POSTS) * 1e6
  end
  local middle = median(ratios)
  print(("%-46s ratio %.3f (%.3f to %.3f, %d pairs), goal %.2f; %.1f us of CPU each"):format(name, middle, ratios[1],
    ratios[#ratios], PAIRS, goal, median(cost)))
end

local server = nginx.start {}
local body = assert(require("postevent").new({ mode = "record" }):encode(documents.event))
compare("post, against libcurl's easy interface in C", 1.15,
  { children.lua(), "bench/post_loop.lua", server.url .. "/x", POSTS },
  { build .. "/bench/post_loop", server.url .. "/x", POSTS, body })
cleanup.stop_all()
files.remove_all()
