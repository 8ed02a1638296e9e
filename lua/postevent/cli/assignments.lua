-- Attributes on the command line: KEY=VALUE is text, KEY:=JSON is JSON. The separator that comes first counts, as
-- HTTPie has it: a=b:=c is the text "b:=c".

local credential = require("postevent.cli.credential")
local exit = require("postevent.cli.exit")
local given = require("postevent.cli.given")
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

-- What an argument that is not of either form says of itself: "foo", or of age:20 what stands in front of the colon.
local function show(argument)
  local name, rest = argument:match("^([^:]+)(.*)$")
  if not name or not given.is_plain(name) then
    return ""
  end
  return rest == "" and (" (%s)"):format(name) or (" (%s:...; JSON is %s:=...)"):format(name, name)
end

-- What would have been right where a value is no JSON: "; text is age=twenty".
local function hint_text(name, value)
  return ("; text is written %s=%s"):format(name, given.is_plain(value) and value or "...")
end

-- "a==1" is an attribute a, "=1" to the letter, and was meant so by nobody: elsewhere (HTTPie) it is a query parameter.
local function refuse_query(where, name)
  exit.usage(("%s: %s==...: there are no query parameters; %s=... is text, and what begins with = is "
    .. [[written %s:='"=..."']]):format(where, name, name, name))
end

-- The value of KEY:=JSON. Ends the command where it is none.
local function read_json(named, name, text)
  local value, message = json.decode_attribute(text)
  if message then
    exit.usage(("%s: %s%s"):format(named, message, message:find("expected", 1, true) and hint_text(name, text) or ""))
  end
  return value
end

-- The attributes of a list of arguments, as a table. `option`: the one whose values they are; nil: none. Ends the
-- command at a mistake. What may be a credential is not quoted.
return function(arguments, option)
  local attributes = {}
  for i, argument in ipairs(arguments) do
    local name, is_json, value = split(argument)
    local where = ("%s %d"):format(option or "attribute", i)
    local named = option and name and ("%s: %s"):format(option, name) or name
    if not name then
      exit.usage(("%s%s: expected KEY=VALUE or KEY:=JSON"):format(where, show(argument)))
    elseif credential.is_misplaced(name) then
      exit.usage(("%s: a credential is no attribute; use --authorization-file"):format(where))
    elseif not is_json and value:sub(1, 1) == "=" then
      refuse_query(where, name)
    elseif attributes[name] ~= nil then
      exit.usage(("%s: given twice"):format(named))
    end
    if is_json then
      value = read_json(named, name, value)
    end
    attributes[name] = value
  end
  return attributes
end
