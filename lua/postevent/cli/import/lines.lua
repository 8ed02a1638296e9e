-- Records of JSON Lines: an event on each line. What is nothing but blanks is no record.
--
-- A reader of records, here and in items.lua and csv.lua, has
--   next() -> number, line, raw, problem: the record's number, which is its own in the file; the line where it begins;
--     its bytes; and why it cannot be read, or nil. nil: there are no more.
--   parse(raw, line) -> event; or nil, problem: a list of { message =, attribute =, rule = }, or one text that begins
--     with line and column.

local json = require("postevent.json")
local window = require("postevent.cli.window")

local lines = {}

-- As JSON: what of it may stand in a file of any kind is in postevent.json.
function lines.parse(raw, line)
  return json.decode_event(raw, line)
end

function lines.open(text)
  local number = 0
  local function next_record()
    local line, is_cut
    repeat
      line, is_cut = text:line()
      number = number + 1
    until not line or line:find("%S")
    if line then
      return number, number, line, is_cut and ("longer than %d bytes"):format(window.MOST) or nil
    end
  end
  return { next = next_record, parse = lines.parse }
end

return lines
