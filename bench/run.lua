-- make bench: what postevent costs, as ratios from one run on one machine: pairs in turn, their median, their spread.
--
--   bench/run.lua BUILD     (with the specs' search paths: it starts the same nginx)
local children = require "support.children"
local cleanup = require "support.cleanup"
local documents = require "support.documents"
local files = require "support.files"
local nginx = require "support.nginx"

local build = arg[1]
local PAIRS = 21

local function number(argv)
  local status, output, errors = children.run(argv, { timeout = 120 })
  assert(status == 0, errors)
  return assert(tonumber(output), output)
end

local function median(list)
  table.sort(list)
  return list[math.floor((#list + 1) / 2)]
end

-- Runs `ours` and `theirs`, `count` times the same work, in turn, and prints the ratio of what they cost.
local function compare(name, goal, count, ours, theirs)
  local ratios, cost = {}, {}
  number(ours)
  number(theirs)
  for i = 1, PAIRS do
    local a, b
    if i % 2 == 0 then -- whoever goes second finds a warmer machine
      a = number(ours)
      b = number(theirs)
    else
      b = number(theirs)
      a = number(ours)
    end
    ratios[i], cost[i] = a / b, a / count * 1e6
  end
  local middle = median(ratios)
  print(("%-8s %-45s ratio %.3f (%.3f to %.3f, %d pairs), goal %.2f; %.2f us of CPU each"):format(children.lua(), name,
    middle, ratios[1], ratios[#ratios], PAIRS, goal, median(cost)))
end

local function post(count)
  local server = nginx.start {}
  local client = require("postevent").new { mode = "record" }
  local body = assert(client:encode(documents.event))
  client:close()
  compare("post, against libcurl's easy interface in C", 1.15, count,
    { children.lua(), "bench/post_loop.lua", server.url .. "/x", tostring(count) },
    { build .. "/bench/post_loop", server.url .. "/x", tostring(count), body })
end

local function encode(count)
  compare("encode and check, against lua-cjson's encode", 1.00, count,
    { children.lua(), "bench/encode.lua", tostring(count), "postevent" },
    { children.lua(), "bench/encode.lua", tostring(count), "cjson" })
end

local function load(events, attributes, goal)
  local spent = number { children.lua(), "bench/load.lua", tostring(events), tostring(attributes) }
  print(("%-8s definitions of %d events with %d attributes: %.1f ms, goal %d ms"):format(children.lua(), events,
    attributes, spent, goal))
end

post(2000)
encode(100000)
load(10, 20, 5)
load(1000, 20, 300)
cleanup.stop_all()
files.remove_all()
