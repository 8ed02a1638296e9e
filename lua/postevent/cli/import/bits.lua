-- A set of whole numbers from 1 on: ten millions of them take a few MiB.

local Bits = {}
Bits.__index = Bits

local WORD = 32
local POWERS = {}
for i = 0, WORD - 1 do
  POWERS[i] = 2 ^ i
end

local bits = {}

function bits.new()
  return setmetatable({ words = {} }, Bits)
end

local function place(number)
  local bit = (number - 1) % WORD
  return (number - 1 - bit) / WORD + 1, POWERS[bit]
end

function Bits:has(number)
  local index, power = place(number)
  local word = self.words[index]
  return word ~= nil and math.floor(word / power) % 2 == 1
end

-- Returns whether it is new.
function Bits:add(number)
  local index, power = place(number)
  local words = self.words
  for i = #words + 1, index - 1 do
    words[i] = 0 -- without a hole it is a plain array
  end
  if math.floor((words[index] or 0) / power) % 2 == 1 then
    return false
  end
  words[index] = (words[index] or 0) + power
  return true
end

return bits
