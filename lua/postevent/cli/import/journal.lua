-- The journal of an import: which records were answered, and how. A text file beside the input, to which a line is
-- added for each answer (record.lua) behind a head that says of which file, for which address and since when. Not a
-- database: adding is all that is done, one process does it, and a text file needs no library, shows itself to anyone,
-- and of one that was cut off in the middle of a line all others count.
--
-- The thread that hears an answer writes it down before it does anything else (csrc/command/journal.h); what it does
-- not know of one that is no delivery, the reason, comes in a second line from here. And there is room on the disk for
-- the answers of all that is under way before any of it is sent.

local bits = require("postevent.cli.import.bits")
local exit = require("postevent.cli.exit")
local record = require("postevent.cli.import.record")
local system = require("postevent.native")("postevent.core").command

local Journal = {}
Journal.__index = Journal

local journal = {}

local HEAD, VERSION = "postevent import ", "1"
local OUTCOMES = { delivered = true, rejected = true, unknown = true }
local BLOCK = 65536
local MOST_REASONS = 30

-- ---- what was answered ----

local function count_reason(self, message)
  if not self.reasons[message] and self.reason_count >= MOST_REASONS then
    message = "other reasons"
  end
  self.reason_count = self.reason_count + (self.reasons[message] and 0 or 1)
  self.reasons[message] = (self.reasons[message] or 0) + 1
end

-- `at`: where its line is in the file. Of two lines the second has the reason.
local function learn(self, at, number, outcome, message)
  if self.answers:add(number) then
    self.counts[outcome] = (self.counts[outcome] or 0) + 1
  end
  if outcome ~= "delivered" then
    self.places[number] = at
  end
  if message then
    count_reason(self, message)
  end
end

-- ---- reading it ----

local function refuse(path, why)
  exit.usage(("%s: %s"):format(path, why))
end

local function refuse_foreign(path)
  refuse(path, "is no journal of an import; --journal names another file")
end

-- "postevent import 1 TAB size TAB hash TAB address TAB time TAB format TAB event": size and hash of the file, 0 where
-- they are not known; the format since it says what a number is, a line's or an item's; the name that --set gives every
-- event, or "-", since a file may be imported as events of two kinds.
local function read_head(path, line)
  local version, rest = line:match("^" .. HEAD .. "(%d+)\t(.*)$")
  if version and version ~= VERSION then
    refuse(path, ("is a journal of another version of postevent (%s; this one reads %s)"):format(version, VERSION))
  end
  local size, hash, address, time, format, event = (rest or ""):match(
    "^(%d+)\t(%x+)\t(%x+)\t(%d+)\t(%l+)\t([^\t]+)$")
  return size and { size = tonumber(size), hash = hash, address = address, time = tonumber(time), format = format,
    event = event } or refuse_foreign(path)
end

-- Whether a record may have that number: none has less than a byte.
local function is_possible(head, number)
  return number >= 1 and number <= (head.size > 0 and head.size or math.huge)
end

local function read_line(self, at, line)
  self.lines = self.lines + 1
  if at == 0 then
    self.head = read_head(self.path, line)
    return
  elseif self.is_begun_anew then
    return -- nobody asks what is in it
  end
  local number, outcome, _, _, message = record.read(line)
  if not number or not OUTCOMES[outcome] or not is_possible(self.head, number) then
    refuse(("%s:%d"):format(self.path, self.lines), "is damaged; without that line the journal can be read, and what "
      .. "it is about is sent again; --restart begins anew")
  end
  learn(self, at, number, outcome, message)
end

