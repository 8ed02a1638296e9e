-- `postevent spool list`: how many events are in a spool, of which kind, how old, for whom, and who holds them.

local age = require("postevent.cli.spool.age")
local exit = require("postevent.cli.exit")
local files = require("postevent.cli.spool.files")
local output = require("postevent.cli.output")
local survey = require("postevent.cli.spool.survey")

local list = { summary = "Count the events, and say which program has them." }

local NAME_WIDTH = 40 -- of a terminal's 80

function list.define(command)
  command:flag("--json", "Print one JSON object, for programs.")
end

-- ---- for programs ----

local function sorted(map)
  local keys = {}
  for key in next, map do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local function codes_to_json(codes)
  local members = {}
  for _, code in ipairs(sorted(codes)) do
    members[#members + 1] = { code, codes[code] }
  end
  return members
end

local function event_to_json(event)
  return { { "event_name", event.name }, { "pending", event.pending }, { "dead", event.dead },
    { "oldest", event.oldest } }
end

local function file_to_json(file)
  local holder = file.holder
  return {
    { "file", file.name }, { "state", file.state }, { "endpoint", file.endpoint },
    { "held", holder ~= nil }, { "pid", holder and holder.pid }, { "program", holder and holder.name },
    { "pending", file.pending }, { "dead", file.dead }, { "dead_dropped", file.dead_dropped },
    { "oldest", file.oldest }, { "bytes", file.bytes }, { "codes", codes_to_json(file.codes) },
    { "events", output.json_list(file.events, event_to_json) },
  }
end

local function to_json(directory, all)
  return output.to_json {
    { "directory", directory }, { "pending", all.pending }, { "dead", all.dead }, { "oldest", all.oldest },
    { "bytes", all.bytes }, { "damaged", all.damaged }, { "codes", codes_to_json(all.codes) },
    { "files", output.json_list(all.files, file_to_json) },
  }
end

-- ---- for people ----

local function shorten(name)
  name = name == "" and "(no name)" or output.printable(name)
  return output.cut(name, NAME_WIDTH)
end

-- "12 KB"
local function size_of(bytes)
  if bytes < 1e6 then
    return ("%d KB"):format(math.ceil(bytes / 1e3))
  end
  return ("%.1f MB"):format(bytes / 1e6)
end

local function codes_of(codes)
  local parts = {}
  for _, code in ipairs(sorted(codes)) do
    parts[#parts + 1] = ("%s %d"):format(code, codes[code])
  end
  return table.concat(parts, ", ")
end

local function say(text)
  output.say(output.printable(text))
end

-- Numbers stand below each other by their last digit.
local function align(rows, column)
  local width = 0
  for _, row in ipairs(rows) do
    width = math.max(width, #row[column])
  end
  for _, row in ipairs(rows) do
    row[column] = (" "):rep(width - #row[column]) .. row[column]
  end
end

local function say_events(events)
  local rows = { { "  EVENT", "PENDING", "DEAD", "OLDEST" } }
  for _, event in ipairs(events) do
    rows[#rows + 1] = { "  " .. shorten(event.name), ("%d"):format(event.pending), ("%d"):format(event.dead),
      age.of(event.oldest) }
  end
  align(rows, 2)
  align(rows, 3)
  for _, line in ipairs(output.columns(rows)) do
    output.say(line)
  end
end

local function say_file(directory, file)
  output.say("")
  if file.state ~= "works" then
    say(files.explain(directory, file.name, file.state, file.why))
    return
  end
  say(file.name)
  say("  for      " .. file.endpoint)
  say("  held by  " .. files.describe_holder(file.holder))
  if file.dead > 0 then
    say("  dead     " .. codes_of(file.codes))
  end
  if file.dead_dropped > 0 then
    say(("  gone     %d dead ones, which gave way to newer events"):format(file.dead_dropped))
  end
  if file.events[1] then
    say_events(file.events)
  end
end

local function say_all(directory, all)
  say(("%s: %d pending, %d dead%s; %d file%s, %s"):format(directory, all.pending, all.dead,
    all.oldest and ", the oldest " .. age.of(all.oldest) .. " old" or "", #all.files, #all.files == 1 and "" or "s",
    size_of(all.bytes)))
  if all.damaged > 0 then
    say(("%d of them set aside as damaged: postevent spool purge DIR --damaged removes %s"):format(all.damaged,
      all.damaged == 1 and "it" or "them"))
  end
  for _, file in ipairs(all.files) do
    say_file(directory, file)
  end
end

function list.run(args)
  local all = survey.take(args.directory)
  if args.json then
    output.say(to_json(args.directory, all))
  else
    say_all(args.directory, all)
  end
  for _, file in ipairs(all.files) do
    if file.state == "failed" then
      exit.with(exit.FAILED, files.explain(args.directory, file.name, file.state, file.why))
    end
  end
  return exit.OK
end

return list
