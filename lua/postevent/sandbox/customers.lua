-- Whose an event is: the identifiers of its customers.

local scalar = require "postevent.sandbox.scalar"

local customers = {}

local WITHOUT_DEFINITION = { "customer_id" }

-- The names of the attributes of type CUSTOMER, by the name of the event.
local function names_in(definitions)
  local names = {}
  for _, event in ipairs(definitions.events) do
    local own = {}
    for _, attribute in ipairs(event.attributes) do
      if attribute.type == "CUSTOMER" then own[#own + 1] = attribute.name end
    end
    names[event.name] = names[event.name] or own
  end
  return names
end

--- A function of a decoded event, which returns the set of its customers' identifiers, as text, and the first of them.
-- `definitions`: what postevent.definitions has made, or nil; of an event that they do not have, it is its customer_id.
function customers.of(definitions)
  local names = definitions and names_in(definitions) or {}
  return function(object)
    local found, first = {}, nil
    for _, name in ipairs(names[object.event_name] or WITHOUT_DEFINITION) do
      local value = object[name]
      if type(value) == "string" or type(value) == "number" then
        local text = scalar.of(object, name)
        found[text], first = true, first or text
      end
    end
    return found, first
  end
end

return customers