-- Reads it, but for a last line that was not written to its end. Returns where it ends.
local function load(self)
  local rest, at = "", 0 -- the end of what was read, not yet a line; where it begins
  repeat
    local block, why = self.file:read(at + #rest, BLOCK)
    if not block then
      refuse(self.path, why)
    end
    rest = rest .. block
    local start, stop = 1, rest:find("\n", 1, true)
    while stop do
      read_line(self, at + start - 1, rest:sub(start, stop - 1))
      start, stop = stop + 1, rest:find("\n", stop + 1, true)
    end
    rest, at = rest:sub(start), at + start - 1
    if at == 0 and #rest >= BLOCK then
      refuse_foreign(self.path)
    end
  until block == ""
  if at == 0 and rest ~= "" and HEAD:sub(1, #rest) ~= rest:sub(1, #HEAD) then
    refuse_foreign(self.path)
  end
  return at
end

local function forget(self)
  self.head, self.answers, self.places, self.lines = nil, bits.new(), {}, 0
  self.counts, self.reasons, self.reason_count = {}, {}, 0
end

local function must(self, done, why)
  if not done then
    exit.with(exit.TRY_AGAIN, ("%s: %s; nothing was sent"):format(self.path, why))
  end
end

-- Opens and locks the journal at `path`, or makes it. `restart`: what it has is forgotten, once it is begun anew.
-- Returns it; or nil and why it cannot be made there. Ends the command where another import has it, or where the file
-- is no journal.
function journal.open(path, restart)
  local file, why, holder = system.journal(path)
  if holder then
    exit.usage(("%s: another import of this file is running%s"):format(path,
      holder > 0 and (" (process %d)"):format(holder) or ""))
  elseif not file then
    return nil, why
  end
  local self = setmetatable({ path = path, file = file, is_begun_anew = restart }, Journal)
  forget(self)
  local stop = load(self)
  if restart then
    forget(self)
    self.is_begun_anew = nil
  end
  must(self, file:end_at(stop))
  return self
end

-- What is to be in a head of the name that --set gives every event, a text or nil.
function journal.event(name)
  return type(name) == "string" and name ~= "" and record.escape(name) or "-"
end

-- Begins a journal that is about nothing yet. head: size, hash, address, time, format, event.
function Journal:begin(head)
  local line = ("%s%s\t%d\t%s\t%s\t%d\t%s\t%s\n"):format(HEAD, VERSION, head.size, head.hash, head.address, head.time,
    head.format, head.event)
  self.head = head
  must(self, self.file:end_at(0))
  must(self, self.file:append(line))
end

-- ---- adding to it ----

function Journal:has(number)
  return self.answers:has(number)
end

-- Makes room for the answers of so many records. Returns true; or nil and why there is none.
function Journal:reserve(records)
  return self.file:reserve(records * record.MOST_BYTES)
end

-- Lets the thread of a client that has not done anything yet write down what is answered.
function Journal:watch(client)
  assert(system.witness(client, self.file))
end

-- The next event that `track` takes has that ticket, and is the record of that number.
function Journal:expect(ticket, number)
  self.file:expect(ticket, number)
end

-- Adds what the line of an answer that is no delivery does not have. Returns true; or nil and why it cannot be written.
function Journal:note(number, outcome, id, code, message)
  local at, why = self.file:append(record.write(number, outcome, id, code, message))
  return at and true, why
end

-- Learns what was written since it was opened.
function Journal:read_again()
  forget(self)
  load(self)
end

-- Why an answer could not be written down; nil: all were.
function Journal:trouble()
  return self.file:trouble()
end

-- What was written survives a power cut from here on.
function Journal:sync()
  return self.file:sync()
end

-- Gives it up; where it was made and not begun, nothing is left of it.
function Journal:close()
  if not self.head and self.file then
    self.file:discard(self.path)
  end
  if self.file then
    self.file:close()
    self.file = nil
  end
end

-- Why a record did not arrive, of those that were answered: outcome, code, message; nil: it did, or was not answered.
function Journal:reason(number)
  local at = self.places[number]
  if not at then
    return nil
  end
  local line = (self.file:read(at, record.MOST_BYTES) or ""):match("^[^\n]*")
  local _, outcome, _, code, message = record.read(line)
  return outcome, code, message
end

return journal
