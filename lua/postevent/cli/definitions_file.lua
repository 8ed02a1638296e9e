-- The definitions that the command is given: a file, or stdin under the name "-".

local definitions = require("postevent.definitions")
local exit = require("postevent.cli.exit")
local foreign = require("postevent.foreign")
local input = require("postevent.cli.input")
local json = require("postevent.json")

local definitions_file = {}

local MAX_BYTES = 256 * 1024 * 1024 -- ten thousand events with twenty attributes each are a tenth of it

-- The JSON of the file that `option` names, as a table; or nil and a message that begins with line and column, where
-- there is one. Ends the command when the file cannot be read.
function definitions_file.decode(option, path)
  local text = input.read(option, path, false, MAX_BYTES)
  local document, message = foreign.decode(text, "definitions", json.decode)
  if message then
    return nil, message
  elseif type(document) ~= "table" then
    return nil, "expected an object or a list"
  end
  return document
end

-- The definitions in the file, as postevent.definitions makes them. Ends the command where there are none.
function definitions_file.read(option, path)
  local document, message = definitions_file.decode(option, path)
  if document then
    local ok, read = pcall(definitions.read, document)
    if ok then
      return read
    end
    message = tostring(read)
  end
  exit.usage(("%s: %s: %s"):format(option, input.name(path), message))
end

return definitions_file
