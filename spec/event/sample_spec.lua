-- Samples of events (lua/postevent/cli/sample/), and what they are for: whatever the definition, an event made from it
-- is valid, and one mistake in it is found.
local helper = require "support.helper"
local json = require "postevent.json"
local postevent = require "postevent"
local sample = require "postevent.cli.sample"

local FILE = "spec/vectors/definitions.json"
local ROUNDS = 300

-- The client's problems with an event: { "age type", ... }, empty when it is valid.
local function problems_of(client, event)
  local encoded, _, _, detail = client:encode(event)
  local list = {}
  for i, problem in ipairs(not encoded and detail.problems or {}) do
    list[i] = problem.attribute .. " " .. problem.rule
  end
  return list
end

local function meta(name, fields)
  table.insert(fields, 1, { name = "c", type = "CUSTOMER" })
  return { eventName = name, fields = fields }
end

-- The text of a sample for a pattern, and what is said where there is none.
local function text_for(pattern)
  local definitions = postevent.definitions(meta("e", {
    { name = "text", type = "STRING", attributes = { regex = pattern } },
  }))
  local event, unmade = sample.make(definitions.events[1])
  return event.text, unmade[1] and unmade[1].message
end

describe("a sample", function()
  helper.guard()

  it("is the same each time, valid, and has every attribute", function()
    local definitions = postevent.definitions(FILE)
    local client = postevent.new { mode = "record", definitions = definitions }
    for _, definition in ipairs(definitions.events) do
      local event, unmade = sample.make(definition)
      assert.same({}, unmade)
      assert.same(event, (sample.make(definition)))
      assert.same({}, problems_of(client, event))
      for _, attribute in ipairs(definition.attributes) do
        assert.is_not_nil(event[attribute.name], attribute.name)
      end
    end
    client:close()
  end)

  it("has what the platform asks of those that every event may have, whatever type is written there", function()
    local definitions = postevent.definitions(meta("e", {
      { name = "eventDateTime", type = "STRING" }, { name = "orgResolver", type = "JSON" },
      { name = "storeUnitID", type = "TILLCODE" },
    }))
    local client = postevent.new { mode = "record", definitions = definitions }
    local event = sample.make(definitions.events[1])
    assert.same({}, problems_of(client, event))
    assert.is_table(event.orgResolver)
    client:close()
  end)

  it("has text that matches its pattern", function()
    for pattern, expected in pairs {
      ["[A-Z]{4}[0-9]{2}"] = "AAAA00", ["\\d{3}-\\d{4}"] = "000-0000", ["(foo|bar)+baz?"] = "foobaz",
      ["^[6-9]\\d{9}$"] = "6000000000", ["(?<y>\\d{4})-(?:0[1-9]|1[0-2])"] = "0000-01", ["\\w+@\\w+\\.com"] = "a@a.com",
      ["é+[東-]{2}"] = "é東東", ["[a-z]*"] = "a", ["[\\w.-]+?"] = "a", ["(a|)"] = "a", ["[^\\s0-9]x{2,}"] = "!xx",
    } do
      local text, why = text_for(pattern)
      assert.is_nil(why)
      assert.equal(expected, text, pattern)
    end
  end)

  it("tries, where it does not understand all of a pattern", function()
    if not postevent.features.pcre2 then
      return pending "this build has no PCRE2"
    end
    for _, pattern in ipairs {
      "(?=.*[0-9])(?=.*[a-z]).{8,12}", "(?i)ABC", "a++b", "\\p{L}+", "\\bx\\b", "(?s).*", "(?<!y)x",
    } do
      local text, why = text_for(pattern)
      assert.is_nil(why)
      assert.is_nil(text:find("REPLACE", 1, true), pattern)
    end
  end)

  it("is marked where no text was found", function()
    for _, pattern in ipairs { "(\\w)\\1{1000}", "x{5000}", "[a-z&&[^b]]", "(", "[", "*", "a{2", "(?#x)", "\\" } do
      local text, why = text_for(pattern)
      assert.equal("no text was found that matches " .. pattern, why)
      assert.equal("REPLACE: " .. why, text)
    end
  end)

  it("is made in moments, whatever the pattern", function()
    for _, pattern in ipairs { ("(a*)*"):rep(20), ("("):rep(60) .. "a{100}" .. ("){100}"):rep(60), ("(a|"):rep(50) } do
      local before = os.clock()
      text_for(pattern)
      assert.is_true(os.clock() - before < 2, pattern)
    end
  end)
end)

