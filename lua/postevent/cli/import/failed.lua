-- --failed FILE: the records that did not arrive, in the format of the input and with the reason, to be mended and
-- imported again. One more pass over the input, when all is over: so it is whole, and in order, however often the
-- import was interrupted. The id that an event was sent with goes along: what may have arrived must not count twice.

local check = require("postevent.cli.import.check")
local events = require("postevent.cli.import.events")
local exit = require("postevent.cli.exit")
local object = require("postevent.cli.import.object")
local printable = require("postevent.printable")
local reading = require("postevent.cli.import.reading")
local system = require("postevent.native")("postevent.core").command

local failed = {}

local BLOCK = 65536

-- ---- the formats ----

-- A JSON object with members more at its end, in place of those of their names; as it is where it is no object.
local function add_members(raw, members)
  local names, parts = {}, {}
  for _, member in ipairs(members) do
    names[member[1]] = true
    parts[#parts + 1] = printable.json(member[1]) .. ":" .. printable.json(member[2])
  end
  local body = object.without(raw, names):match("^%s*({.*)}%s*$")
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

-- The record with the values of members in the columns of their names; as it is where it has none of these, or not the
-- header's number of cells.
local function put_in_place(raw, reader, columns, by_name)
  local cells = next(columns) and reader.parse(raw)
  if not cells then
    return raw
  end
  for i, cell in ipairs(cells) do
    cells[i] = quote(by_name[columns[i] or false] or cell)
  end
  return table.concat(cells, reader.delimiter)
end

-- Columns more at the end, of what the input has no column for: of a record with fewer cells than the header has, they
-- would be others.
function writers.csv(file, reader, id_name)
  local delimiter, columns, names, seen = reader.delimiter, {}, {}, {}
  for i, column in ipairs(reader.header) do
    columns[i] = (column == id_name or column == events.REASON) and column or nil
    seen[column] = true
  end
  for _, name in ipairs { id_name, events.REASON } do
    names[#names + 1] = not seen[name] and name or nil
  end
  if reader.header_raw then
    file:write(table.concat({ reader.header_raw, names[1], names[2] }, delimiter), "\n")
  end
  return {
    add = function(raw, members)
      local by_name = {}
      for _, member in ipairs(members) do
        by_name[member[1]] = member[2]
      end
      local cells = { put_in_place(raw, reader, columns, by_name) }
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

local function is_changed(job, pass)
  return job.fingerprint and pass:fingerprint().hash ~= job.fingerprint.hash
end

-- Writes what goes in. Returns how many records that are, and why it is not all; or nil and why it is nothing.
local function write_records(job, file)
  local limit = job.fingerprint and job.fingerprint.size
  local pass, reader, name = reading.open(job.source, job.args, job.plan, true, limit)
  local writer = writers[name](file, reader, job.events.id)
  local count, written, why = 0, true, nil
  reading.each(pass, reader, function(number, line, raw, problem)
    local reason = reason_of(job, reader, number, line, raw, problem)
    if reason then
      count = count + 1
      written, why = writer.add(raw, members_of(job, reason, reader, number, line, raw, problem), problem)
    end
    return not written
  end)
  pass:close()
  if written then
    written, why = writer.finish()
  end
  if written then
    written, why = file:flush()
  end
  if not written or pass.interrupted then
    return nil, why or "interrupted"
  elseif is_changed(job, pass) then
    return nil, "the input has changed since, so nothing is written"
  end
  return count, pass.trouble and "it is not whole: " .. pass.trouble
end

-- Returns true; or nil and why not.
local function copy_to(path, file)
  local copy, why = io.open(path, "wb")
  if not copy then
    return nil, (why:gsub("^.*: ", ""))
  end
  file:seek("set")
  local block = file:read(BLOCK)
  local written = true
  while block and written do
    written, why = copy:write(block)
    block = file:read(BLOCK)
  end
  local closed, trouble = copy:close()
  return written and closed, why or trouble
end

-- Writes the file, once all that is to be in it is known. job: source, args, plan, events, checker, journal,
-- fingerprint. Returns how many records are in it; or nil and why it is not what it should be.
function failed.write(job, path)
  local file, why = io.tmpfile()
  if not file then
    return nil, why
  end
  job.journal:read_again()
  local count, copied, trouble
  count, why = write_records(job, file)
  if count then
    copied, trouble = copy_to(path, file)
    why = not copied and trouble or why
  end
  file:close()
  return not why and count or nil, why
end

return failed
