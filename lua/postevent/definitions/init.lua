-- Event definitions: the platform's JSON, or the short Lua form, -> the normalised tables that the core compiles.
--
-- A source is a file's name, a JSON string, or a table; in the form of GET /v2/events, GET /v2/events/meta or
-- standard_events_meta, as a bare clickEventsMeta or a list of them, or the short form:
--   { be_reserved = { customer_id = "customer:mobile", age = "double", room_nights = { "enum", "1", "2" },
--                     note = "string?", card = { type = "string", required = false, sensitive = true } } }
--
-- Normalised: { { name =, published =, label =, standard = true or nil, attributes = { { name =, type =, identifier =,
-- required =, sensitive =, unique =, regex =, values = } } } }, `type` in capitals as the platform writes it.

local ascii = require("postevent.ascii")
local core = require("postevent.native")("postevent.core")
local limits = require("postevent.definitions.limits")
local printable = require("postevent.printable")
local read_short = require("postevent.definitions.short")
local values = require("postevent.definitions.values")
local words = require("postevent.options.words")

local given, raise, read_flag = values.given, values.raise, values.flag
local read_text, read_values = values.text, values.list

local definitions = {}

local Definitions = {}
Definitions.__index = Definitions
Definitions.__name = "postevent.definitions"

local function is_list(value)
  return type(value) == "table" and (value[1] ~= nil or next(value) == nil)
end

-- ---- the platform's form ----

local function read_field(field, event)
  if type(field) ~= "table" or type(given(field.name)) ~= "string" then
    raise("event %s: a field has no name", event)
  end
  local where = ("event %s, attribute %s"):format(event, field.name)
  if type(given(field.type)) ~= "string" then
    raise("%s: it has no type", where)
  end
  local flags = given(field.attributes) or {}
  if type(flags) ~= "table" then
    raise("%s: its attributes are not an object", where)
  end
  return {
    name = field.name,
    type = ascii.upper(field.type),
    identifier = read_text(flags.identifierType, where .. ", identifierType"),
    required = read_flag(flags.isRequired, true, where .. ", isRequired"),
    sensitive = read_flag(flags.isPsiData, false, where .. ", isPsiData"),
    unique = read_flag(flags.isUniqueKeyField, false, where .. ", isUniqueKeyField"),
    regex = read_text(flags.regex, where .. ", regex"),
    values = read_values(flags.possibleValues, where),
  }
end

local function read_meta(meta)
  if type(meta) ~= "table" or type(given(meta.eventName)) ~= "string" then
    raise("an event has no eventName")
  end
  local where = "event " .. meta.eventName
  local event = {
    name = meta.eventName,
    label = read_text(meta.label, where .. ", label"),
    published = (read_text(meta.status, where .. ", status") or "PUBLISHED") == "PUBLISHED",
    standard = meta.standardEvent == true or nil,
    attributes = {},
  }
  local fields = given(meta.fields) or {}
  if not is_list(fields) then
    raise("%s: its fields are not a list", where)
  end
  for i, field in ipairs(fields) do
    event.attributes[i] = read_field(field, event.name)
  end
  return event
end

-- The metas in one of the platform's documents, or nil when it is none of them.
local function find_metas(document)
  local list = given(document.data)
  if is_list(list) and (list[1] ~= nil or document.warnings ~= nil or document.errors ~= nil) then
    local metas = {}
    for i, item in ipairs(list) do
      metas[i] = type(item) == "table" and (given(item.clickEventsMeta) or given(item.standardClickEventsMeta)) or item
    end
    return metas
  end
  local meta = given(document.clickEventsMeta) or given(document.standardClickEventsMeta)
  if type(meta) == "table" and (meta.eventName or meta.fields) then
    return { meta }
  end
  if type(document.eventName) == "string" then
    return { document }
  end
  if document[1] ~= nil then
    return find_metas { data = document }
  end
  return nil
end

local function read_platform(metas)
  local events = {}
  for i, meta in ipairs(metas) do
    events[i] = read_meta(meta)
  end
  return events
end

-- ---- sources ----

local function read_json(text, name)
  -- Only here: who writes definitions in Lua needs no lua-cjson.
  local document, message = require("postevent.foreign").decode(text, "definitions", require("postevent.json").decode)
  if message or document == nil then
    raise("%s%s", name, message or "not JSON")
  end
  if type(document) ~= "table" then
    raise("%sexpected an object or a list", name)
  end
  return document
end

local function read_file(name)
  local file, message = io.open(name, "rb")
  if not file then
    raise("%s", message)
  end
  local text
  text, message = file:read("*a")
  file:close()
  if not text then
    raise("%s: %s", name, message or "cannot be read")
  end
  return text
