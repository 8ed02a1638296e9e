-- `postevent spool deliver`: sends what is there and ends, for a cron job or a shutdown script.

local credential = require("postevent.cli.credential")
local exit = require("postevent.cli.exit")
local files = require("postevent.cli.spool.files")
local output = require("postevent.cli.output")
local survey = require("postevent.cli.spool.survey")
local target = require("postevent.cli.target")

local deliver = { summary = "Send what no running program has, and end." }

local TIMEOUT = 60
local ENDS = { "delivered", "rejected", "expired", "dropped", "unknown" }

function deliver.define(command)
  target.define(command)
  target.define_timeout(command, "Leave the rest after so many seconds (60).")
  target.define_way(command)
  command:epilog("Exit status: 0 all was delivered, 75 some are left, 1 some were refused or lost,\n2 wrong usage.")
end

-- What is pending for that endpoint: in files that nobody holds, and in those of running programs.
local function count_left(directory, endpoint)
  local left, held = 0, 0
  for _, file in ipairs(survey.take(directory).files) do
    if file.endpoint == endpoint and file.holder then
      held = held + file.pending
    elseif file.endpoint == endpoint then
      left = left + file.pending
    end
  end
  return left, held
end

-- Sends until nothing is left, or time is up. Returns the counters at the end.
local function send(client, timeout)
  assert(client:start())
  client:flush(timeout)
  client:close(0)
  return client:stats()
end

local function describe(stats, left)
  local parts = {}
  for _, outcome in ipairs(ENDS) do
    if outcome == "delivered" or stats[outcome] > 0 then
      parts[#parts + 1] = ("%d %s"):format(stats[outcome], outcome)
    end
  end
  parts[#parts + 1] = ("%d left"):format(left)
  return table.concat(parts, ", ")
end

-- What went wrong last, as far as it is known.
local function last_words(stats, authorization)
  local trouble = stats.spool.state ~= "works" and stats.spool.last_error or stats.last_error
  return trouble and ": " .. credential.hide(trouble.message, authorization) or ""
end

function deliver.run(args)
  local found, sources = target.find(args)
  local timeout = args.timeout or TIMEOUT
  if timeout <= 0 or timeout > 86400 then
    exit.usage("--timeout: expected a number of seconds above 0, at most 86400")
  end
  files.list_own(args.directory)
  local client = target.new_client(args, found, sources, {
    spool = { path = args.directory },
    log = function(_, message)
      output.warn(credential.hide(message, found.authorization))
    end,
  })
  local stats = send(client, timeout)
  local left, held = count_left(args.directory, found.url:match("^[^?#]*"))
  output.say(describe(stats, left))
  if held > 0 then
    output.say(("%d more in the hands of running programs"):format(held))
  end
  if left > 0 then
    exit.with(exit.TRY_AGAIN, ("%s: %d left%s"):format(args.directory, left, last_words(stats, found.authorization)))
  end
  return stats.delivered == stats.restored and exit.OK
    or exit.with(exit.FAILED, ("%s: not all of it was delivered%s"):format(args.directory,
      last_words(stats, found.authorization)))
end

return deliver
