-- One pass over a file, record by record.

local exit = require("postevent.cli.exit")
local foreign = require("postevent.foreign")
local format = require("postevent.cli.import.format")
local plan = require("postevent.cli.import.plan")
local window = require("postevent.cli.window")

local reading = {}

local WANTED = { jsonl = "lines", csv = "cells" } -- of foreign.lua, by format; an array that breaks off ends itself

local RECORDS_KEPT = 500

-- LuaJIT keeps all strings in one table, by a hash of a few of their bytes: lines that look alike, as those of events
-- do, meet in one place of it, and a file takes time by the square of its lines. So they are thrown away in time.
local function clean_up(count)
  if rawget(_G, "jit") and count % RECORDS_KEPT == 0 then
    collectgarbage()
  end
end

-- Begins. `again`: whether it is to be read once more afterwards; `limit`: how many bytes there are, where that is
-- known. Returns the pass, the reader and the format's name. Ends the command where the file is none that can be read.
function reading.open(source, args, read, again, limit)
  local pass = source:pass(again, limit)
  local text = window.open(function()
    return pass:read()
  end)
  local reader, name = format.open(text, source, args)
  if reader.header and reader.header[1] then
    plan.check_header(read, reader.header, source.name)
  end
  local wanted = WANTED[name]
  function reader.look(line, raw)
    return wanted and foreign.find(raw .. "\n" .. text:ahead(), wanted, line), wanted
  end
  function reader.look_at_encoding(line, raw, is_later)
    return foreign.find_encoding(raw .. "\n" .. text:ahead(), line, is_later), wanted or "records"
  end
  return pass, reader, name
end

-- Ends the command where what begins at this record is not what the file began as: said once, not of each line. `look`:
-- one of the reader's, which is given what is behind it here.
function reading.look(source, look, ...)
  local found, wanted = look(...)
  if found then
    exit.usage(("FILE: %s:%d: %s"):format(source.name, found.line, foreign.explain(found, wanted)))
  end
end

-- Calls visit(number, line, raw, problem) for each record of the reader, until that returns true. What there is of a
-- record at which the pass broke off is none: as a line of CSV it may look whole.
function reading.each(pass, reader, visit)
  local count = 0
  for number, line, raw, problem in reader.next do
    count = count + 1
    clean_up(count)
    if pass.interrupted or pass.trouble or visit(number, line, raw, problem) then
      return
    end
  end
end

-- Ends the command where the pass did not get to the end.
function reading.check(pass, source)
  if pass.interrupted then
    exit.with(exit.TRY_AGAIN, "interrupted; nothing was sent")
  elseif pass.trouble then
    exit.with(exit.FAILED, ("%s: %s"):format(source.name, pass.trouble))
  end
end

return reading