end

local function load(source)
  if type(source) == "table" then
    return source
  end
  if source:find("^\239?\187?\191?%s*[{%[]") or source:find("[%z\n]") then -- maybe behind a byte order mark
    return read_json(source, "")
  end
  return read_json(read_file(source), source .. ": ")
end

local function is_event(object)
  return type(object.event_name) == "string"
end

-- The events of a source, and its form: "platform" or "short".
local function normalise(source)
  local document = load(source)
  local metas = find_metas(document)
  if is_event(document) or (type(document[1]) == "table" and is_event(document[1])) then
    raise("this is an event; expected definitions of events")
  end
  if metas and not metas[1] then
    raise("there is no event in it")
  end
  if metas then
    return read_platform(metas), "platform"
  end
  if next(document) == nil then
    raise("there is no event in it")
  end
  return read_short(document), "short"
end

-- The core's type: what is checked as text is one type to it.
local function core_type(attribute)
  local kind = attribute.type
  if kind == "CUSTOMER" then
    local identifier = ascii.lower(attribute.identifier or "")
    return (identifier == "mobile" or identifier == "email") and identifier or "customer"
  end
  if kind == "ENUM" and not (attribute.values and attribute.values[1]) then
    return "text" -- in the platform's own download that is a warning, and must not refuse every value
  end
  return limits.TYPES[kind] or "any"
end

-- Normalised events as the core has them, and the patterns that are not checked: a list of { event =, attribute =,
-- why = }. Raises beyond the core's own limits, far above the platform's.
function definitions.compile(events)
  local compiled = {}
  for i, event in ipairs(events) do
    local attributes = {}
    for j, attribute in ipairs(event.attributes) do
      attributes[j] = {
        name = attribute.name, type = core_type(attribute), required = attribute.required,
        sensitive = attribute.sensitive, regex = attribute.regex, values = attribute.values,
      }
    end
    compiled[i] = { name = event.name, published = event.published, attributes = attributes }
  end
  return core.compile(compiled)
end

-- The patterns that are not checked; where none can be, that is said once.
local function add_skipped(warnings, skipped)
  if skipped[1] and not core.features().pcre2 then
    warnings[#warnings + 1] = "no regex is checked: this build has no PCRE2"
    return
  end
  for _, pattern in ipairs(skipped) do
    warnings[#warnings + 1] = ("event %s, attribute %s: its regex is not checked: %s"):format(pattern.event,
      pattern.attribute, pattern.why)
  end
end

function Definitions:__tostring()
  return ("postevent.definitions (%d events)"):format(#self.events)
end

-- A list without what has a name that was there before: of two of a name the first counts, here as in the core.
local function first_of_each_name(list)
  local seen, result = {}, {}
  for _, item in ipairs(list) do
    if not seen[item.name] then
      seen[item.name] = true
      result[#result + 1] = item
    end
  end
  return result
end

-- Reads a source, without a judgement: returns its events, the form ("platform" or "short"), and a list of texts about
-- what breaks the platform's limits. Raises, without a position, when it cannot be read.
function definitions.examine(source)
  if (type(source) ~= "string" and type(source) ~= "table") or source == "" then
    raise("expected the name of a file, JSON, or a table, got %s", words.describe(source))
  end
  local events, origin = normalise(source)
  local warnings = limits.check(events)
  events = first_of_each_name(events)
  for _, event in ipairs(events) do
    event.attributes = first_of_each_name(event.attributes)
  end
  return events, origin, warnings
end

-- Whether it is what definitions.read returns, here or in this module as it was before a program loaded it anew.
local function is_read(source)
  local class = getmetatable(source)
  return type(class) == "table" and rawget(class, "__name") == Definitions.__name
end

-- Definitions from a source; raises, without a position, when there is none or it cannot be read. The result's fields:
-- `events`, normalised; `warnings`, a list of texts: what breaks the platform's limits in its own download, and the
-- patterns that are not checked. In the short form what breaks a limit raises.
function definitions.read(source)
  if is_read(source) then
    return source
  end
  local events, origin, warnings = definitions.examine(source)
  if origin == "short" and warnings[1] then
    raise("%s", warnings[1])
  end
  local compiled, skipped = definitions.compile(events)
  add_skipped(warnings, skipped)
  for i, warning in ipairs(warnings) do
    warnings[i] = printable.line(warning)
  end
  return setmetatable({ events = events, origin = origin, warnings = warnings, compiled = compiled }, Definitions)
end

return definitions
