-- `postevent sandbox`: runs the local platform, which is a rock of its own and may not be installed.

local credential = require("postevent.cli.credential")
local definitions_file = require("postevent.cli.definitions_file")
local exit = require("postevent.cli.exit")

local sandbox = {}

local INSTALL = [[
Install it with
  luarocks install postevent-sandbox
or, in a checkout of postevent, build it with
  make]]

local function read_port(text)
  local port = tonumber(text)
  if port and port % 1 == 0 and port >= 0 and port <= 65535 then
    return port
  end
  return nil, "--port: expected a number from 0 to 65535"
end

local function read_memory(text)
  local memory = tonumber(text)
  if memory and memory >= 1 and memory <= 65536 then
    return memory
  end
  return nil, "--memory: expected a number from 1 to 65536"
end

local function read_seed(text)
  local seed = tonumber(text)
  if seed and seed % 1 == 0 and seed >= 1 and seed <= 2147483646 then
    return seed
  end
  return nil, "--seed: expected a whole number from 1 to 2147483646"
end

function sandbox.define(parser)
  local command = parser:command("sandbox", "Run a local platform, to try and test against. Ctrl-C ends it.")
  command:option("--port", "Listen there. Default: a free port."):argname("N"):convert(read_port)
  command:option("--host", "The address to listen on."):argname("ADDRESS"):default("127.0.0.1")
  command:option("--allow-host", "Answer to this host name, too, not to localhost and this machine's addresses alone. "
    .. "May be given again."):argname("NAME"):count("*")
  command:option("--authorization", "Refuse events whose Authorization header has another value. Every user of this "
    .. "machine can see it (ps)."):argname("VALUE")
  command:option("--port-file", "Write the port to FILE once events are accepted."):argname("FILE")
  command:option("--definitions", "Check the events that arrive against the definitions in FILE (-: stdin). They are "
    .. "accepted all the same."):argname("FILE")
  command:flag("--unique", "Check for duplicates, as the platform does where that is switched on.")
  command:option("--memory", "Use that many MiB for events, and as they arrive. Default: 256."):argname("MIB")
    :convert(read_memory)
  command:option("--fault", "What is to go wrong, e.g. status=503,share=0.3 or drop=after,times=2. May be given again: "
    .. "a request meets the first that is meant for it."):argname("SPEC"):count("*")
  command:option("--scenario", "A bad day of the platform's: outage, slow, rate-limit, rotated-password, lost-replies, "
    .. "captive-portal, flaky or poison; outage,seconds=5 for a shorter one."):argname("NAME")
  command:option("--seed", "Draw what is left to chance in faults from N, as a run before did. Default: a number that "
    .. "is printed."):argname("N"):convert(read_seed)
  command:epilog("GET /sandbox/events shows what was received, with ?outcome=bad what is wrong, ?limit=N the last;\n"
    .. "GET /v2/events/logs shows it as the platform does. POST /sandbox/reset forgets it.\n"
    .. "POST /sandbox/faults and /sandbox/scenario do what --fault and --scenario do, DELETE /sandbox/faults ends it.")
  return command
end

local function load_server()
  local found, server = pcall(require, "postevent.sandbox")
  if found then
    return server
  end
  if tostring(server):find("module 'postevent%.sandbox[%w_.]*' not found") then
    exit.with(exit.FAILED, "the sandbox is not installed. " .. INSTALL)
  end
  exit.with(exit.FAILED, ("the sandbox cannot be loaded: %s\n%s"):format(tostring(server):match("^[^\n]*"), INSTALL))
end

-- Ends the command where one cannot be read.
local function read_faults(texts)
  local faults = {}
  for i, text in ipairs(texts) do
    local fields, problem = require("postevent.sandbox.fault").parse(text)
    if not fields then
      exit.usage("--fault: " .. problem)
    end
    faults[i] = fields
  end
  return faults
end

local function check_scenario(text)
  local faults, problem = {}, nil
  if text then
    faults, problem = require("postevent.sandbox.scenarios").parse(text)
  end
  if not faults then
    exit.usage("--scenario: " .. problem)
  end
end

function sandbox.run(args)
  if args.authorization then
    credential.check(args.authorization, "--authorization")
  end
  local definitions = args.definitions and definitions_file.read("--definitions", args.definitions)
  local server = load_server()
  local faults = read_faults(args.fault)
  check_scenario(args.scenario)
  local ended, message = server.run {
    port = args.port,
    host = args.host,
    allow_hosts = args.allow_host,
    authorization = args.authorization,
    port_file = args.port_file,
    definitions = definitions,
    memory = args.memory,
    unique = args.unique,
    faults = faults,
    scenario = args.scenario,
    seed = args.seed,
  }
  if not ended then
    exit.with(exit.FAILED, message)
  end
  return exit.OK
end

return sandbox
