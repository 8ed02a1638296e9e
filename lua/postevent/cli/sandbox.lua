-- `postevent sandbox`: runs the local platform, which is a rock of its own and may not be installed.

local credential = require("postevent.cli.credential")
local definitions_file = require("postevent.cli.definitions_file")
local exit = require("postevent.cli.exit")
local notes = require("postevent.cli.notes")
local numbers = require("postevent.cli.numbers")
local output = require("postevent.cli.output")

local sandbox = {}

local INSTALL = [[
Install it with
  luarocks install postevent-sandbox
or, in a checkout of postevent, build it with
  make]]

-- Its own list is in a rock that may not be here; spec/cli/cli_completion_spec.lua compares them.
local SCENARIOS = { "outage", "slow", "rate-limit", "rotated-password", "lost-replies", "captive-portal", "flaky",
  "poison" }

local PORT = { type = "integer", least = 0, most = 65535 }
local MEMORY = { type = "integer", least = 1, most = 65536 }
local SEED = { type = "integer", least = 1, most = 2147483646 }

function sandbox.define(parser)
  local command = parser:command("sandbox", "Run a local platform, to try and test against; its page shows "
    .. "what arrives. Ctrl-C ends it.")
  command:option("--port", "Listen there. Default: a free port."):argname("N")
    :convert(numbers.read("--port", PORT)):overwrite(false)
  command:option("--host", "The address to listen on."):argname("ADDRESS"):default("127.0.0.1"):overwrite(false)
  command:option("--allow-host", "Answer to this host name, too, not to localhost and this machine's addresses alone. "
    .. "May be given again."):argname("NAME"):count("*")
  command:option("--authorization", "Refuse events whose Authorization header has another value. Every user of this "
    .. "machine can see it (ps)."):argname("VALUE"):overwrite(false)
  command:option("--port-file", "Write the port to FILE once events are accepted."):argname("FILE")
    :overwrite(false)
  command:option("--definitions", "Check the events that arrive against the definitions in FILE (-: stdin). They are "
    .. "accepted all the same."):argname("FILE"):overwrite(false)
  command:flag("--unique", "Check for duplicates, as the platform does where that is switched on.")
  command:option("--memory", "Use that many MiB for events, and as they arrive. Default: 256."):argname("MIB")
    :convert(numbers.read("--memory", MEMORY)):overwrite(false)
  command:option("--fault", "What is to go wrong, e.g. status=503,share=0.3 or drop=after,times=2. May be given again: "
    .. "a request meets the first that is meant for it."):argname("SPEC"):count("*")
  notes.set_offers(command:option("--scenario", ("A bad day of the platform's: %s; outage,seconds=5 for a shorter "
    .. "one."):format(table.concat(SCENARIOS, ", "))):argname("NAME"):overwrite(false), SCENARIOS)
  command:option("--seed", "Draw what is left to chance in faults from N, as a run before did. Default: a number that "
    .. "is printed."):argname("N"):convert(numbers.read("--seed", SEED)):overwrite(false)
  notes.set_statuses(command, { { 0, "it was ended" }, { 1, "it could not start" } },
    "GET /sandbox/events shows what was received, with ?outcome=bad what is wrong, ?limit=N the last. "
    .. "GET /v2/events/logs shows it as the platform does. POST /sandbox/reset forgets it.\n"
    .. "POST /sandbox/faults and /sandbox/scenario do what --fault and --scenario do, DELETE /sandbox/faults ends it.")
  notes.set_examples(command, {
    { "A platform that checks what it is sent, and has a bad day:",
      "postevent sandbox --port 8080 --definitions events.json \\\n  --scenario flaky" },
  })
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

-- The sandbox's lines. Who cannot read the first, which has its address, is told so; later it goes on without.
local function new_log()
  local told = false
  return function(line)
    local written, why = output.line(line)
    if not told and not written then
      exit.with(exit.FAILED, why)
    end
    told = true
  end
end

function sandbox.finishes()
  return true
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
    log = new_log(),
  }
  if not ended then
    exit.with(exit.FAILED, (message:gsub("^cannot write the port file:", "--port-file: cannot write")
      :gsub("^cannot listen", "--host, --port: %0")))
  end
  return exit.OK
end

return sandbox
