-- The platform on the user's own machine: accepts posted events, answers as documented, tells what it received.
-- This file owns the life of the sandbox: the port's file, start and end. What may be given is in options.lua, what is
-- answered in routes.lua, what is kept in store.lua; HTTP is libmicrohttpd's, through postevent.sandbox.httpd.

local httpd = require "postevent.native"("postevent.sandbox.httpd", "postevent-sandbox")
local customers = require "postevent.sandbox.customers"
local Faults = require "postevent.sandbox.faults"
local options = require "postevent.sandbox.options"
local origin = require "postevent.sandbox.origin"
local printable = require "postevent.printable"
local routes = require "postevent.sandbox.routes"
local Store = require "postevent.sandbox.store"
local Unique = require "postevent.sandbox.unique"
local uuid = require "postevent.sandbox.uuid"

local sandbox = {}

local MIB = 1024 * 1024

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

local function new_faults(given, customers_of)
  local faults = Faults.new(given.seed or tonumber(uuid():sub(1, 7), 16) + 1, customers_of)
  for _, fields in ipairs(given.faults) do
    faults:add(fields)
  end
  return faults
end

local ALL_ADDRESSES = { ["0.0.0.0"] = "127.0.0.1", ["::"] = "::1" } -- no address to go to: one that is

-- By what it may be called: what it was told to listen on, and says that it does, may be a name, or "127.1".
local function names_of(given)
  local names = { not ALL_ADDRESSES[given.host] and given.host or nil }
  for _, name in ipairs(given.allow_hosts) do
    names[#names + 1] = name
  end
  return names
end

-- What routes.lua is to know.
local function new_context(given, log)
  local checker = given.definitions and require("postevent.sandbox.checker").new(given.definitions, function(message)
    log("warning: " .. message)
  end)
  local customers_of = customers.of(given.definitions)
  return {
    store = Store.new(nil, math.floor(given.memory * MIB * 3 / 4)), log = log, authorization = given.authorization,
    checker = checker or nil, unique = given.unique and Unique.new(given.definitions) or nil,
    events = given.definitions and given.definitions.events or {}, faults = new_faults(given, customers_of),
    refuses = origin.new(names_of(given)), customers = customers_of,
  }
end

-- Who can reach it, where that is not this machine alone.
local function say_who(context, host)
  if host == "localhost" or host:find("^127%.") or host == "::1" then return end
  local where = (host == "0.0.0.0" or host == "::") and "this machine, by any of its addresses," or host
  context.log("warning: everybody who reaches " .. where
    .. " can post events, read all that were received, and turn on faults")
end

local function say_hello(context, host, port)
  local shown = ALL_ADDRESSES[host] or host
  shown = shown:find(":", 1, true) and "[" .. shown .. "]" or shown
  context.log(("listening on http://%s:%d/eucrm/webhooks/sandbox"):format(shown, port))
  context.log(("what arrives is seen on http://%s:%d/"):format(shown, port))
  say_who(context, host)
  context.faults:announce(context.log)
end

-- Runs with options that were checked. `told`: a function of the port, once connections are accepted; it returns true,
-- or nil and why that cannot be. `life`: as in httpd.serve.
local function serve(given, log, told, life)
  local context = new_context(given, function(line)
    log(printable.line(line)) -- it quotes what arrives
  end)
  local ended, message = httpd.serve(given.host, given.port, routes.handler(context), function(port)
    local done, why = told(port)
    if done then say_hello(context, given.host, port) end
    return done, why
  end, routes.arriving(context), math.floor(given.memory * MIB / 8), life)
  if context.checker then context.checker:close() end
  return ended, message
end

--- Runs the sandbox until SIGINT or SIGTERM, then returns true; or nil and a message if it cannot listen. Raises on a
-- mistake in the options, which options.lua tells of.
function sandbox.run(given)
  given = options.check(given or {})
  return serve(given, given.log or print_line, function(port)
    if not given.port_file then return true end
    local written, message = write_port(given.port_file, port)
    if not written then return nil, "cannot write the port file: " .. message end
    return true
  end)
end

--- Starts a sandbox in a child process, which ends with this one: what a test of a program needs. Returns what
-- process.lua tells of; or nil and a message if it cannot listen. Raises on a mistake in the options: those of `run`,
-- but for `host`, `port_file` and `log`.
function sandbox.start(given)
  given = options.check(given or {}, { host = true, port_file = true, log = true })
  return require("postevent.sandbox.process").start(function(report, life)
    return serve(given, function() end, function(port)
      report(("port %d"):format(port))
      return true
    end, life)
  end)
end

return sandbox
