-- What loading definitions costs: load.lua EVENTS ATTRIBUTES. Makes JSON in the platform's format with so many events,
-- each of so many attributes, reads it, and prints the milliseconds, the least of five.
local json = require "cjson"
local process = require "support.process"

local function flag(value)
  return { value = tostring(value), valueType = "BOOLEAN" }
end

local function field(i)
  local kinds = { "STRING", "DOUBLE", "INTEGER", "BOOLEAN", "DATE", "ENUM", "couponCode" }
  local kind = i == 1 and "CUSTOMER" or kinds[i % #kinds + 1]
  return {
    name = "attribute_" .. i, type = kind,
    attributes = {
      isRequired = flag(i % 2 == 0), isPsiData = flag(false), isUniqueKeyField = flag(i == 2),
      identifierType = kind == "CUSTOMER" and { value = "mobile", valueType = "ENUM" } or nil,
      possibleValues = kind == "ENUM" and { valueType = "LIST", values = { "1", "2", "3", "4", "5" } } or nil,
      regex = kind == "couponCode" and { value = "[A-Z]{4}[0-9]{2}", valueType = "STRING" } or nil,
    },
  }
end

local function document(events, attributes)
  local data = {}
  for e = 1, events do
    local fields = {}
    for i = 1, attributes do
      fields[i] = field(i)
    end
    data[e] = { clickEventsMeta = { eventName = "event_" .. e, status = "PUBLISHED", fields = fields } }
  end
  return json.encode { data = data, warnings = {}, errors = {} }
end

local text = document(tonumber(arg[1]), tonumber(arg[2]))
local postevent = require "postevent"
local least = math.huge
for _ = 1, 5 do
  collectgarbage()
  local start = process.now()
  postevent.definitions(text)
  least = math.min(least, process.now() - start)
end
print(("%.3f"):format(least * 1000))
