-- Attributes on the command line: KEY=VALUE is text, KEY:=JSON is JSON. The separator that comes first counts, as
-- HTTPie has it: a=b:=c is the text "b:=c".

local credential = require("postevent.cli.credential")
local exit = require("postevent.cli.exit")
local json = require("postevent.json")

-- Returns the name, whether the value is JSON, and the value; or nil.
local function split(argument)
  local name, value = argument:match("^([^=]+)=(.*)$")
  if not name then
    return nil
  end
  local is_json = name:sub(-1) == ":"
  if is_json then
    name = name:sub(1, -2)
  end
  if name == "" then
    return nil
  end
  return name, is_json, value
end

-- The attributes of a list of arguments, as a table. Ends the command at a mistake. An argument that is neither form is
-- not quoted: it may be a credential.
return function(arguments)
  local attributes = {}
  for i, argument in ipairs(arguments) do
    local name, is_json, value = split(argument)
    if not name then
      exit.usage(("attribute %d: expected KEY=VALUE or KEY:=JSON"):format(i))
    elseif credential.is_misplaced(name) then
      exit.usage(("attribute %d: a credential is no attribute; use --authorization-file"):format(i))
    elseif attributes[name] ~= nil then
      exit.usage(("%s: given twice"):format(name))
    end
    local message
    if is_json then
      value, message = json.decode_attribute(value)
    end
    if message then
      exit.usage(("%s: %s"):format(name, message))
    end
    attributes[name] = value
  end
  return attributes
end
