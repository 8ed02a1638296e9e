-- From a record to the event that is sent: names changed, columns left out, values given, cells read by their types, id
-- and time filled in. Pure: the same record makes the same event in every run.

local ids = require("postevent.cli.import.ids")
local json = require("postevent.json")
local types = require("postevent.cli.import.types")

local Events = {}
Events.__index = Events

local events = {}

local ID = "external_event_id"

-- What --failed adds to a record: whoever mends it and imports it again need not remove that.
events.REASON = "import_reason"

-- The types in which an id can be filled in.
local TEXT = { STRING = true, TILLCODE = true, COUPONCODE = true, GROUPID = true, PRODUCTSKU = true,
  PRODUCTBRAND = true, PRODUCTCATEGORY = true, CURRENCYCODE = true }

-- By the name of an event its attributes' types, by name.
local function index(definitions)
  local found = {}
  for _, event in ipairs(definitions.events) do
    local attributes = {}
    for _, attribute in ipairs(event.attributes) do
      attributes[attribute.name] = attribute.type
    end
    found[event.name] = attributes
  end
  return found
end

-- plan: map (name to name), drop (a set), set (name to value), common (the client's, name to value) or nil, types (name
-- to type), definitions or nil, id_attribute or nil, time: the text that an event without eventDateTime gets.
function events.new(plan)
  return setmetatable({
    map = plan.map, drop = plan.drop, set = plan.set, common = plan.common or {}, types = plan.types,
    time = plan.time,
    met = {}, -- what map and drop name, and a record has had
    id = plan.id_attribute or ID, definitions = plan.definitions and index(plan.definitions),
  }, Events)
end

-- ---- names ----

-- The attribute that a column, or a member of an object, is; nil: none.
function Events:name_of(name)
  local mapped, is_dropped = self.map[name], self.drop[name]
  if mapped or is_dropped then
    self.met[name] = true
  end
  return not is_dropped and name ~= events.REASON and (mapped or name) or nil
end

local function is_absent(value)
  return value == nil or value == json.null or value == ""
end

-- Gives an attribute its value, where it has none; or returns the problem.
local function fill(event, attribute, value)
  if is_absent(event[attribute]) then
    event[attribute] = value
  elseif not is_absent(value) then
    return { { attribute = attribute, rule = "twice", message = attribute .. ": there twice, since --map names it" } }
  end
end

local function rename(self, object)
  local event, problems = {}, nil
  for name, value in next, object do
    local attribute = self:name_of(name)
    problems = attribute and fill(event, attribute, value) or problems
  end
  return event, problems
end

-- ---- cells ----

-- The attribute of each column, where it has one.
local function attributes_of(self, header)
  if self.header ~= header then
    self.header, self.attributes = header, {}
    for i, column in ipairs(header) do
      self.attributes[i] = self:name_of(column) or false
    end
  end
  return self.attributes
end

-- Puts the cells that have something in them into an event, as text. Returns it, and problems or nil.
local function gather(attributes, cells)
  local event, problems = {}, nil
  for i, attribute in ipairs(attributes) do
    local cell = cells[i]
    if cell ~= "" and attribute == "" then
      problems = { { rule = "csv", message = ("column %d has no name"):format(i) } }
    elseif cell ~= "" and attribute then
      problems = fill(event, attribute, cell) or problems
    end
  end
  return event, problems
end

-- The event's own name, or the one that the client gives it.
local function name_of_event(self, event)
  local name = event.event_name
  return name == nil and self.common.event_name or name
end

-- Gives the texts of the cells their types, but for what --set replaces. Returns what did not fit, or nil.
local function convert(self, event)
  local defined = self.definitions and self.definitions[name_of_event(self, event)] or {}
  local problems
  for attribute, cell in next, event do
    local kind = defined[attribute] and types.of_definition(defined[attribute]) or self.types[attribute] or "text"
    local value, expected = cell, nil
    if kind ~= "text" and self.set[attribute] == nil then
      value, expected = types.read(cell, kind)
    end
    if value == nil then
      problems = problems or {}
      problems[#problems + 1] = { attribute = attribute, rule = "type", message = attribute .. ": " .. expected }
    else
      event[attribute] = value
    end
  end
  return problems
end

local function of_cells(self, header, cells)
  local event, problems = gather(attributes_of(self, header), cells)
  event.event_name = self.set.event_name or event.event_name
  return event, problems or convert(self, event)
end

-- ---- what is filled in ----

local function may_have_id(self, name)
  local defined = self.definitions and self.definitions[name]
  return not self.definitions or (defined and TEXT[defined[self.id]])
end

-- Gives the event its time and its id, where they are absent. Returns the id where it is made up.
local function complete(self, event, number, raw)
  local name, common = name_of_event(self, event), self.common
  if is_absent(event.eventDateTime) then
    event.eventDateTime = common.eventDateTime or self.time
  end
  if is_absent(event[self.id]) and is_absent(common[self.id]) and may_have_id(self, name) then
    event[self.id] = ids(number, type(name) == "string" and name or "", raw)
    return event[self.id]
  end
end

-- The event of a record, and its id where that is made up; or nil and the problems: a list, or a text that begins with
-- line and column. `reader`: the one that the record is from.
function Events:read(reader, number, line, raw)
  local content, problems = reader.parse(raw, line)
  if not content then
    return nil, problems
  end
  local event = content
  if reader.header then
    event, problems = of_cells(self, reader.header, content)
  elseif next(self.map) or next(self.drop) or event[events.REASON] ~= nil then
    event, problems = rename(self, event)
  end
  if problems then
    return nil, problems
  end
  for name, value in next, self.set do
    event[name] = value
  end
  return event, complete(self, event, number, raw)
end

return events
