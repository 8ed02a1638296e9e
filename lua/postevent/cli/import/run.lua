-- The course of an import: open, check, deliver, tell. What each of these is has a file of its own beside this one.

local arguments = require("postevent.cli.import.arguments")
local check = require("postevent.cli.import.check")
local credential = require("postevent.cli.credential")
local definitions_file = require("postevent.cli.definitions_file")
local delivery = require("postevent.cli.import.delivery")
local events = require("postevent.cli.import.events")
local exit = require("postevent.cli.exit")
local failed = require("postevent.cli.import.failed")
local findings = require("postevent.cli.import.findings")
local journal = require("postevent.cli.import.journal")
local notice = require("postevent.cli.import.notice")
local output = require("postevent.cli.output")
local place = require("postevent.cli.import.place")
local plan = require("postevent.cli.import.plan")
local progress = require("postevent.cli.import.progress")
local source = require("postevent.cli.import.source")
local system = require("postevent.native")("postevent.core").command
local tally = require("postevent.cli.import.tally")
local target = require("postevent.cli.target")

local CONCURRENCY, MOST_CONCURRENCY, PATIENCE = 16, 1000, 600 -- how many there may be, `new` says
local RETRY = 0.5 -- seconds before an event is tried again for the first time, at most, as the module has it
local WAIT = 0.25 -- seconds for which `track` waits for room, until signals are looked at

-- ---- the clients ----

local SOURCES = {
  max_in_flight = "--concurrency", ["rate_limit.per_second"] = "--rate", ["retry.max_age"] = "--max-age",
  ["retry.max"] = "--retry-max", common = "--common", id_attribute = "--id-attribute",
}

-- One that checks, and sends nothing.
local function new_checker(args, read)
  local made, client = pcall(require("postevent").new, {
    mode = "record", definitions = read.definitions, common = read.common, id_attribute = read.id_attribute,
    log = function(_, message)
      notice.say(args, "warning", message)
    end,
  })
  return made and client or exit.usage(target.translate(client, SOURCES))
end

-- One that sends. Returns it, and where to and as whom.
local function new_sender(args, read, room)
  local found, sources = target.find(args)
  for option, name in next, SOURCES do
    sources[option] = name
  end
  local client = target.new_client(args, found, sources, {
    definitions = read.definitions, common = read.common, id_attribute = read.id_attribute, timeout = args.timeout,
    max_in_flight = args.concurrency, rate_limit = args.rate and { per_second = args.rate },
    retry = { max_age = args.max_age, initial = args.retry_max and math.min(RETRY, args.retry_max),
      max = args.retry_max, ambiguous = not args.no_resend },
    queue = { max_events = 2 * room, overflow = "wait", wait = WAIT }, results = 4 * room, log = false,
  })
  return client, found
end

-- A function that says what stands in the way of delivery, and for how long nothing was answered; nil: nothing does.
local function trouble_of(shared)
  return function(answered_at)
    local stats = shared.client:stats()
    local is_troubled = stats.state == "held" or stats.state == "cooling"
    return is_troubled and stats.last_error
      and ("%s, waiting %.0f s"):format(shared.hide(stats.last_error.message), system.now() - answered_at) or nil
  end
end

-- ---- a file ----

local function refuse_changed(job)
  exit.usage(("FILE: %s has changed since %s was begun; --restart begins anew, and sends all of it again"):format(
    job.source.name, job.journal.path))
end

-- Compares the file with what the journal says of it, or begins the journal.
local function settle(job, address)
  local head, own = job.journal.head, job.journal
  local event = journal.event(job.plan.set.event_name)
  if head and job.fingerprint and head.hash ~= job.fingerprint.hash then
    refuse_changed(job)
  elseif head and head.address ~= address then
    exit.usage(("%s is of an import to another address; --journal names another file, --restart begins anew"):format(
      own.path))
  elseif head and head.format ~= job.format then
    exit.usage(("%s was begun with --format %s; --restart begins anew, and sends all of it again"):format(own.path,
      head.format))
  elseif head and head.event ~= event then
    exit.usage(("%s was begun with %s; --journal names another file for other events"):format(own.path,
      head.event == "-" and "no --set event_name" or "--set event_name=" .. head.event))
  elseif not head then
    local known = job.fingerprint or { size = 0, hash = "0" }
    own:begin { size = known.size, hash = known.hash, address = address, time = os.time(), format = job.format,
      event = event }
  end
  job.events.time = os.date("!%Y-%m-%d %H:%M:%S", own.head.time)
end

local function tell_skipped(job)
  local number = 0
  for _, count in next, job.journal.counts do
    number = number + count
  end
  if number > 0 and not job.args.quiet then
    notice.say(job.args, "skipped", ("%s: %s answered in runs before, by %s; they are skipped"):format(job.source.name,
      findings.lines(number), job.journal.path), { { "lines", number } })
  end
end

-- The size alone tells most changes, before hours are spent on the check.
local function open_journal(job)
  job.journal = place.open(job.source, job.args)
  local head = job.journal.head
  if head and job.source.size and head.size ~= job.source.size then
    refuse_changed(job)
  end
end

