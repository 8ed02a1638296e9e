-- Which events are asked about: ids from a file, in any of the forms in which there are ids.
--   a line of text     the id itself
--   a line of JSON     an object: a reply of `postevent post`, a result, an event as it was sent
--   a journal          of `postevent import`, which has a line for each event that was answered

local exit = require("postevent.cli.exit")
local foreign = require("postevent.foreign")
local input = require("postevent.cli.input")
local json = require("postevent.json")

local ids = {}

local JOURNAL = "^postevent import %d"

local function text_of(value)
  if type(value) == "string" and value ~= "" then
    return value
  end
  return type(value) == "number" and require("postevent.native")("postevent.core").number(value) or nil
end

-- { id =, request = } of a line: the event's own id, and the one that the webhook has answered; one of them may be nil.
local function read_line(where, line, attribute)
  if not line:find("^%s*{") then
    return { id = line:match("^%s*(.-)%s*$") }
  end
  local object, message = json.decode(line)
  if message then
    exit.usage(("%s: %s"):format(where, (message:gsub("^line %d+, ", ""))))
  end
  local entry = { id = text_of(object[attribute]) or text_of(object.event_id), request = text_of(object.requestId) }
  return (entry.id or entry.request) and entry
    or exit.usage(("%s: there is no %s, event_id or requestId in it"):format(where, attribute))
end

-- What the head of a journal says: when the first event was sent.
local function read_head(line)
  return tonumber(line:match("^[^\t]+\t%d+\t%x+\t%x+\t(%d+)"))
end

-- The lines of a journal are the import's to read. Those that were refused have no receipt; what has no id there cannot
-- be found.
local function journal_reader(where, path)
  local found, record = pcall(require, "postevent.cli.import.record")
  if not found then
    exit.usage(where .. ": this is the journal of an import, which this version cannot read")
  end
  return function(line)
    local number, outcome, id = record.read(line)
    if number and outcome == "delivered" then
      return id and { id = id } or { name = ("%s: record %d"):format(path, number), state = "not_found",
        message = "the journal has no id of it: none that is short and plain ASCII" }
    end
  end
end

-- Refuses a file that is none of ids.
local function look_at(where)
  return function(beginning)
    local found = not beginning:find(JOURNAL) and foreign.find(beginning, "ids")
    if found then
      exit.usage(("%s:%d: %s"):format(where, found.line, foreign.explain(found, "ids")))
    end
  end
end

-- The ids in the file that `option` names, as a list of { id =, request = }, or of { name =, state =, message = } where
-- there is neither; `attribute` is the one that identifies an
-- event. The second result: since when they were sent, in seconds since 1970, where the file says it. Ends the command
-- where it cannot be read.
function ids.read(option, path, attribute)
  local where = ("%s: %s"):format(option, input.name(path))
  local list, since, of_journal = {}, nil, nil
  for number, line in input.lines(option, path, look_at(where)) do
    line = line:gsub("\r$", "")
    if number == 1 and line:find(JOURNAL) then
      of_journal, since = journal_reader(where, input.name(path)), read_head(line)
    elseif of_journal then
      list[#list + 1] = of_journal(line)
    elseif line:find("%S") then
      list[#list + 1] = read_line(("%s:%d"):format(where, number), line, attribute)
    end
  end
  return list, since
end

return ids
