-- The platform on the user's own machine: accepts posted events, answers as documented, tells what it received.
-- This file owns the life of the sandbox: options, the port's file, start and end. What is answered is in routes.lua,
-- what is kept in store.lua; HTTP is libmicrohttpd's, through postevent.sandbox.httpd.

local httpd = require "postevent.native"("postevent.sandbox.httpd", "postevent-sandbox")
local customers = require "postevent.sandbox.customers"
local fault = require "postevent.sandbox.fault"
local Faults = require "postevent.sandbox.faults"
local origin = require "postevent.sandbox.origin"
local routes = require "postevent.sandbox.routes"
local scenarios = require "postevent.sandbox.scenarios"
local Store = require "postevent.sandbox.store"
local Unique = require "postevent.sandbox.unique"
local uuid = require "postevent.sandbox.uuid"

local sandbox = {}

local MIB = 1024 * 1024
local DEFAULT_MEMORY = 256 -- MiB

local TYPES = { host = "string", port = "number", authorization = "string", port_file = "string", log = "function",
  allow_hosts = "table", memory = "number", faults = "table", scenario = "string",
  seed = "number", unique = "boolean" }

-- Left to the client's module, which knows what they may be, and is loaded for nothing else.
local function new_checker(definitions, log)
  local made, checker = pcall(require("postevent.sandbox.checker").new, definitions, function(message)
    log("warning: " .. message)
  end)
  if not made then
    error("option 'definitions': " .. tostring(checker):gsub("^.-postevent%.definitions: ", ""), 3)
  end
  return checker
end

local function check(options)
  for name, value in pairs(options) do
    local expected = name == "definitions" and type(value) or TYPES[name]
    if not expected then error(("unknown option '%s'"):format(tostring(name)), 3) end
    if type(value) ~= expected then
      error(("option '%s': %s expected, got %s"):format(name, expected, type(value)), 3)
    end
  end
  local port = options.port or 0
  if port % 1 ~= 0 or port < 0 or port > 65535 then error("option 'port': 0 to 65535 expected", 3) end
  local memory = options.memory or DEFAULT_MEMORY
  if not (memory >= 1 and memory <= 65536) then error("option 'memory': 1 to 65536 expected", 3) end
  local seed = options.seed or 1
  if seed % 1 ~= 0 or seed < 1 or seed > Faults.LARGEST_SEED then
    error(("option 'seed': 1 to %d expected"):format(Faults.LARGEST_SEED), 3)
  end
end

-- The faults that are on from the beginning: those that are listed, as texts or tables of keys, then a scenario's.
local function read_faults(list, scenario)
  local faults = {}
  for i, one in ipairs(list) do
    local fields, problem = (type(one) == "string" and fault.parse or fault.check)(one)
    if not fields then error("option 'faults': " .. problem, 3) end
    faults[i] = fields
  end
  local more, problem = {}, nil
  if scenario then more, problem = scenarios.parse(scenario) end
  if not more then error("option 'scenario': " .. problem, 3) end
  for _, fields in ipairs(more) do
    faults[#faults + 1] = fields
  end
  if #faults > Faults.MOST then error(("option 'faults': at most %d expected"):format(Faults.MOST), 3) end
  return faults
end

local function new_faults(seed, definitions, list)
  local faults = Faults.new(seed or tonumber(uuid():sub(1, 7), 16) + 1, customers.of(definitions))
  for _, fields in ipairs(list) do
    faults:add(fields)
  end
  return faults
end

local function print_line(line)
  io.stdout:write(line, "\n")
  io.stdout:flush() -- somebody may be waiting at the other end of a pipe
end

-- Whoever waits for the file must never read half of it: written beside it, then renamed.
local function write_port(path, port)
  local temporary = path .. ".tmp"
  local file, message = io.open(temporary, "wb")
  if not file then return nil, message end
  file:write(("%d\n"):format(port))
  local done
  done, message = file:close() -- these few bytes are written here, so a full disk shows here
  if done then
    done, message = os.rename(temporary, path)
  end
  if done then return true end
  os.remove(temporary)
  return nil, message
end

--- Runs the sandbox until SIGINT or SIGTERM, then returns true; or nil and a message if it cannot listen. Raises on a
-- mistake in the options:
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
function sandbox.run(options)
  options = options or {}
  check(options)
  local host = options.host or "127.0.0.1"
  local log = options.log or print_line
  local first_faults = read_faults(options.faults or {}, options.scenario)
  local checker = options.definitions ~= nil and new_checker(options.definitions, log) or nil
  local memory = (options.memory or DEFAULT_MEMORY) * MIB
  local definitions = checker and checker.definitions
  local faults = new_faults(options.seed, definitions, first_faults)
  local context = {
    store = Store.new(nil, math.floor(memory * 3 / 4)), log = log, authorization = options.authorization,
    checker = checker, unique = options.unique and Unique.new(definitions) or nil, faults = faults,
    events = definitions and definitions.events or {},
    refuses = origin.new(options.allow_hosts or {}),
  }

  local function ready(port)
    if options.port_file then
      local written, message = write_port(options.port_file, port)
      if not written then return nil, "cannot write the port file: " .. message end
    end
    local shown = host:find(":", 1, true) and "[" .. host .. "]" or host
    log(("listening on http://%s:%d/eucrm/webhooks/sandbox"):format(shown, port))
    if faults:list()[1] then log(("faults are on, drawn from the seed %d"):format(faults.seed)) end
    return true
  end

  local ended, message = httpd.serve(host, options.port or 0, routes.handler(context), ready,
    routes.arriving(context), math.floor(memory / 8))
  if checker then checker:close() end
  return ended, message
end

return sandbox
