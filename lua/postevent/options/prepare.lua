-- What is done to an event before the core writes it, where it must be copied: the common attributes and before_send.
-- Without these, and outside mode "record", the core reads the caller's table itself.

local copy = require("postevent.copy")

-- A function that tells whether an event may have a common attribute: where its definition has it, as the core has it.
local function make_welcome(events)
  local known = {}
  for _, event in ipairs(events or {}) do
    local names = { event_name = true, eventDateTime = true, storeUnitID = true, orgResolver = true }
    for _, attribute in ipairs(event.attributes) do
      names[attribute.name] = true
    end
    known[event.name] = known[event.name] or names
  end
  return function(event_name, name)
    local names = known[event_name]
    return not names or names[name]
  end
end

-- "shop.lua:12: ", where the program wrote the function.
local function where(f)
  local source = debug.getinfo(f, "S")
  return source.what ~= "C" and ("%s:%d: "):format(source.short_src, source.linedefined) or ""
end

-- The function that the core calls with an event that must be copied before it is written: for before_send, and to be
-- kept in mode "record". Returns a copy with the common attributes, or nil when before_send says so. false: there is
-- nothing to be done.
return function(common, before_send, mode, events)
  if not before_send and mode ~= "record" then
    return false
  end
  local is_welcome = common and make_welcome(events)
  return function(event)
    event = copy.deep(event)
    local event_name = rawget(event, "event_name") or (common and rawget(common, "event_name"))
    for name, value in next, common or {} do
      if rawget(event, name) == nil and is_welcome(event_name, name) then
        rawset(event, name, copy.deep(value))
      end
    end
    if not before_send then
      return event
    end
    local result = before_send(event)
    if type(result) == "table" and not rawequal(result, event) then
      return copy.deep(result) -- not the copy that we made: it is the program's, and ours is completed in place
    end
    if result ~= nil and type(result) ~= "table" then
      error(where(before_send) .. "before_send must return a table or nil, got a " .. type(result), 0)
    end
    return result
  end
end