-- ---- random definitions ----

local PATTERNS = { -- each with a text that does not match it
  { "[A-Z]{4}[0-9]{2}", "AAAA0" }, { "\\d{3}-\\d{4}", "1234567" }, { "(foo|bar)+baz?", "foo" },
  { "[^a-z]{2,5}", "Ab" }, { "\\w+@\\w+\\.(com|org)", "a@b.net" }, { "^.{3,}$", "ab" }, { "[\\w.-]+", "a b" },
}

local TEXTS = { "STRING", "TILLCODE", "COUPONCODE", "GROUPID", "PRODUCTSKU", "PRODUCTBRAND", "PRODUCTCATEGORY",
  "CURRENCYCODE" }
local TYPES = { "STRING", "DOUBLE", "INTEGER", "BOOLEAN", "ENUM", "DATE", "CUSTOMER", "TEXT" }
local IDENTIFIERS = { "mobile", "email", "externalId", "" }

-- Park and Miller's generator: the same on every Lua.
local function new_random(seed)
  local state = seed % 2147483646 + 1
  return function(n)
    state = state * 16807 % 2147483647
    return math.floor(state / 2147483647 * n) + 1
  end
end

local function shuffle_case(text, random)
  return random(2) == 1 and text or text:lower()
end

local function random_field(random, name)
  local kind = TYPES[random(#TYPES)]
  local attributes = { isRequired = random(2) == 1, isPsiData = tostring(random(2) == 1) }
  if kind == "ENUM" then
    attributes.possibleValues = { values = {} }
    for i = 1, random(5) do
      attributes.possibleValues.values[i] = ("value %d é"):format(i)
    end
  elseif kind == "CUSTOMER" then
    attributes.identifierType = { value = IDENTIFIERS[random(#IDENTIFIERS)] }
  elseif kind == "TEXT" then
    kind = TEXTS[random(#TEXTS)]
  end
  if kind == "STRING" and random(2) == 1 then
    attributes.regex = { value = PATTERNS[random(#PATTERNS)][1] }
  end
  return { name = name, type = shuffle_case(kind, random), attributes = attributes }
end

-- The platform's form, with one to four events.
local function random_definitions(random)
  local metas = {}
  for i = 1, random(4) do
    local fields = {}
    for j = 1, random(9) - 1 do
      fields[j] = random_field(random, ("attribute_%d%s"):format(j, ("x"):rep(random(20))))
    end
    metas[i] = { clickEventsMeta = meta(("event_%d%s"):format(i, ("y"):rep(random(20))), fields) }
  end
  return postevent.definitions { data = metas, warnings = {} }
end

-- ---- mistakes: each changes the event, and returns "attribute rule"; or nil, where there is nothing to spoil ----

local WRONG = {
  DOUBLE = { "20", true, {} }, INTEGER = { 1.5, "1", false }, BOOLEAN = { "true", 1 }, ENUM = { 1, true },
  DATE = { true, {} },
}
local WRONG_TEXT = { 1, false, { "x" } }

local MISTAKES = {
  dropped = function(event, _, attribute)
    if attribute.required then
      event[attribute.name] = nil
      return attribute.name .. " missing"
    end
  end,
  null = function(event, _, attribute)
    if attribute.required then
      event[attribute.name] = json.null
      return attribute.name .. " missing"
    end
  end,
  empty = function(event, _, attribute)
    if attribute.required and attribute.type ~= "BOOLEAN" then
      event[attribute.name] = ""
      return attribute.name .. " missing"
    end
  end,
  wrong_type = function(event, random, attribute)
    local wrong = WRONG[attribute.type] or WRONG_TEXT
    event[attribute.name] = wrong[random(#wrong)]
    return attribute.name .. " type"
  end,
  unknown = function(event, _, attribute)
    event[attribute.name .. "_"] = "x"
    return attribute.name .. "_ unknown"
  end,
  misspelt_event = function(event)
    event.event_name = event.event_name .. "_"
    return "event_name unknown_event"
  end,
  no_name = function(event)
    event.event_name = nil
    return "event_name missing"
  end,
  outside_enum = function(event, random, attribute)
    if attribute.type == "ENUM" then
      event[attribute.name] = ({ "value", "Value 1 é", "value 1 é ", "value 99 é" })[random(4)]
      return attribute.name .. " enum"
    end
  end,
  no_date = function(event, random, attribute)
    if attribute.type == "DATE" then
      event[attribute.name] = ({ "2024-02-30", "yesterday", "2024-4-1", "2024-04-11 25:00:00", 1e14 })[random(5)]
      return attribute.name .. " date"
    end
  end,
  no_stamp = function(event)
    event.eventDateTime = "soon"
    return "eventDateTime date"
  end,
  no_match = function(event, _, attribute)
    for _, pattern in ipairs(postevent.features.pcre2 and PATTERNS or {}) do
      if attribute.regex == pattern[1] then
        event[attribute.name] = pattern[2]
        return attribute.name .. " regex"
      end
    end
  end,
  no_customer = function(event, random, attribute)
    local identifier = attribute.type == "CUSTOMER" and attribute.identifier
    if identifier == "mobile" then
      event[attribute.name] = ({ "1234", "+", "12345a", "++12345", ("1"):rep(21) })[random(5)]
      return attribute.name .. " customer"
    elseif identifier == "email" then
      event[attribute.name] = ({ "@x", "x@", "x@y@z", "x" })[random(4)]
      return attribute.name .. " customer"
    end
  end,
}

local MISTAKE_NAMES = {}
for name in pairs(MISTAKES) do
  MISTAKE_NAMES[#MISTAKE_NAMES + 1] = name
end
table.sort(MISTAKE_NAMES)

local function copy(event)
  local result = {}
  for name, value in pairs(event) do
    result[name] = value
  end
  return result
end

-- Spoils one event in one way; returns the name of the mistake, or nil.
local function spoil_and_check(client, event, definition, random, say)
  local spoilt = copy(event)
  local name = MISTAKE_NAMES[random(#MISTAKE_NAMES)]
  local attribute = definition.attributes[random(#definition.attributes)]
  local expected = MISTAKES[name](spoilt, random, attribute)
  if expected then
    assert.same({ expected }, problems_of(client, spoilt), say(name))
    return name
  end
end

describe("for any definitions", function()
  helper.guard()

  it("an event that is made from them is valid, and one mistake in it is found", function()
    local seed = tonumber(os.getenv "POSTEVENT_SEED") or os.time()
    local made = {}
    for round = 1, ROUNDS do
      local random = new_random(seed + round * 7919)
      local function say(what)
        return ("%s, round %d; to see it again: POSTEVENT_SEED=%d"):format(what, round, seed)
      end
      local definitions = random_definitions(random)
      assert.same({}, postevent.features.pcre2 and definitions.warnings or {}, say "warnings")
      local client = postevent.new { mode = "record", definitions = definitions, stamp = false }
      for _, definition in ipairs(definitions.events) do
        local event, unmade = sample.make(definition, random)
        assert.same({}, unmade, say "unmade")
        assert.same({}, problems_of(client, event), say "valid")
        for _ = 1, 5 do
          local name = spoil_and_check(client, event, definition, random, say)
          made[name or "none"] = true
        end
      end
      client:close()
    end
    for _, name in ipairs(MISTAKE_NAMES) do
      assert.is_true(made[name] or name == "no_match" and not postevent.features.pcre2, name .. " was never made")
    end
  end)
end)
