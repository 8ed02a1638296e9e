-- What the sandbox is told at its start, checked. The options of postevent.sandbox.run and .start:
--   host, port      default 127.0.0.1, and 0: a free one
--   authorization   the value that the Authorization header must have
--   allow_hosts     names by which it may be called besides localhost and addresses, a list
--   port_file       where to write the port once connections are accepted
--   definitions     whatever postevent.definitions takes: events are checked against them
--   unique          whether the platform's check for duplicates is on
--   faults          a list of what fault.parse or fault.check takes
--   scenario        what scenarios.parse takes
--   seed            of what is drawn for faults, a whole number from 1; default: one of its own
--   memory          MiB, default 256: three quarters for the events that it remembers, an eighth for bodies that arrive
--   log             a function of a line; default: to stdout

local fault = require "postevent.sandbox.fault"
local Faults = require "postevent.sandbox.faults"
local scenarios = require "postevent.sandbox.scenarios"

local options = {}

local DEFAULT_MEMORY = 256

local TYPES = { host = "string", port = "number", authorization = "string", port_file = "string", log = "function",
  allow_hosts = "table", memory = "number", faults = "table", scenario = "string", seed = "number", unique = "boolean" }

local function fail(name, problem)
  error(("option '%s': %s"):format(name, problem), 0)
end

-- The client's module knows how a value is shown, and which name was meant; it is loaded for nothing else here.
local function shown(name, value)
  return require("postevent.options.words").describe(value, { type = "text", secret = name == "authorization" })
end

local function refuse_unknown(name, but_for)
  local known = { definitions = true }
  for option in pairs(TYPES) do
    known[option] = not but_for[option] or nil
  end
  local near = type(name) == "string" and not TYPES[name] and require("postevent.options.words").nearest(name, known)
  error(("unknown option '%s'%s"):format(fault.shown(name), near and (", did you mean '%s'?"):format(near) or ""), 0)
end

local function check_types(given, but_for)
  for name, value in pairs(given) do
    local expected = name == "definitions" and type(value) or TYPES[name]
    if not expected or but_for[name] then refuse_unknown(name, but_for) end
    if type(value) ~= expected then fail(name, ("%s expected, got %s"):format(expected, shown(name, value))) end
  end
end

local function fail_number(name, range, value)
  fail(name, ("%s expected, got %s"):format(range, shown(name, value)))
end

local function check_numbers(given)
  local port, memory, seed = given.port or 0, given.memory or DEFAULT_MEMORY, given.seed or 1
  if port % 1 ~= 0 or port < 0 or port > 65535 then fail_number("port", "0 to 65535", port) end
  if not (memory >= 1 and memory <= 65536) then fail_number("memory", "1 to 65536", memory) end
  if seed % 1 ~= 0 or seed < 1 or seed > Faults.LARGEST_SEED then
    fail_number("seed", ("1 to %d"):format(Faults.LARGEST_SEED), seed)
  end
end

-- Left to the client's module, which knows what they may be, and is loaded for nothing else.
local function read_definitions(given)
  if given == nil then return nil end
  local made, definitions = pcall(require("postevent").definitions, given)
  if made then return definitions end
  fail("definitions", (tostring(definitions):gsub("^.-postevent%.definitions: ", "")))
end

-- The faults that are on from the beginning: those that are listed, as texts or tables of keys, then a scenario's.
local function read_faults(list, scenario)
  local faults = {}
  for i, one in ipairs(list) do
    local fields, problem = (type(one) == "string" and fault.parse or fault.check)(one)
    faults[i] = fields or fail("faults", problem)
  end
  local more, problem = {}, nil
  if scenario then more, problem = scenarios.parse(scenario) end
  for _, fields in ipairs(more or fail("scenario", problem)) do
    faults[#faults + 1] = fields
  end
  if #faults > Faults.MOST then fail("faults", ("at most %d expected"):format(Faults.MOST)) end
  return faults
end

local function read(given, but_for)
  check_types(given, but_for)
  check_numbers(given)
  return {
    host = given.host or "127.0.0.1", port = given.port or 0, authorization = given.authorization,
    allow_hosts = given.allow_hosts or {}, port_file = given.port_file, unique = given.unique, seed = given.seed,
    memory = given.memory or DEFAULT_MEMORY, log = given.log, definitions = read_definitions(given.definitions),
    faults = read_faults(given.faults or {}, given.scenario),
  }
end

--- The options as they are meant, a table of its own. `but_for`: names that are not taken here. Raises on a mistake,
-- with the position of whoever called the caller.
function options.check(given, but_for)
  local done, checked = pcall(read, given, but_for or {})
  if done then return checked end
  error(checked, 3)
end

return options
