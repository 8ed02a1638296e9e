-- The short form of definitions, for people who write theirs by hand (definitions/init.lua shows it) -> normalised
-- tables.

local ascii = require("postevent.ascii")
local values = require("postevent.definitions.values")

-- `what`: whose names these are.
local function sorted_names(map, what)
  local names = {}
  for name in next, map do
    if type(name) ~= "string" then
      values.raise("%s must be text", what)
    end
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- "customer:mobile?" -> "CUSTOMER", "mobile", false
local function read_type(text, where)
  local kind, identifier, optional = text:match("^([A-Za-z0-9_]+):?([A-Za-z0-9_]*)(%??)$")
  if not kind then
    values.raise("%s: expected a type such as \"string\", \"customer:mobile\" or \"double?\"", where)
  end
  return ascii.upper(kind), identifier ~= "" and identifier or nil, optional == ""
end

local short_fields = { type = true, required = true, sensitive = true, unique = true, regex = true, values = true,
  identifier = true }

local function read_short_table(name, short, where)
  for field in next, short do
    if type(field) == "string" and not short_fields[field] then
      values.raise("%s: unknown field %s", where, field)
    end
  end
  local text = short.type or short[1]
  if type(text) ~= "string" then
    values.raise("%s: it has no type", where)
  end
  local kind, identifier, required = read_type(text, where)
  local list = short.values
  if not short.type and #short > 1 then
    list = {}
    for i = 2, #short do
      list[i - 1] = short[i]
    end
  end
  return {
    name = name, type = kind, identifier = values.text(short.identifier, where .. ", identifier") or identifier,
    required = values.flag(short.required, required, where .. ", required"),
    sensitive = values.flag(short.sensitive, false, where .. ", sensitive"),
    unique = values.flag(short.unique, false, where .. ", unique"),
    regex = values.text(short.regex, where .. ", regex"), values = values.list(list, where),
  }
end

local function read_short_attribute(name, short, event)
  local where = ("event %s, attribute %s"):format(event, name)
  if type(short) == "string" then
    short = { type = short }
  end
  if type(short) ~= "table" then
    values.raise("%s: expected a type", where)
  end
  return read_short_table(name, short, where)
end

-- The events of a table in the short form, in the order of their names. Raises, without a position, what is wrong.
return function(document)
  local events = {}
  for i, name in ipairs(sorted_names(document, "the short form: the name of an event")) do
    local attributes = {}
    if type(document[name]) ~= "table" then
      values.raise("event %s: expected a table of attributes", name)
    end
    local names = sorted_names(document[name], ("event %s: the name of an attribute"):format(name))
    for j, attribute in ipairs(names) do
      attributes[j] = read_short_attribute(attribute, document[name][attribute], name)
    end
    events[i] = { name = name, published = true, attributes = attributes }
  end
  return events
end
