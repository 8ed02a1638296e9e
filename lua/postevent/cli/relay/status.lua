-- `postevent relay status`: how much waits in a stream, who works on it, and what became of the rest.

local exit = require("postevent.cli.exit")
local letters = require("postevent.relay.letters")
local member = require("postevent.relay.member")
local notes = require("postevent.cli.notes")
local output = require("postevent.cli.output")
local pace = require("postevent.relay.pace")
local redis = require("postevent.cli.relay.redis")
local tally = require("postevent.cli.tally")

local status = {}

local MOST_READ = 10000 -- dead letters: more of them are not read to be counted by reason
local LONGEST = 3600 -- seconds

local function read_seconds(given)
  local seconds = tonumber(given)
  if seconds and seconds >= 0 and seconds <= LONGEST then
    return seconds
  end
  return nil, ("--over: expected a number from 0 to %d"):format(LONGEST)
end

function status.define(group)
  local command = group:command("status", "How much waits, who works on it, what became of the rest.")
  command:option("--over", "Seconds over which the rates are taken, which it waits (1); 0: without them.")
    :argname("SECONDS"):overwrite(false):convert(read_seconds)
  command:flag("--json", "Print one JSON object, for programs.")
  notes.set_statuses(command, redis.STATUSES, redis.HINT)
  return command
end

-- { name, value, name, value } -> a table
local function pairs_of(list)
  local about = {}
  for i = 1, #list, 2 do
    about[list[i]] = list[i + 1]
  end
  return about
end

local function group_of(link, keys, name)
  local list = redis.look(link, "XINFO", "GROUPS", keys.stream)
  for _, each in ipairs(list or {}) do
    local about = pairs_of(each)
    if about.name == name then
      return about
    end
  end
end

local function deliverers_of(link, keys, name)
  local found = {}
  for _, each in ipairs(redis.look(link, "XINFO", "CONSUMERS", keys.stream, name) or {}) do
    local about = pairs_of(each)
    found[#found + 1] = { name = about.name, pending = about.pending, idle = about.idle / 1000 }
  end
  table.sort(found, function(a, b)
    return a.name < b.name
  end)
  return found
end

-- When the oldest entry came, in seconds since 1970, by Redis's clock.
local function oldest_of(call, keys)
  local first = call("XRANGE", keys.stream, "-", "+", "COUNT", 1)
  return first[1] and tonumber((first[1][1]:match("^%d+"))) / 1000
end

local function counts_of(call, keys)
  local counts = {}
  for name, text in pairs(pairs_of(call("HGETALL", keys.counts))) do
    counts[name] = tonumber(text)
  end
  return counts
end

local function take(args, link)
  local keys = member.keys(args.stream)
  local function call(...)
    return redis.call(link, ...)
  end
  local function look(...)
    return redis.look(link, ...)
  end
  local over = args.over or 1
  local rate = over > 0 and pace.take(call, look, args.stream, over) or nil
  local waiting = call("XLEN", keys.stream)
  local reasons, read = letters.reasons(call, args.stream, MOST_READ)
  local group = group_of(link, keys, args.group)
  return {
    stream = args.stream, group = args.group, waiting = waiting, oldest = oldest_of(call, keys),
    lag = group and member.lag(waiting, group.pending), pending = group and group.pending or 0,
    deliverers = group and deliverers_of(link, keys, args.group) or {},
    dead = math.max(call("XLEN", keys.dead), read), reasons = reasons, read = read, rate = rate,
    counts = counts_of(call, keys), has_group = group ~= nil,
  }
end

local function deliverer_to_json(each)
  return { { "name", each.name }, { "pending", each.pending }, { "idle", each.idle } }
end

local function rate_to_json(rate)
  return { { "seconds", rate.seconds }, { "came", rate.came }, { "delivered", rate.delivered } }
end

local function to_json(all)
  return output.to_json {
    { "stream", all.stream }, { "group", all.group }, { "waiting", all.waiting }, { "lag", all.lag or nil },
    { "pending", all.pending }, { "oldest", all.oldest or nil }, { "dead", all.dead },
    { "reasons", tally.codes_to_json(all.reasons) }, { "reasons_of", all.read },
    { "rate", all.rate and rate_to_json(all.rate) }, { "counts", tally.codes_to_json(all.counts) },
    { "deliverers", output.json_list(all.deliverers, deliverer_to_json) },
  }
end

local function say_deliverers(list)
  local rows = { { "  DELIVERER", "IN HAND", "SILENT FOR" } }
  for _, each in ipairs(list) do
    rows[#rows + 1] = { "  " .. output.printable(each.name), ("%d"):format(each.pending),
      ("%.0f s"):format(each.idle) }
  end
  for _, line in ipairs(output.columns(rows)) do
    output.say(line)
  end
end

local function say_reasons(all)
  if all.read > 0 then
    output.say(("  dead          %s%s"):format(output.printable(tally.codes_of(all.reasons)),
      all.read < all.dead and (" (the newest %d)"):format(all.read) or ""))
  end
end

local function events_a_second(rate)
  return not rate and "Redis does not know" or ("%.1f a second"):format(rate)
end

local function say_rate(rate)
  if rate then
    output.say(("  came          %s, for %.1f s"):format(events_a_second(rate.came), rate.seconds))
    output.say(("  delivered     %s"):format(events_a_second(rate.delivered)))
  end
end

local function say(all)
  output.say(("%s: %d waiting%s; %d dead"):format(output.printable(all.stream), all.waiting,
    tally.oldest(all.oldest), all.dead))
  say_reasons(all)
  say_rate(all.rate)
  if not all.has_group then
    output.say("  nobody has delivered from it yet: there is no group " .. output.printable(all.group))
    return
  end
  output.say(("  not read yet  %d"):format(all.lag))
  output.say(("  in hand       %d"):format(all.pending))
  if next(all.counts) then
    output.say("  so far        " .. output.printable(tally.codes_of(all.counts)))
  end
  if all.deliverers[1] then
    say_deliverers(all.deliverers)
  end
end

function status.run(args)
  local all = take(args, redis.connect(args))
  if args.json then
    output.say(to_json(all))
  else
    say(all)
  end
  return exit.OK
end

return status
