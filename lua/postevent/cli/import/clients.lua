-- The clients of an import: one that checks and sends nothing, and one that sends for each file.

local exit = require("postevent.cli.exit")
local notice = require("postevent.cli.import.notice")
local target = require("postevent.cli.target")

local clients = {}

local CONCURRENCY, MOST_CONCURRENCY = 16, 1000 -- how many there may be, `new` says
local RETRY = 0.5 -- seconds before an event is tried again for the first time, at most, as the module has it
local WAIT = 0.25 -- seconds for which `track` waits for room, until signals are looked at

local SOURCES = {
  max_in_flight = "--concurrency", ["rate_limit.per_second"] = "--rate", ["retry.max_age"] = "--max-age",
  ["retry.max"] = "--retry-max", common = "--common", id_attribute = "--id-attribute",
}

-- How many events may be with one that sends: more than are in flight, so that its thread always has some, and the
-- one that reads the file can sleep for a while.
function clients.room(concurrency)
  return math.max(256, 4 * math.min(concurrency or CONCURRENCY, MOST_CONCURRENCY))
end

-- One that checks, and sends nothing. args: the command's; read: what plan.read has read of them.
function clients.new_checker(args, read)
  local made, client = pcall(require("postevent").new, {
    mode = "record", definitions = read.definitions, common = read.common, id_attribute = read.id_attribute,
    log = function(_, message)
      notice.say(args, "warning", message)
    end,
  })
  return made and client or exit.usage(target.translate(client, SOURCES))
end

-- Where to and as whom, and where each of it came from: looked for once, since stdin and a pipe have it once.
function clients.find_target(args)
  local found, sources = target.find(args)
  for option, name in next, SOURCES do
    sources[option] = name
  end
  return found, sources
end

-- One that sends. shared: args, plan, room, and what find_target has found: found, sources.
function clients.new_sender(shared)
  local args, read, room = shared.args, shared.plan, shared.room
  return target.new_client(args, shared.found, shared.sources, {
    definitions = read.definitions, common = read.common, id_attribute = read.id_attribute, timeout = args.timeout,
    max_in_flight = args.concurrency, rate_limit = args.rate and { per_second = args.rate },
    retry = { max_age = args.max_age, initial = args.retry_max and math.min(RETRY, args.retry_max),
      max = args.retry_max, ambiguous = not args.no_resend },
    queue = { max_events = 2 * room, overflow = "wait", wait = WAIT }, results = 4 * room, log = false,
  })
end

-- One more, after events were sent. Returns nil and why where what `new` reads is not there any more.
function clients.new_later(shared)
  local ok, client = exit.try(clients.new_sender, shared)
  return ok and client or nil, not ok and client or nil
end

return clients
