-- Makes an event from its definition: for people to edit, for tests at random.

local ascii = require("postevent.ascii")
local postevent = require("postevent")
local sample_date = require("postevent.cli.sample.date")
local sample_text = require("postevent.cli.sample.text")

local sample = {}

local TRIES = 50

-- What is said for a type, where nothing asks for more.
local WORDS = {
  STRING = "text", TILLCODE = "till-1", COUPONCODE = "COUPON-1", GROUPID = "group-1", PRODUCTSKU = "SKU-1",
  PRODUCTBRAND = "brand", PRODUCTCATEGORY = "category", CURRENCYCODE = "INR",
}

-- Tried where a pattern is not understood.
local COMMON = { "text", "TEXT", "1", "12", "1234", "123456", "9988776655", "+919988776655", "AB12", "2024-04-11",
  "asha@example.com", "https://example.com/", "defc955f-ebca-4f14-b8d7-e2b885b3f370", "INR", "Asha Rao", "12:00" }

-- All that JSON writes in another way, or that takes more than a byte.
local CHARACTERS = { "a", "Z", "0", " ", "-", '"', "\\", "/", "\n", "\t", "\0", "\127", "é", "ß", "東", "😀" }

local DOUBLES = { 0, 0.5, -3, 19.95, 1e300, -2.5e-300, 9007199254740993, 123456789012345 }

-- Always the first of all choices.
local function first()
  return 1
end

-- A generator of its own (Park and Miller's): the same sample each time, without touching the program's math.random.
local function new_random()
  local state = 20240411
  return function(n)
    state = state * 16807 % 2147483647
    return state % n + 1
  end
end

local function characters(random, least, most)
  local text = {}
  for i = 1, least + random(most - least + 1) - 1 do
    text[i] = CHARACTERS[random(#CHARACTERS)]
  end
  return table.concat(text)
end

local function digits(random, count)
  local text = {}
  for i = 1, count do
    text[i] = tostring(random(10) - 1)
  end
  return table.concat(text)
end

-- ---- text for a pattern ----

-- What a strict client says of texts: a function of a text, and one to be called in the end. nil: the pattern is not
-- checked here.
local function new_judge(pattern)
  local definitions = postevent.definitions {
    eventName = "e", fields = { { name = "c", type = "CUSTOMER" },
      { name = "text", type = "STRING", attributes = { regex = pattern } } },
  }
  if definitions.warnings[1] then
    return nil
  end
  local client = postevent.new { mode = "record", definitions = definitions, max_event_bytes = 10 * 1024 * 1024 }
  return function(text)
    return client:encode { event_name = "e", c = "1", text = text } ~= nil
  end, function()
    client:close()
  end
end

-- Candidates, one after the other: what the pattern was understood to ask for, then `common`.
local function candidates(generate, random, common)
  local number, retry = 0, random or new_random()
  return function()
    number = number + 1
    if generate and number <= TRIES then
      return generate(number == 1 and (random or first) or retry) or ""
    end
    return common[number - (generate and TRIES or 0)]
  end
end

-- A text that matches the pattern and is not empty, or nil.
local function text_for(pattern, random)
  local generate, is_exact = sample_text.generator(pattern)
  local judge, stop = new_judge(pattern)
  local found
  if not judge and not is_exact then
    return nil
  end
  for text in candidates(generate, random, judge and COMMON or {}) do
    if text ~= "" and (not judge or judge(text)) then
      found = text
      break
    end
  end
  if stop then
    stop()
  end
  return found
end

-- ---- a value for an attribute: function(attribute, random) -> value; or nil, why ----

local makers = {}

local function make_text(attribute, random)
  if attribute.regex then
    local text = text_for(attribute.regex, random)
    return text, not text and ("no text was found that matches " .. attribute.regex) or nil
  end
  return random and characters(random, attribute.required and 1 or 0, 12) or WORDS[attribute.type] or "text"
end

function makers.CUSTOMER(attribute, random)
  local identifier = ascii.lower(attribute.identifier or "")
  if identifier == "mobile" then
    return random and (random(2) == 1 and "+" or "") .. digits(random, 4 + random(16)) or "9988776655"
  elseif identifier == "email" then
    return random and characters(random, 1, 8) .. "@" .. characters(random, 1, 8) or "asha@example.com"
  end
  return random and characters(random, 1, 8) or "customer-1"
end

function makers.DOUBLE(_, random)
  return random and DOUBLES[random(#DOUBLES)] or 19.5
end

function makers.INTEGER(_, random)
  return random and (random(2) * 2 - 3) * random(2 ^ 30) or 1
end

function makers.BOOLEAN(_, random)
  return not random or random(2) == 1
end

function makers.DATE(_, random)
  if random and random(5) == 1 then
    return random(2 ^ 30) -- the client writes the date
  end
  return sample_date.make(random)
end

function makers.ENUM(attribute, random)
  local values = {}
  for _, value in ipairs(attribute.values or {}) do
    values[#values + 1] = value ~= "" and value or nil
  end
  return values[(random or first)(math.max(#values, 1))], not values[1] and "it has no values" or nil
end

-- ---- the event ----

-- What a definition has of those that every event may have keeps the platform's rule, whatever type is written there.
local STANDARD = { eventDateTime = makers.DATE, orgResolver = function()
  return { type = "PARENT_CHILD_ORG" }
end }

-- What every event may have.
local function add_standard(event, random)
  if random(4) == 1 then
    event.eventDateTime = makers.DATE(nil, random)
  end
  if random(4) == 1 then
    event.storeUnitID = characters(random, 0, 8)
  end
  if random(4) == 1 then
    event.orgResolver = { type = "PARENT_CHILD_ORG", childOrgId = random(2000), tillCode = characters(random, 0, 5) }
  end
end

-- Makes an event from a normalised definition (postevent.definitions(...).events[i]): with all its attributes, and the
-- same each time; with `random` (random(n) -> 1 to n) with all sorts of values, some of the attributes that are
-- optional, and some that every event may have.
-- Returns the event, and a list of { attribute =, message = }: those that no value was found for. Where such a one is
-- required it has a text that begins with REPLACE.
function sample.make(definition, random)
  local event, unmade = {}, {}
  if random then
    add_standard(event, random)
  end
  for _, attribute in ipairs(definition.attributes) do
    if attribute.required or not random or random(3) > 1 then
      local value, why = (STANDARD[attribute.name] or makers[attribute.type] or make_text)(attribute, random)
      event[attribute.name] = value
      if value == nil then
        unmade[#unmade + 1] = { attribute = attribute.name, message = why }
        event[attribute.name] = attribute.required and "REPLACE: " .. why or nil
      end
    end
  end
  event.event_name = definition.name
  return event, unmade
end

return sample
