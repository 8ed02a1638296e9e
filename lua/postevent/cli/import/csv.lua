-- Records of CSV as RFC 4180 has it, read by LPeg: quotes, and delimiters and line breaks within them. A record's
-- number is that of the line where it begins, counted as an editor counts.

local exit = require("postevent.cli.exit")
local foreign = require("postevent.foreign")
local lpeg = require("postevent.native")("lpeg", "lpeg")
local utf8 = require("postevent.utf8")
local window = require("postevent.cli.window")

local csv = {}

local C, Cp, Cs, Ct, P, S = lpeg.C, lpeg.Cp, lpeg.Cs, lpeg.Ct, lpeg.P, lpeg.S

local MOST_COLUMNS = 1000
local DELIMITERS = { ",", ";", "\t", "|" }

-- From the beginning of a record to behind its line break.
local to_end = ('"' * (1 - P '"') ^ 0 * '"' + (1 - S '"\n')) ^ 0 * "\n" * Cp()

-- A pattern that makes of a record, without its line break, the list of its cells.
local function cells_of(delimiter)
  local quoted = '"' * Cs(((1 - P '"') + P '""' / '"') ^ 0) * '"'
  local plain = C((1 - S(delimiter .. '"\r\n')) ^ 0)
  local cell = quoted + plain
  return Ct(cell * (P(delimiter) * cell) ^ (1 - MOST_COLUMNS)) * -1
end

-- The delimiter that the line has most of, outside of quotes; a comma where it has none.
function csv.find_delimiter(line)
  local best, most = ",", 0
  local outside = line:gsub('"[^"]*"', "")
  for _, delimiter in ipairs(DELIMITERS) do
    local _, count = outside:gsub("%" .. delimiter, "")
    if count > most then
      best, most = delimiter, count
    end
  end
  return best
end

local function find_end(text, at)
  return to_end:match(text, at)
end

-- Where the first record begins that is not an empty line, and where it ends; nil: it has no end.
local function find_first(text, at)
  local start = text:find("[^\r\n]", at)
  local stop = start and find_end(text, start)
  return stop and { start, stop }
end

local function strip(raw)
  return (raw:gsub("\r?\n$", ""):gsub("\r$", ""))
end

local function count_breaks(raw)
  local count, at = 0, raw:find("\n", 1, true)
  while at do
    count, at = count + 1, raw:find("\n", at + 1, true)
  end
  return count
end

local Reader = {}

-- Takes one line alone: the record that would begin there has no end.
local function take_line(self)
  local line, is_cut = self.text:line()
  self.line = self.line + 1
  if is_cut then
    return line, ("longer than %d bytes"):format(window.MOST)
  end
  return line and strip(line), "a quote that opens and does not close, or stands inside a cell"
end

-- The next record, without its line break, and what is wrong with it. nil: there is none.
local function take(self)
  local stop = self.text:seek(find_end)
  if not stop then
    local rest = self.text:size() <= window.MOST and self.text.text:sub(self.text.at) or ""
    if rest == "" or not self.cells:match(strip(rest)) then
      return take_line(self)
    end
    stop = #self.text.text + 1 -- the last line has no line break
  end
  local raw = self.text.text:sub(self.text.at, stop - 1)
  local breaks = count_breaks(raw)
  if breaks > 1 and not self.cells:match(strip(raw)) then
    return take_line(self) -- so that one quote too many does not take what is behind it along
  end
  self.text.at, self.line = stop, self.line + math.max(breaks, 1)
  return strip(raw)
end

function Reader:next()
  local line, raw, problem
  repeat
    line = self.line
    raw, problem = take(self)
  until not raw or problem or not self.nothing:match(raw)
  if raw then
    return line, line, raw, problem
  end
end

local function refuse_uneven(cells, columns)
  return { { rule = "csv", message = ("%d cells, and the header has %d"):format(#cells, columns) } }
end

-- The cells of a record, as many as there are columns; or nil and the problem.
local function read_cells(self, raw)
  local cells = self.cells:match(raw)
  if not cells then
    return nil, { { rule = "csv", message = "no CSV: quotes must be around a whole cell, and doubled inside it" } }
  elseif #cells ~= #self.header then
    return nil, refuse_uneven(cells, #self.header)
  end
  return cells
end

-- The header: the names of the columns. Ends the command where it will not do.
local function read_header(self, name)
  local number, _, raw, problem = Reader.next(self)
  if not number then
    return {}
  end
  local header = not problem and self.cells:match(raw)
  if not header then
    exit.usage(("FILE: %s:%d: the header: %s"):format(name, number,
      raw:find("\r", 1, true) and "a CR without LF: lines end with LF, or with both" or problem
      or ("no CSV: a quote inside a cell, or more than %d columns"):format(MOST_COLUMNS)))
  end
  if not utf8.check(raw) then -- each of its lines would have a name that is wrong
    local found = foreign.find_encoding(raw .. "\n" .. self.text:ahead(), number, false, true)
    exit.usage(("FILE: %s:%d: %s"):format(name, number, foreign.explain(found, "records")))
  end
  for i, column in ipairs(header) do
    header[i] = column:match("^%s*(.-)%s*$")
  end
  return header, raw
end

-- `delimiter`: one character, or nil: what the header has most of. `name`: the file's, for messages. The reader has,
-- too, `header`, `header_raw` and `delimiter`; what `parse` returns is a list of cells, and not yet an event.
function csv.open(text, delimiter, name)
  local self = { text = text, line = 1 }
  local first = text:seek(find_first)
  delimiter = delimiter or csv.find_delimiter(first and text.text:sub(first[1], first[2] - 1)
    or text.text:sub(text.at):match("^[\r\n]*([^\n]*)"))
  self.cells = cells_of(delimiter)
  self.nothing = P(delimiter) ^ 0 * -1 -- a line of delimiters alone, as spreadsheets leave behind, is no record
  self.header, self.header_raw = read_header(self, name)
  return {
    header = self.header, header_raw = self.header_raw, delimiter = delimiter,
    next = function()
      return Reader.next(self)
    end,
    parse = function(raw)
      return read_cells(self, raw)
    end,
  }
end

return csv