-- What of a file is known before anything is sent: its fingerprint, how many records it has.
local function examine(job, result)
  local found
  if not job.args.no_check then
    found = check.run(job, not job.args.dry_run)
  elseif job.source.is_file or job.args.journal then
    found = check.look(job)
  else
    found = { records = 0, bad = 0, format = "unknown" } -- its journal is gone when it is
  end
  job.fingerprint, job.format = found.fingerprint, found.format
  result.records, result.bad = result.records + found.records, result.bad + found.bad
end

-- ---- the end ----

-- Where nobody reads it, the status tells all the same what became of the events.
local function say_end(args, counts, seconds, stopped)
  if args.log == "json" then
    output.line(output.to_json(counts:members(seconds, stopped)))
  elseif not args.quiet then
    output.line(table.concat(output.columns(counts:rows(seconds, stopped)), "\n"))
  end
end

local function status_of(counts, stopped)
  if stopped or (counts:missing() or 0) > 0 or counts:count("expired") + counts:count("dropped") > 0 then
    return exit.TRY_AGAIN
  end
  local refused = counts:count("rejected") + counts:count("unknown") + counts.refusals
  return refused > 0 and exit.FAILED or exit.OK
end

local function write_failed(jobs, args)
  if not args.failed then
    return
  elseif system.signals() > 0 then
    notice.say(args, "warning", ("--failed: %s is written at the end of a run that is not interrupted"):format(
      args.failed))
    return
  end
  local count, why = failed.write(jobs[1], args.failed)
  if not count then
    exit.with(exit.TRY_AGAIN, ("--failed: %s: %s"):format(args.failed, why))
  end
end

-- ---- the course ----

-- A job for each file: what delivery.new, check.run and failed.write want of it.
local function add_jobs(jobs, args, read, shared)
  for i, path in ipairs(args.files) do
    local job = setmetatable({ source = source.open(path), events = events.new(read), again = args.failed ~= nil },
      { __index = shared })
    job.events.time = os.date("!%Y-%m-%d %H:%M:%S")
    jobs[i] = job
  end
end

local function deliver_all(jobs, args, address, shared)
  local counts = jobs[1].tally
  for _, job in ipairs(jobs) do
    settle(job, address)
    counts:add_before(job.journal)
    tell_skipped(job)
  end
  local start, stopped, advice = system.now(), nil, nil
  for i, job in ipairs(jobs) do
    if not stopped then
      shared.client = i == 1 and shared.client or new_sender(args, shared.plan, shared.room)
      job.journal:watch(shared.client)
      stopped, advice = delivery.new(job):run()
    end
  end
  jobs[1].progress:clear()
  say_end(args, counts, system.now() - start, stopped)
  write_failed(jobs, args)
  local status = status_of(counts, stopped)
  if status == exit.TRY_AGAIN then
    exit.with(status, (stopped or "not all of it was delivered") .. "; "
      .. (advice or "the same command goes on from here"))
  end
  return status
end

local function examine_all(jobs, args)
  local result = { records = 0, bad = 0 }
  for _, job in ipairs(jobs) do
    if not args.dry_run then
      open_journal(job)
    end
    examine(job, result)
  end
  local is_refused = result.bad > 0 and not args.skip_bad
  if args.log == "json" and (args.dry_run or is_refused) then
    output.say(output.to_json { { "phase", "checked" }, { "read", result.records }, { "with_problems", result.bad } })
  elseif args.dry_run and not (args.quiet and result.bad == 0) then
    output.say(check.describe(result))
  end
  if is_refused and not args.dry_run then
    exit.with(exit.FAILED, check.describe(result) .. "; nothing was sent (--skip-bad sends the others)")
  end
  return result
end

local function work(args, jobs)
  arguments.check(args)
  local read = plan.read(args)
  read.definitions = args.definitions and definitions_file.read("--definitions", args.definitions)
  local shared = { args = args, plan = read, patience = args.give_up or PATIENCE, tally = tally.new() }
  shared.room = delivery.room(math.min(args.concurrency or CONCURRENCY, MOST_CONCURRENCY))
  shared.checker = new_checker(args, read)
  local found
  if not args.dry_run then
    shared.client, found = new_sender(args, read, shared.room)
    shared.hide = function(text)
      return credential.hide(text, found.authorization)
    end
  end
  shared.progress = progress.new(args, trouble_of(shared))
  add_jobs(jobs, args, read, shared)
  local result = examine_all(jobs, args)
  if args.dry_run then
    return result.bad == 0 and exit.OK or exit.FAILED
  end
  shared.tally.total = not args.no_check and result.records or nil
  return deliver_all(jobs, args, system.sha256(found.url), shared)
end

-- Raises again what ended the work. Programs are told in their own way.
local function raise(args, ended)
  if args.log == "json" and exit.is_exit(ended) and ended.message then
    notice.say(args, "error", ended.message, { { "status", ended.status } })
    exit.with(ended.status)
  end
  error(ended, 0)
end

-- Runs the import with the arguments of argparse; returns the exit status, or ends the command.
return function(args)
  local jobs = {}
  system.fill_standard()
  system.hold_signals()
  local ok, status = pcall(work, args, jobs)
  for _, job in ipairs(jobs) do
    if job.journal then
      job.journal:close()
    end
  end
  system.release_signals()
  return ok and status or raise(args, status)
end
