-- A window on a text that comes in blocks: what is read and not yet done with. Nobody holds more of a file than that.

local Window = {}
Window.__index = Window

local BYTE_ORDER_MARK = "\239\187\191" -- some editors write it

-- How long a line or an item may be: far more than an event may have.
local MOST = 1024 * 1024

local AHEAD = 65536

local window = { MOST = MOST }

-- `read`: a function that returns the next block, or nil at the end. The window stands at the first byte behind a
-- byte-order mark: `text` from `at` on.
function window.open(read)
  local self = setmetatable({ read = read, text = "", at = 1 }, Window)
  while #self.text < #BYTE_ORDER_MARK and self:more() do end
  if self.text:sub(1, #BYTE_ORDER_MARK) == BYTE_ORDER_MARK then
    self.at = #BYTE_ORDER_MARK + 1
  end
  return self
end

-- Brings the next block into sight. False: there is none.
function Window:more()
  local block = not self.ended and self.read()
  if not block then
    self.ended = true
    return false
  end
  self.text = self.text:sub(self.at) .. block
  self.at = 1
  return true
end

-- What is ahead, as far as it is looked at: a block or more, where there is so much.
function Window:ahead()
  while self:size() < AHEAD and self:more() do end
  return self.text:sub(self.at, self.at + AHEAD - 1)
end

-- How much is in sight.
function Window:size()
  return #self.text - self.at + 1
end

-- Brings in blocks until `find(text, at)` returns something, which is returned; nil: it finds nothing up to the end, or
-- in the first MiB.
function Window:seek(find)
  local found = find(self.text, self.at)
  while not found and self:size() <= MOST and self:more() do
    found = find(self.text, self.at)
  end
  return found
end

-- Steps to the position `at` of the text; returns what lies between.
function Window:take(at)
  local taken = self.text:sub(self.at, at - 1)
  self.at = at
  return taken
end

local function find_break(text, at)
  return text:find("\n", at, true)
end

-- What is behind the end of a line that is too long; nothing of it is kept.
local function skip_line(self)
  local stop = find_break(self.text, self.at)
  while not stop do
    self.at = #self.text + 1
    if not self:more() then
      return
    end
    stop = find_break(self.text, self.at)
  end
  self.at = stop + 1
end

-- The next line without its "\n"; nil: there is none. Of one of more than 1 MiB the beginning; then the second result
-- is true.
function Window:line()
  local stop = self:seek(find_break)
  if not stop and self:size() > MOST then
    local beginning = self.text:sub(self.at, self.at + MOST - 1)
    skip_line(self)
    return beginning, true
  elseif not stop then
    local rest = self:take(#self.text + 1)
    return rest ~= "" and rest or nil
  end
  local line = self.text:sub(self.at, stop - 1)
  self.at = stop + 1
  return line
end

return window
