-- What is different between two readings of definitions, in words for people.

local changes = {}

-- What an attribute is: in which words, and by which value.
local FACETS = {
  { "type", function(attribute)
    return attribute.type .. (attribute.identifier and ":" .. attribute.identifier or "")
  end },
  { "required", function(attribute)
    return attribute.required and "required" or "optional"
  end },
  { "unique", function(attribute)
    return attribute.unique and "unique" or "not unique"
  end },
  { "sensitive", function(attribute)
    return attribute.sensitive and "sensitive" or "not sensitive"
  end },
  { "regex", function(attribute)
    return attribute.regex or "none"
  end },
  { "values", function(attribute)
    return attribute.values and attribute.values[1] and table.concat(attribute.values, ", ") or "none"
  end },
}

-- By name; of several that have one name the first counts, as for the client.
local function by_name(list)
  local found = {}
  for _, item in ipairs(list) do
    found[item.name] = found[item.name] or item
  end
  return found
end

-- "type was STRING, is DOUBLE; was required, is optional"
local function compare_attributes(before, now)
  local parts = {}
  for _, facet in ipairs(FACETS) do
    local name, read = facet[1], facet[2]
    local old, new = read(before), read(now)
    local says_itself = name == "required" or name == "unique" or name == "sensitive"
    if old ~= new then
      parts[#parts + 1] = ("%swas %s, is %s"):format(says_itself and "" or name .. " ", old, new)
    end
  end
  return parts[1] and table.concat(parts, "; ")
end

-- Calls added(item), removed(item) and both(before, now) for what is in two lists, in their order.
local function walk(before, now, added, removed, both)
  local old, new = by_name(before), by_name(now)
  for _, item in ipairs(now) do
    if new[item.name] == item and old[item.name] then
      both(old[item.name], item)
    elseif new[item.name] == item then
      added(item)
    end
  end
  for _, item in ipairs(before) do
    if old[item.name] == item and not new[item.name] then
      removed(item)
    end
  end
end

local function published(event)
  return event.published and "published" or "unpublished"
end

-- What is different in an event, as lines that begin with its name.
local function compare_event(before, now)
  local lines = {}
  local function say(text, ...)
    lines[#lines + 1] = now.name .. ": " .. text:format(...)
  end
  if before.published ~= now.published then
    say("was %s, is %s", published(before), published(now))
  end
  walk(before.attributes, now.attributes, function(attribute)
    say("attribute %s: added, %s, %s", attribute.name, FACETS[1][2](attribute), FACETS[2][2](attribute))
  end, function(attribute)
    say("attribute %s: removed", attribute.name)
  end, function(old, new)
    local difference = compare_attributes(old, new)
    if difference then
      say("attribute %s: %s", new.name, difference)
    end
  end)
  return lines
end

-- Two lists of normalised events -> a list of texts, and { added =, removed =, changed = }: how many events are so.
function changes.find(before, now)
  local lines, counts = {}, { added = 0, removed = 0, changed = 0 }
  local function count(how, event)
    counts[how] = counts[how] + 1
    lines[#lines + 1] = ("%s: %s"):format(event.name, how)
  end
  walk(before, now, function(event)
    count("added", event)
  end, function(event)
    count("removed", event)
  end, function(old, new)
    local found = compare_event(old, new)
    counts.changed = counts.changed + (found[1] and 1 or 0)
    for _, line in ipairs(found) do
      lines[#lines + 1] = line
    end
  end)
  return lines, counts
end

return changes
