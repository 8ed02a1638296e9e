-- `postevent import`, run under the Lua of this run: for its specs.
local assert = require "luassert"
local children = require "support.children"
local cjson = require "cjson"
local command = require "support.command"
local helper = require "support.helper"

local importing = {}

importing.definitions = { visit = {
  customer_id = "customer:mobile", age = "double?", vip = "boolean?", seen_on = "date?", note = "string?",
  external_event_id = "string?",
} }

-- A file of definitions; those above, unless others are given.
function importing.definitions_file(definitions)
  return helper.new_file(cjson.encode(definitions or importing.definitions), "definitions.json")
end

-- Runs `postevent import` with these arguments: status, stdout, stderr.
function importing.run(arguments, options)
  local all = { "import" }
  for _, argument in ipairs(arguments) do
    all[#all + 1] = argument
  end
  return command.run(all, options)
end

-- Runs it by a shell, which does with "$@", the command, what `script` says; a sanitizer that is preloaded into the Lua
-- of this run is no business of the shell's.
function importing.shell(script, arguments)
  local argv = { "sh", "-c", script, "sh", "env", "LD_PRELOAD=" .. (os.getenv "LD_PRELOAD" or ""), helper.lua(),
    command.path, "import" }
  for _, argument in ipairs(arguments) do
    argv[#argv + 1] = argument
  end
  return helper.run(argv)
end

-- Runs it against a sandbox.
function importing.deliver(sandbox, path, ...)
  return importing.run { "--url", sandbox.url, path, ... }
end

-- Starts an import that does not end by itself within the test.
function importing.start(sandbox, path, ...)
  local arguments = { children.lua(), command.path, "import", "--url", sandbox.url, path, ... }
  arguments.stop_signal = "SIGKILL"
  return children.spawn(arguments)
end

-- A file of so many events, a line each: its path.
function importing.lines(count, suffix)
  local lines = {}
  for i = 1, count do
    lines[i] = ('{"event_name":"visit","customer_id":"99%08d","n":%d}\n'):format(i, i)
  end
  return helper.new_file(table.concat(lines), suffix or "events.jsonl")
end

-- Checks a text, without sending: status, and the lines of stdout without the file's name.
function importing.check(text, suffix, ...)
  local path = helper.new_file(text, suffix)
  local status, output, errors = importing.run { "--dry-run", path, ... }
  local lines = {}
  for line in (output .. errors):gmatch "[^\n]+" do
    lines[#lines + 1] = line:gsub(path:gsub("%W", "%%%0") .. ":?", "")
  end
  return status, lines
end

-- The events that a sandbox has, as they were sent, oldest first, without what is filled in.
function importing.sent(sandbox)
  local events = {}
  for i, received in ipairs(sandbox:events()) do
    events[i] = received.event
  end
  return events
end

-- The number of times that each event arrived, by its number.
local function arrivals(sandbox)
  local counts = {}
  for _, event in ipairs(importing.sent(sandbox)) do
    counts[event.n] = (counts[event.n] or 0) + 1
  end
  return counts
end

function importing.assert_each_once(sandbox, count)
  local counts = arrivals(sandbox)
  for n = 1, count do
    assert.equal(1, counts[n], ("event %d arrived %s times"):format(n, tostring(counts[n])))
  end
end

-- The value of an attribute in each event, in order.
function importing.pluck(events, name)
  local values = {}
  for i, event in ipairs(events) do
    values[i] = event[name]
  end
  return values
end

return importing
