-- The course of an import: open, check, deliver, tell. What each of these is has a file of its own beside this one.

local arguments = require("postevent.cli.import.arguments")
local check = require("postevent.cli.import.check")
local clients = require("postevent.cli.import.clients")
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

local PATIENCE = 600 -- seconds without an answer
local GO_ON = "the same command goes on from here"
local RESEND = "nothing of it is in a journal (--journal keeps one), so the same command sends all of it again"

-- ---- a file ----

-- A function that says what stands in the way of delivery, and for how long nothing was answered; nil: nothing does.
local function trouble_of(shared)
  return function(answered_at)
    local stats = shared.client:stats()
    local is_troubled = stats.state == "held" or stats.state == "cooling"
    return is_troubled and stats.last_error
      and ("%s, waiting %.0f s"):format(shared.hide(stats.last_error.message), system.now() - answered_at) or nil
  end
end

local function refuse_changed(job)
  exit.usage(("FILE: %s has changed since %s was begun; --restart begins anew, and sends all of it again"):format(
    job.source.name, job.journal.path))
end

-- Compares the file with what the journal says of it, or begins the journal.
local function settle(job, address)
  local head, own = job.journal.head, job.journal
  local common = (job.plan.common or {}).event_name
  local event = journal.event(job.plan.set.event_name or common)
  if head and job.fingerprint and head.hash ~= job.fingerprint.hash then
    refuse_changed(job)
  elseif head and head.address ~= address then
    exit.usage(("%s is of an import to another address; --journal names another file, --restart begins anew"):format(
      own.path))
  elseif head and head.format ~= job.format then
    exit.usage(("%s was begun with --format %s; --restart begins anew, and sends all of it again"):format(own.path,
      head.format))
  elseif head and head.event ~= event then
    local option = common and "--common" or "--set"
    exit.usage(("%s was begun with %s; --journal names another file for other events"):format(own.path,
      head.event == "-" and "no --set event_name" or option .. " event_name=" .. head.event))
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

-- Returns why the file is not what it is to be; nil: it is, or is not wanted.
local function write_failed(jobs, args)
  if not args.failed then
    return nil
  elseif system.signals() > 0 then
    notice.say(args, "warning", ("--failed: %s is written at the end of a run that is not interrupted"):format(
      args.failed))
    return nil
  end
  local ok, count, why = exit.try(failed.write, jobs[1], args.failed)
  why = not ok and count or why
  return why and ("--failed: %s: %s"):format(args.failed, why)
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

local function deliver(job)
  job.journal:watch(job.client)
  return delivery.new(job):run()
end

-- One file after the other. Returns why it stopped before the end, and what is to be done, as Delivery:run does.
local function deliver_each(jobs, shared)
  for i, job in ipairs(jobs) do
    local why, advice
    if i > 1 then
      shared.client, why = clients.new_later(shared)
    end
    if not why then
      local _
      _, why, advice = exit.try(deliver, job)
    end
    if why then
      return why, advice or job.journal.is_temporary and RESEND or GO_ON
    end
  end
end

local function deliver_all(jobs, args, address, shared)
  local counts = jobs[1].tally
  for _, job in ipairs(jobs) do
    settle(job, address)
    counts:add_before(job.journal)
    tell_skipped(job)
  end
  local start = system.now()
  local stopped, advice = deliver_each(jobs, shared)
  counts.total = counts.total or (not stopped and counts.read or nil)
  jobs[1].progress:clear()
  say_end(args, counts, system.now() - start, stopped)
  local trouble = write_failed(jobs, args)
  if stopped and trouble then
    notice.say(args, "error", trouble)
  end
  local status = trouble and exit.TRY_AGAIN or status_of(counts, stopped)
  if status == exit.TRY_AGAIN then
    exit.with(status, not stopped and trouble or (stopped or "not all of it was delivered") .. "; "
      .. (advice or jobs[1].journal.is_temporary and RESEND or GO_ON))
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
  shared.room = clients.room(args.concurrency)
  shared.checker = clients.new_checker(args, read)
  if not args.dry_run then
    shared.found, shared.sources = clients.find_target(args)
    shared.client = clients.new_sender(shared)
    shared.hide = function(text)
      return credential.hide(text, shared.found.authorization)
    end
  end
  shared.progress = progress.new(args, trouble_of(shared))
  add_jobs(jobs, args, read, shared)
  local result = examine_all(jobs, args)
  if args.dry_run then
    return result.bad == 0 and exit.OK or exit.FAILED
  end
  shared.tally.total = not args.no_check and result.records or nil
  return deliver_all(jobs, args, system.sha256(shared.found.url), shared)
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
