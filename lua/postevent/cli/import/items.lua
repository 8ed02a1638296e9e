-- Records of a JSON array, and of JSON values one behind the other (what jq writes, over any number of lines). LPeg
-- finds where each ends; its number is its place, since several may be on one line.

local lines = require("postevent.cli.import.lines")
local lpeg = require("postevent.native")("lpeg", "lpeg")
local window = require("postevent.cli.window")

local items = {}

local P, S, V = lpeg.P, lpeg.S, lpeg.V

local text = '"' * ((1 - S '"\\') + P "\\" * 1) ^ 0 * '"'
local nested = P { "value",
  value = "{" * V "inside" * "}" + "[" * V "inside" * "]",
  inside = (text + V "value" + (1 - S '{}[]"')) ^ 0,
}
local item = nested + text + (1 - S ',]}" \t\r\n{[') ^ 1
local blank = S " \t\r\n" ^ 0

local Reader = {}

local TOO_DEEP = 0

-- Where the item ends that begins at `at`, if all of it is in sight; TOO_DEEP: it nests deeper than LPeg goes.
local function find_end(content, at)
  local ok, stop = pcall(item.match, item, content, at)
  if not ok then
    return TOO_DEEP
  end
  return stop and (stop <= #content or content:find('^["}%]]', stop - 1)) and stop or nil
end

-- Counts the lines that are left behind.
local function advance(self, stop)
  local taken = self.text:take(stop)
  local at = taken:find("\n", 1, true)
  while at do
    self.line = self.line + 1
    at = taken:find("\n", at + 1, true)
  end
  return taken
end

-- Steps over blanks; returns the next character, "" at the end.
local function peek(self)
  repeat
    advance(self, blank:match(self.text.text, self.text.at))
  until self.text:size() > 0 or not self.text:more()
  return self.text.text:sub(self.text.at, self.text.at)
end

-- Where one item begins is known by where the one before it ends: behind this nothing can be read.
local function fail(self, problem)
  self.is_done = true
  problem = self.text:size() > 0 and problem .. "; the rest of the file is not read" or problem
  return self.number + 1, self.line, "", problem
end

-- Where the next item begins: true; or nil, and what is wrong with what stands there instead, nil at the end.
local function step(self)
  local character = peek(self)
  if self.in_array == nil then
    self.in_array = character == "["
    if self.in_array then
      advance(self, self.text.at + 1)
      character = peek(self)
    end
  elseif self.in_array and character == "," then
    advance(self, self.text.at + 1)
    character = peek(self)
  elseif self.in_array and character ~= "]" and character ~= "" then
    return nil, "expected a comma or the end of the array"
  end
  if character == "" then
    return nil, self.in_array and "the array is cut off: it has no end" or nil
  elseif self.in_array and character == "]" then
    advance(self, self.text.at + 1)
    return nil, peek(self) ~= "" and "there is something behind the end of the array" or nil
  end
  local is_value = character:find('[{%["%w-]')
  return is_value, not is_value and "expected an event, an object" or nil
end

-- The end of the item at which the text stands; or nil and what is wrong.
local function seek_end(self)
  local stop = self.text:seek(find_end)
  if stop == TOO_DEEP then
    return nil, "nested too deep"
  elseif not stop and self.text:size() > window.MOST then
    return nil, ("longer than %d bytes, or a bracket does not close"):format(window.MOST)
  elseif not stop then -- a number may end with the file
    stop = item:match(self.text.text, self.text.at)
  end
  return stop, "it is cut off: a bracket or a quote does not close"
end

function Reader:next()
  if self.is_done then
    return nil
  end
  local there, problem = step(self)
  if not there then
    self.is_done = true
    if problem then
      return fail(self, problem)
    end
    return nil
  end
  local stop
  stop, problem = seek_end(self)
  if not stop then
    return fail(self, problem)
  end
  local line = self.line
  self.number = self.number + 1
  return self.number, line, advance(self, stop)
end

-- The next block of what could not be read, nil: there is no more.
local function read_rest(self)
  if self.text:size() == 0 and not self.text:more() then
    return nil
  end
  return self.text:take(#self.text.text + 1)
end

-- The reader has, too, is_array() and rest(), which is behind the record that has a problem, the last one.
function items.open(content)
  local self = { text = content, number = 0, line = 1 }
  return {
    next = function()
      return Reader.next(self)
    end,
    parse = lines.parse,
    is_array = function()
      return self.in_array
    end,
    rest = function()
      return read_rest(self)
    end,
  }
end

return items
