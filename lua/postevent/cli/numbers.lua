-- Options of the command that are numbers: conversions for argparse, by the checks and in the words of postevent.new.

local given = require("postevent.cli.given")

local numbers = {}

local SHOWN = { type = "text" }

local function read(option, property, text)
  local check, words = require("postevent.options.check"), require("postevent.options.words")
  local value = tonumber(text)
  local expected = check[property.type](value, property)
  if not expected then
    return value
  end
  local known = (value or given.is_plain(text)) and SHOWN or nil
  local hint = value and words.hint(value, property)
  return nil, words.refusal(option, value or text, known, expected, hint)
end

-- A number with the type and the bounds of `property`, as in postevent/options/properties.lua.
function numbers.read(option, property)
  return function(text)
    return read(option, property, text)
  end
end

-- One that is an option of postevent.new, too: the one of that name.
function numbers.like(option, name)
  return function(text)
    for _, property in ipairs(require("postevent.options.properties")) do
      if property.name == name then
        return read(option, property, text)
      end
    end
  end
end

return numbers
