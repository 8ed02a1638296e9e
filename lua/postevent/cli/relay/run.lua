-- `postevent relay` without an action: delivers what is in a stream of Redis until it is told to end.

local core = require("postevent.native")("postevent.core")
local deliverer = require("postevent.relay.deliverer")
local exit = require("postevent.cli.exit")
local notes = require("postevent.cli.notes")
local numbers = require("postevent.cli.numbers")
local output = require("postevent.cli.output")
local redis = require("postevent.cli.relay.redis")
local target = require("postevent.cli.target")

local run = {}

local DAY = 86400
local CONNECT_TIMEOUT, TIMEOUT = 5, 15 -- of Redis
local PREFETCH = 16 -- so many events for each post that can be under way

local function define_number(command, name, text)
  command:option("--" .. name, text):argname("NUMBER"):overwrite(false):convert(function(given)
    return tonumber(given), ("--%s: expected a number"):format(name)
  end)
end

function run.define(command)
  target.define(command)
  target.define_timeout(command, "Seconds that an attempt may take (15).")
  target.define_route(command)
  redis.define_name(command, "--name", "The name of this deliverer in the group; no other one has it. Default: the "
    .. "machine's, and a number. One that stays takes up at once what it had.")
  command:option("--max-in-flight", "How many events are posted at once (16)."):argname("NUMBER"):overwrite(false)
    :convert(numbers.like("--max-in-flight", "max_in_flight"))
  define_number(command, "claim-after", "Take over what another deliverer has had for so many seconds without a word "
    .. "(60); longer than an attempt.")
  define_number(command, "fleet-rate", "How many attempts a second all deliverers of the stream make together, where "
    .. "each is told the same. Default: any number.")
  define_number(command, "max-age", "Seconds after which an event is not sent any more (604800, a week).")
  define_number(command, "grace", "Seconds that posts under way have at the end (10).")
  command:option("--metrics", "Answer who asks for /metrics on this address of the machine: 127.0.0.1:9184.")
    :argname("HOST:PORT"):overwrite(false)
  notes.set_choices(command:option("--log", "How lines are written to stderr: text, or json for programs.")
    :argname("FORMAT"):default("text"):overwrite(false), "--log", { "text", "json" })
end

-- ---- the log ----

local function write_json(level, message)
  io.stderr:write(output.to_json { { "time", os.date("!%Y-%m-%dT%H:%M:%SZ") }, { "level", level },
    { "message", message } }, "\n")
end

local function write_text(level, message)
  io.stderr:write(("postevent: %s: %s\n"):format(level, output.printable(message)))
end

-- ---- what it is made of ----

-- "127.0.0.1:9184", "[::1]:9184", ":9184" -> what listens there; nil where it is not asked for.
local function listen(args)
  if not args.metrics then
    return nil
  end
  local host, port = args.metrics:match("^%[?(.-)%]?:(%d+)$")
  if not port or tonumber(port) > 65535 then
    exit.usage("--metrics: expected HOST:PORT, as 127.0.0.1:9184")
  end
  local listener, why = core.redis.listen(host == "" and "0.0.0.0" or host, port)
  return listener or exit.with(exit.FAILED, ("--metrics: cannot listen on %s: %s"):format(
    output.printable(args.metrics), why))
end

-- "shop-3-9f2c11aa": no other one has it.
local function new_name()
  local file = io.open("/proc/sys/kernel/hostname")
  local host = file and file:read("*l") or os.getenv("HOSTNAME") or "deliverer"
  if file then
    file:close()
  end
  local random = io.open("/dev/urandom", "rb")
  local bytes = random and random:read(4) or tostring(os.time())
  if random then
    random:close()
  end
  return host .. "-" .. bytes:gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end)
end

local function check_number(args, name, least, most, otherwise)
  local value = args[name:gsub("-", "_")]
  if value == nil then
    return otherwise
  elseif not (value >= least and value <= most) then
    exit.usage(("--%s: expected a number from %s to %s"):format(name, least, most))
  end
  return value
end

local function new_client(args, log)
  local found, sources = target.find(args)
  local width = math.floor(args.max_in_flight or 16) -- an integer for Redis, where Lua has floats
  local most = width * PREFETCH
  return target.new_client(args, found, sources, {
    timeout = args.timeout, max_in_flight = width, log = log,
    max_event_bytes = 10 * 1024 * 1024, -- they were checked before
    queue = { max_events = most, max_bytes = 2 ^ 40 }, results = most * PREFETCH,
    retry = { max_age = check_number(args, "max-age", 1, 366 * DAY, 7 * DAY) },
  }), most, width
end

local function say_end(log, counts, left, message)
  local parts = {}
  for _, name in ipairs { "delivered", "rejected", "expired", "unknown", "taken" } do
    if name == "delivered" or counts[name] > 0 then
      parts[#parts + 1] = ("%d %s"):format(counts[name], name)
    end
  end
  parts[#parts + 1] = left and ("%d given back"):format(left) or "the rest could not be given back: " .. message
  log("info", "ends: " .. table.concat(parts, ", "))
end

function run.run(args)
  local log = args.log == "json" and write_json or write_text
  local url, files = redis.find(args)
  local client, most, width = new_client(args, log)
  local timeout, grace, listener = args.timeout or TIMEOUT, check_number(args, "grace", 0, 3600, 10), listen(args)
  local self = deliverer.new(client, {
    url = url, files = files, stream = args.stream, group = args.group, name = args.name or new_name(),
    most = most, width = width, log = log,
    rate = check_number(args, "fleet-rate", 0.1, 1000000, 0),
    claim_after = check_number(args, "claim-after", 1, DAY, math.max(60, timeout * 2)),
    connect_timeout = CONNECT_TIMEOUT, timeout = TIMEOUT, listener = listener,
  })
  if self.member.claim_after <= timeout then
    exit.usage("--claim-after: must be longer than --timeout, so that nothing is taken from a deliverer that posts it")
  end
  core.redis.catch()
  log("info", ("delivers the stream %s as %s of the group %s"):format(args.stream, self.member.name, args.group))
  core.redis.notify("READY=1")
  while not core.redis.stopping() do
    self:step_once()
  end
  core.redis.notify("STOPPING=1")
  say_end(log, self.counts, self:stop(grace))
  return exit.OK
end

return run
