-- What the module itself knows: names of options, their defaults, error codes, rules. For the specs that hold what is
-- written about them to it.
local children = require "support.children"
local definitions = require "postevent.definitions"
local files = require "support.files"
local properties = require "postevent.options.properties"

local known = {}

-- The value of an upvalue of `f`, or of a function that is one. The module does not list its names for itself.
local function upvalue(f, wanted, seen)
  seen = seen or {}
  for i = 1, 255 do
    local name, value = debug.getupvalue(f, i)
    if not name then
      return nil
    end
    if name == wanted then
      return value
    end
    if type(value) == "function" and not seen[value] then
      seen[value] = true
      local found = upvalue(value, wanted, seen)
      if found then
        return found
      end
    end
  end
end

-- { a = true, ... }: the keys of a map as a set.
local function names_of(map)
  local names = {}
  for name in pairs(map) do
    names[name] = true
  end
  return names
end
known.names_of = names_of

-- The option of that name ("timeout", "tls.verify") as properties.lua has it.
function known.property(name)
  for _, property in ipairs(properties) do
    if property.name == name then
      return property
    end
  end
end

-- { timeout = true, ... }: the options of postevent.new.
function known.options()
  local names = {}
  for _, property in ipairs(properties) do
    names[property.name] = not property.name:find(".", 1, true) or nil
  end
  return names
end

-- { tls = { ca_file = true, ... }, queue = ... }: the options that are tables of options, with their fields.
function known.option_groups()
  local groups = {}
  for _, property in ipairs(properties) do
    local group, field = property.name:match "^(.+)%.(.*)$"
    if group then
      groups[group] = groups[group] or {}
      groups[group][field] = true
    end
  end
  return groups
end

-- The default of an option; nil: there is none.
function known.default(name)
  return known.property(name).default
end

-- The value of a piece of Lua, such as a default that is written as one.
function known.evaluate(text)
  return assert((loadstring or load)("return " .. text))()
end

local function core_sources()
  local _, names = children.run { "find", "csrc", "-name", "*.c" }
  local texts = {}
  for name in names:gmatch "%S+%.c" do
    if not name:find "/error%.c$" then
      texts[#texts + 1] = files.read(name)
    end
  end
  return table.concat(texts)
end

-- { timeout = true, ... }: the error codes that the core gives out. One that error.c names and no other file uses is
-- for a later version.
function known.codes()
  local codes = {}
  local rest = core_sources()
  for constant, name in files.read("csrc/base/error.c"):gmatch '%[(PE_[%u_]+)%] = {"([%l_]+)"' do
    if constant ~= "PE_OK" and rest:find("%f[%w_]" .. constant .. "%f[^%w_]") then
      codes[name] = true
    end
  end
  return codes
end

-- { timeout = true, ... }: the codes after which the command says that trying again may help.
function known.codes_to_try_again()
  return names_of(assert(upvalue(require("postevent.cli.exit").of, "PASSING"), "cli/exit.lua has no `PASSING`"))
end

-- { delivered = true, ... }: the outcomes of tracked events.
function known.outcomes()
  local outcomes = {}
  for name in files.read("csrc/queue/outcome.h"):match("names%[[%u_]+%] = (%b{})"):gmatch '"(%l+)"' do
    outcomes[name] = true
  end
  return outcomes
end

-- { idle = true, ... }: the states of a client.
function known.states()
  local states = {}
  for name in files.read("csrc/queue/counters.c"):match("names%[%] = (%b{})"):gmatch '"(%l+)"' do
    states[name] = true
  end
  return states
end

-- rule.c's names of the constants that stand in rule.h from `first` to `last`. Two constants may share a name.
local function rules_between(first, last)
  local header, names = files.read "csrc/event/rule.h", {}
  for constant, name in files.read("csrc/event/rule.c"):gmatch '%[(PE_RULE_[%u%d_]+)%] = "([%l%d_]+)"' do
    names[constant] = name
  end
  local rules = {}
  local from, to = header:find(first .. ",", 1, true), select(2, header:find(last .. ",", 1, true))
  for constant in header:sub(assert(from), assert(to)):gmatch "\n? *(PE_RULE_[%u%d_]+)," do
    rules[assert(names[constant], constant)] = true
  end
  return rules
end

-- { missing = true, ... }: the rules that an event can break. The first and the last of rule.h are never in a problem.
function known.rules()
  return rules_between("PE_RULE_MISSING", "PE_RULE_TOO_LARGE")
end

-- { missing = true, ... }: those of its definition, about which `validation` decides.
function known.definition_rules()
  return rules_between("PE_RULE_MISSING", "PE_RULE_UNKNOWN_EVENT")
end

-- { CUSTOMER = true, ... }: the types of attributes.
function known.types()
  return names_of(require("postevent.definitions.limits").TYPES)
end

-- { type = true, ... }: the fields of an attribute in the short form of definitions.
function known.short_fields()
  for _, f in pairs(definitions) do
    local fields = upvalue(f, "short_fields")
    if fields then
      return names_of(fields)
    end
  end
  error "definitions/short.lua has no `short_fields`"
end

return known
