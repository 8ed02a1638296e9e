-- A value of an event as text: what two of them are compared by, and what is shown.

local cjson = require "cjson.safe"
local core = require("postevent.native")("postevent.core")
local json = require "postevent.sandbox.json"

local scalar = {}

--- The text itself; a number as it stands in JSON, with all digits that count; anything else as JSON.
function scalar.text(value)
  if type(value) == "string" then return value end
  return type(value) == "number" and core.number(value) or cjson.encode(value) or ""
end

--- The same of an attribute of an event that was read; of a number that Lua rounds, all its digits.
function scalar.of(object, name)
  return json.written(object, name) or scalar.text(object[name])
end

return scalar
