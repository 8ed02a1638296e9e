-- `postevent check`: checks events of a file against definitions, and sends nothing.

local definitions_file = require("postevent.cli.definitions_file")
local exit = require("postevent.cli.exit")
local foreign = require("postevent.cli.foreign")
local input = require("postevent.cli.input")
local json = require("postevent.json")
local output = require("postevent.cli.output")
local problems = require("postevent.cli.problems")

local check = {}

local LINES_KEPT = 500

function check.define(parser)
  local command = parser:command("check", "Check events against their definitions; nothing is sent.")
  command:argument("events", "JSON Lines: an event, a JSON object, on each line (-: stdin)."):argname("EVENTS")
  command:option("--definitions", "The definitions: the platform's own download, or the short form, as JSON "
    .. "(-: stdin)."):argname("FILE"):count(1)
  command:epilog("Every problem is printed with its line. Exit status: 0 there is none, 1 there is one,\n"
    .. "2 wrong usage.")
  return command
end

-- The problems of line `number`, as texts; none: an empty list.
local function check_line(client, definitions, name, number, line)
  local here = ("%s:%d"):format(name, number)
  if input.is_cut(line) then
    return { here .. ": too long to be an event" }
  end
  local event, message = json.decode_event(line, number)
  if not event then
    return { problems.locate(name, message) }
  end
  local encoded, why, _, detail = client:encode(event)
  local lines = encoded and {} or problems.describe(why, detail, event, definitions)
  for i, text in ipairs(lines) do
    lines[i] = here .. ": " .. text
  end
  return lines
end

-- LuaJIT keeps all strings in one table, by a hash of a few of their bytes: lines that look alike, as those of events
-- do, meet in one place of it, and a file takes time by the square of its lines. So they are thrown away in time.
local function clean_up(count)
  if rawget(_G, "jit") and count % LINES_KEPT == 0 then
    collectgarbage()
  end
end

-- Ends the command where the file is no JSON Lines at all.
local function look_at(path)
  return function(beginning)
    local what, how = foreign.find(beginning)
    if what then
      exit.usage(("EVENTS: %s: %s"):format(input.name(path),
        foreign.explain(what, how, "JSON Lines, an event on each line")))
    end
  end
end

-- Checks all lines. Returns how many events there are, and how many of them have problems.
local function check_all(client, definitions, path)
  local count, bad = 0, 0
  for number, line in input.lines("EVENTS", path, look_at(path)) do
    if line:find("%S") then
      local lines = check_line(client, definitions, input.name(path), number, line)
      count = count + 1
      clean_up(count)
      bad = bad + (lines[1] and 1 or 0)
      for _, text in ipairs(lines) do
        output.say(output.printable(text))
      end
    end
  end
  return count, bad
end

function check.run(args)
  if args.definitions == "-" and args.events == "-" then
    exit.usage("--definitions and EVENTS cannot both read stdin")
  end
  local definitions = definitions_file.read("--definitions", args.definitions)
  local client = require("postevent").new {
    mode = "record",
    definitions = definitions,
    log = function(_, message)
      output.warn(message)
    end,
  }
  local count, bad = check_all(client, definitions, args.events)
  client:close()
  output.say(("%d %s, %d with problems"):format(count, count == 1 and "event" or "events", bad))
  return bad == 0 and exit.OK or exit.FAILED
end

return check
