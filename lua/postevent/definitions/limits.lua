-- The limits that the platform sets to definitions (platform.md, Event definitions).

local limits = {}

local MAX_ATTRIBUTES, MAX_NAME = 20, 50

-- The platform's types, in capitals -> the core's.
limits.TYPES = {
  CUSTOMER = "customer", STRING = "text", DOUBLE = "double", INTEGER = "integer", BOOLEAN = "boolean", ENUM = "enum",
  DATE = "date", TILLCODE = "text", COUPONCODE = "text", GROUPID = "text", PRODUCTSKU = "text", PRODUCTBRAND = "text",
  PRODUCTCATEGORY = "text", CURRENCYCODE = "text",
}

-- In characters, of UTF-8.
local function length(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end

local function check_attribute(attribute, where, add)
  if not limits.TYPES[attribute.type] then
    add("%s: unknown type %s", where, attribute.type)
  end
  if length(attribute.name) > MAX_NAME then
    add("%s: its name has more than %d characters", where, MAX_NAME)
  end
  if attribute.name == "" then
    add("%s: its name is empty", where)
  end
  if attribute.type == "ENUM" and (not attribute.values or #attribute.values == 0) then
    add("%s: an enum without values", where)
  end
end

local function check_event(event, add)
  local where = "event " .. event.name
  local seen, has_customer = {}, false
  if #event.attributes > MAX_ATTRIBUTES then
    add("%s: it has %d attributes, more than %d", where, #event.attributes, MAX_ATTRIBUTES)
  end
  for _, attribute in ipairs(event.attributes) do
    local here = ("%s, attribute %s"):format(where, attribute.name)
    if seen[attribute.name] then
      add("%s: it is there twice", here)
    end
    seen[attribute.name] = true
    has_customer = has_customer or attribute.type == "CUSTOMER"
    check_attribute(attribute, here, add)
  end
  if not has_customer then
    add("%s: it has no customer attribute", where)
  end
end

-- What breaks a limit in normalised events: a list of texts that name the event and the attribute.
function limits.check(events)
  local problems, seen = {}, {}
  local function add(format, ...)
    problems[#problems + 1] = format:format(...)
  end
  for _, event in ipairs(events) do
    if seen[event.name] then
      add("event %s: it is there twice", event.name)
    end
    seen[event.name] = true
    check_event(event, add)
  end
  return problems
end

return limits
