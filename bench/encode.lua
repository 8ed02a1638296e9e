-- What encoding costs: encode.lua COUNT LIBRARY. Prints the CPU seconds of COUNT encodings of the documented event, by
-- postevent with the event's definition (checked), or by lua-cjson (not checked).
local documents = require "support.documents"
local process = require "support.process"

local count, event = tonumber(arg[1]), documents.event

local function postevent()
  local client = require("postevent").new { mode = "off", definitions = "spec/vectors/definitions.json" }
  local start = process.cpu()
  for _ = 1, count do
    client:encode(event)
  end
  return process.cpu() - start
end

local function cjson()
  local encode = require("cjson").encode
  local start = process.cpu()
  for _ = 1, count do
    encode(event)
  end
  return process.cpu() - start
end

print(("%.6f"):format(arg[2] == "cjson" and cjson() or postevent()))
