-- The platform on the user's own machine: accepts posted events, answers as documented, tells what it received.
-- This file owns the life of the sandbox: options, the port's file, start and end. What is answered is in routes.lua,
-- what is kept in store.lua; HTTP is libmicrohttpd's, through postevent.sandbox.httpd.

local httpd = require "postevent.native"("postevent.sandbox.httpd", "postevent-sandbox")
local origin = require "postevent.sandbox.origin"
local routes = require "postevent.sandbox.routes"
local Store = require "postevent.sandbox.store"

local sandbox = {}

local MIB = 1024 * 1024
local DEFAULT_MEMORY = 256 -- MiB

local TYPES = { host = "string", port = "number", authorization = "string", port_file = "string", log = "function",
  allow_hosts = "table", memory = "number" }

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

--- Runs the sandbox until SIGINT or SIGTERM, then returns true; or nil and a message if it cannot listen.
-- Options: `host` (default 127.0.0.1), `port` (default 0: a free one), `authorization` (the value that the
-- Authorization header must have), `allow_hosts` (names by which it may be called besides localhost and addresses, a
-- list), `port_file` (where to write the port once connections are accepted), `definitions` (whatever
-- postevent.definitions takes: events are checked against them), `memory` (MiB, default 256: three quarters are for the
-- events that it remembers, an eighth for bodies that are arriving), `log` (a function of a line; default: to stdout).
-- Raises on a mistake in the options.
function sandbox.run(options)
  options = options or {}
  check(options)
  local host = options.host or "127.0.0.1"
  local log = options.log or print_line
  local checker = options.definitions ~= nil and new_checker(options.definitions, log) or nil
  local memory = (options.memory or DEFAULT_MEMORY) * MIB
  local handler = routes.handler {
    store = Store.new(nil, math.floor(memory * 3 / 4)), log = log, authorization = options.authorization,
    checker = checker, refuses = origin.new(options.allow_hosts or {}),
  }

  local function ready(port)
    if options.port_file then
      local written, message = write_port(options.port_file, port)
      if not written then return nil, "cannot write the port file: " .. message end
    end
    local shown = host:find(":", 1, true) and "[" .. host .. "]" or host
    log(("listening on http://%s:%d/eucrm/webhooks/sandbox"):format(shown, port))
    return true
  end

  local ended, message = httpd.serve(host, options.port or 0, handler, ready, math.floor(memory / 8))
  if checker then checker:close() end
  return ended, message
end

return sandbox
