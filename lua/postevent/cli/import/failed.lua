-- --failed FILE: the records that did not arrive, in the format of the input and with the reason, to be mended and
-- imported again. One more pass over the input, when all is over: so it is whole, and in order, however often the
-- import was interrupted. The id that an event was sent with goes along: what may have arrived must not count twice.

local check = require("postevent.cli.import.check")
local events = require("postevent.cli.import.events")
local exit = require("postevent.cli.exit")
local printable = require("postevent.printable")
local reading = require("postevent.cli.import.reading")
local system = require("postevent.native")("postevent.core").command

local failed = {}

-- ---- the formats ----

-- A JSON object with members more at its end; as it is where it is no object.
local function add_members(raw, members)
  local parts = {}
  for _, member in ipairs(members) do
    parts[#parts + 1] = printable.json(member[1]) .. ":" .. printable.json(member[2])
  end
  local body = raw:match("^%s*({.*)}%s*$")
  if not body then
    return raw
  end
  return body .. (body:find("^{%s*$") and "" or ",") .. table.concat(parts, ",") .. "}"
end

local writers = {}

function writers.jsonl(file)
  return {
    add = function(raw, members)
      return file:write(add_members(raw, members), "\n")
    end,
    finish = function()
      return true
    end,
  }
end

local function copy_rest(file, reader)
  for block in reader.rest do
    local written, why = file:write(block)
    if not written then
      return nil, why
    end
  end
  return true
end

-- As an array where the input was one; as it is from where it could not be read.
function writers.json(file, reader)
  local before, is_broken = "[", false
  return {
    add = function(raw, members, problem)
      local is_array = reader.is_array()
      local written, why = file:write(is_array and before .. "\n" or "")
      before, is_broken = ",", problem ~= nil
      if written and is_broken then
        return copy_rest(file, reader)
      end
      return written and file:write(add_members(raw, members), is_array and "" or "\n"), why
    end,
    finish = function()
      return is_broken or not reader.is_array() or file:write(before == "[" and "[" or "", "\n]\n")
    end,
  }
end

local function quote(cell)
  return '"' .. cell:gsub('"', '""') .. '"'
end

-- Columns more at the end: of a record with fewer cells than the header has, they would be others.
function writers.csv(file, reader, id_name)
  local delimiter, names, seen = reader.delimiter, {}, {}
  for _, column in ipairs(reader.header) do
    seen[column] = true
  end
  for _, name in ipairs { id_name, events.REASON } do
    names[#names + 1] = not seen[name] and name or nil
  end
  if reader.header_raw then
    file:write(reader.header_raw, delimiter, table.concat(names, delimiter), "\n")
  end
  return {
    add = function(raw, members)
      local by_name, cells = {}, { raw }
      for _, member in ipairs(members) do
        by_name[member[1]] = member[2]
      end
      for _, name in ipairs(names) do
        cells[#cells + 1] = quote(by_name[name] or "")
      end
      return file:write(table.concat(cells, delimiter), "\n")
    end,
    finish = function()
      return true
    end,
  }
end

-- ---- what goes in ----

local function text_of(found)
  if type(found) == "string" then
    return found
  end
  local texts = {}
  for i, problem in ipairs(found) do
    texts[i] = problem.message
  end
  return table.concat(texts, "; ")
end

-- Why a record did not arrive; nil: it did.
local function reason_of(job, reader, number, line, raw, problem)
  if job.journal:has(number) then
    local outcome, _, message = job.journal:reason(number)
    return outcome and ("%s: %s"):format(outcome, message or outcome)
  end
  local wrong = check.record(job.checker, job.events, reader, number, line, raw, problem)
  return wrong and text_of(wrong) or "not known to be delivered"
end

-- What is added to a record: the id that was made up for it, and the reason.
local function members_of(job, reason, reader, number, line, raw, problem)
  local event, id = nil, nil
  if not problem then
    event, id = job.events:read(reader, number, line, raw)
  end
  local members = { { events.REASON, reason } }
  if event and id then
    table.insert(members, 1, { job.events.id, id })
  end
  return members
end

-- Ends the command where the file cannot be written, or is one of `others`, a list of paths and what each is: not when
-- all has been sent.
function failed.check(path, others)
  local real = system.real_path(path) or path
  for _, other in ipairs(others) do
    if real == (system.real_path(other[1]) or other[1]) then
      exit.usage("--failed: that is " .. other[2])
    end
  end
  local file, why = io.open(path, "ab")
  if not file then
    exit.usage("--failed: " .. why)
  end
  file:close()
end

-- Writes the file. job: source, args, plan, events, checker, journal, fingerprint. Returns how many records are in it;
-- or nil and why it is not whole.
function failed.write(job, path)
  local file, why = io.open(path, "wb")
  if not file then
    return nil, (why:gsub("^.*: ", ""))
  end
  job.journal:read_again()
  local limit = job.fingerprint and job.fingerprint.size
  local pass, reader, name = reading.open(job.source, job.args, job.plan, true, limit)
  local writer = writers[name](file, reader, job.events.id)
  local count, written = 0, true
  reading.each(pass, reader, function(number, line, raw, problem)
    local reason = reason_of(job, reader, number, line, raw, problem)
    if reason then
      count = count + 1
      written, why = writer.add(raw, members_of(job, reason, reader, number, line, raw, problem), problem)
    end
    return not written
  end)
  written = written and writer.finish()
  pass:close()
  local closed, trouble = file:close()
  if not written or not closed or pass.trouble or pass.interrupted then
    return nil, why or trouble or pass.trouble or "interrupted; it is not whole"
  end
  return count
end

return failed
