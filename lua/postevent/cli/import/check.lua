-- The first pass over a file: every record is read and checked as `track` would, and nothing is sent.

local findings = require("postevent.cli.import.findings")
local notice = require("postevent.cli.import.notice")
local plan = require("postevent.cli.import.plan")
local problems = require("postevent.cli.problems")
local reading = require("postevent.cli.import.reading")

local check = {}

-- What is wrong with an event: a list, or nil. `client`: one that sends nothing.
function check.event(client, event)
  local encoded, message, code, detail = client:encode(event)
  if encoded then
    return nil
  end
  return detail.problems or { { message = message, rule = code } }
end

-- What is wrong with a record, as Findings:add wants it, or nil.
function check.record(client, events, reader, number, line, raw, problem)
  if problem then
    return { { message = problem, rule = "read" } }
  end
  local event, wrong = events:read(reader, number, line, raw)
  if not event then
    return wrong
  end
  return check.event(client, event)
end

-- Reads all of it for its fingerprint alone. Returns { records = 0, bad = 0, fingerprint =, format = }.
function check.look(job)
  local pass, _, format = reading.open(job.source, job.args, job.plan, true)
  repeat until not pass:read()
  pass:close()
  reading.check(pass, job.source)
  return { records = 0, bad = 0, fingerprint = pass:fingerprint(), format = format }
end

-- Whether a record was not even what its format has: JSON's own words, or CSV's.
local function is_unread(wrong)
  return type(wrong) == "string" or wrong[1].rule == "csv"
end

-- Ends the command where this record is the first of many that are wrong in the same way: what the file is, is said
-- once. `seen`: what was seen of it.
local function look(job, reader, line, raw, wrong, seen)
  if job.args.skip_bad then
    return
  elseif is_unread(wrong) then
    reading.look(job.source, reader.look, line, raw)
  elseif problems.has_rule(wrong, "utf8") and not seen.encoding then
    seen.encoding = true
    reading.look(job.source, reader.look_at_encoding, line, raw, seen.utf8)
  end
end

local function warn_of_unmet(job, reader, records)
  for _, text in ipairs(records > 0 and not reader.header and plan.find_unmet(job.plan, job.events.met) or {}) do
    notice.say(job.args, "warning", ("%s (%s)"):format(text, job.source.name))
  end
end

-- job: source, args, plan, events, checker (a client that sends nothing), progress. Returns { records =, bad =,
-- fingerprint =, format = }. Ends the command where the file cannot be read to its end.
function check.run(job, again)
  local found, records, seen = findings.new(job.args.log == "json"), 0, {}
  job.progress:begin(0)
  local pass, reader, format = reading.open(job.source, job.args, job.plan, again)
  reading.each(pass, reader, function(number, line, raw, problem)
    records = records + 1
    local wrong = check.record(job.checker, job.events, reader, number, line, raw, problem)
    if not wrong then
      seen.utf8 = seen.utf8 or raw:find("[\128-\255]") ~= nil
    else
      job.progress:clear()
      look(job, reader, line, raw, wrong, seen)
      found:add(job.source.name, number, line, wrong, reader.is_array ~= nil)
    end
    job.progress:checked(pass.size, job.source.size, records, found.records)
  end)
  pass:close()
  job.progress:clear()
  reading.check(pass, job.source)
  found:say_summary()
  warn_of_unmet(job, reader, records)
  return { records = records, bad = found.records, fingerprint = pass:fingerprint(), format = format }
end

-- "1,000 lines, 3 with problems"
function check.describe(result)
  return ("%s, %s with problems"):format(findings.lines(result.records), findings.grouped(result.bad))
end

return check
