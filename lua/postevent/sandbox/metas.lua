-- Definitions as the platform's read APIs give them: clickEventsMeta and what surrounds it. What the sandbox has no
-- notion of is as in the platform's documented example, or empty.

local json = require "postevent.sandbox.json"
local md5 = require("postevent.sandbox.httpd").md5

local metas = {}

local MAPPINGS = '"transformerMappings":{"defaultTransformerMapping":null,"webEngageTransformerMapping":null}'

local function flag(name, value)
  return ('"%s":{"value":"%s","valueType":"BOOLEAN"}'):format(name, tostring(value))
end

local function text(name, value, kind)
  return ('"%s":{"value":%s,"valueType":"%s"}'):format(name, json.text(value), kind)
end

local function list_of(texts)
  local parts = {}
  for i, value in ipairs(texts) do
    parts[i] = json.text(value)
  end
  return ('"possibleValues":{"valueType":"LIST","values":[%s]}'):format(table.concat(parts, ","))
end

local function field(attribute)
  local parts = {
    flag("isRequired", attribute.required), flag("isUniqueKeyField", attribute.unique),
    flag("isPsiData", attribute.sensitive),
  }
  if attribute.identifier then parts[#parts + 1] = text("identifierType", attribute.identifier, "ENUM") end
  if attribute.regex then parts[#parts + 1] = text("regex", attribute.regex, "STRING") end
  if attribute.values then parts[#parts + 1] = list_of(attribute.values) end
  return ('{"name":%s,"type":%s,"attributes":{%s}}'):format(json.text(attribute.name), json.text(attribute.type),
    table.concat(parts, ","))
end

local function meta(event)
  local fields = {}
  for i, attribute in ipairs(event.attributes) do
    fields[i] = field(attribute)
  end
  local label = event.label and ('"label":%s,'):format(json.text(event.label)) or ""
  return ('{"eventId":"%s","eventName":%s,"eventType":"USEREVENT","actions":[],"fields":[%s],"orgId":0,"status":"%s",'
    .. '%s"standardEvent":%s}'):format(md5(event.name), json.text(event.name), table.concat(fields, ","),
    event.published and "PUBLISHED" or "UNPUBLISHED", label, tostring(event.standard == true))
end

local function item(event, name)
  return ('"%s":%s,%s'):format(name, meta(event), MAPPINGS)
end

-- Pieces of JSON: the events that are standard, or those that are not.
local function list(events, is_standard, name)
  return coroutine.wrap(function()
    local before = '{"data":['
    for _, event in ipairs(events) do
      if (event.standard == true) == is_standard then
        coroutine.yield(before .. "{" .. item(event, name) .. "}")
        before = ","
      end
    end
    coroutine.yield((before == "," and "" or before) .. '],"warnings":[],"errors":[]}')
  end)
end

--- GET /v2/events, of normalised events, in pieces.
function metas.custom(events)
  return list(events, false, "clickEventsMeta")
end

--- GET /v2/events/standard_events_meta, in pieces.
function metas.standard(events)
  return list(events, true, "standardClickEventsMeta")
end

--- GET /v2/events/meta, of one event.
function metas.one(event)
  return ('{%s,"warnings":[]}'):format(item(event, "clickEventsMeta"))
end

return metas
