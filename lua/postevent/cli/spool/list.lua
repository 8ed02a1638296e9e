-- `postevent spool list`: how many events are in a spool, of which kind, how old, for whom, and who holds them.

local exit = require("postevent.cli.exit")
local files = require("postevent.cli.spool.files")
local output = require("postevent.cli.output")
local survey = require("postevent.cli.spool.survey")
local tally = require("postevent.cli.tally")

local list = { summary = "Count the events, and say which program has them." }

function list.define(command)
  command:flag("--json", "Print one JSON object, for programs.")
end

-- ---- for programs ----

local function event_to_json(event)
  return { { "event_name", event.name }, { "pending", event.pending }, { "dead", event.dead },
    { "oldest", event.oldest } }
end

local function file_to_json(file)
  local holder = file.holder
  return {
    { "file", file.name }, { "state", file.state }, { "endpoint", file.endpoint },
    { "held", holder ~= nil }, { "pid", holder and holder.pid }, { "program", holder and holder.name },
    { "pending", file.pending }, { "expected", file.expected }, { "dead", file.dead },
    { "expected_dead", file.expected_dead },
    { "dead_dropped", file.dead_dropped },
    { "oldest", file.oldest }, { "bytes", file.bytes }, { "codes", tally.codes_to_json(file.codes) },
    { "events", output.json_list(file.events, event_to_json) },
  }
end

local function to_json(directory, all)
  return output.to_json {
    { "directory", directory }, { "pending", all.pending }, { "dead", all.dead }, { "oldest", all.oldest },
    { "bytes", all.bytes }, { "damaged", all.damaged }, { "codes", tally.codes_to_json(all.codes) },
    { "files", output.json_list(all.files, file_to_json) },
  }
end

-- ---- for people ----

-- "12 KB"
local function size_of(bytes)
  if bytes < 1e6 then
    return ("%d KB"):format(math.ceil(bytes / 1e3))
  end
  return ("%.1f MB"):format(bytes / 1e6)
end

local function say(text)
  output.say(output.printable(text))
end

-- "73 of its 100 pending events can be read, and 3 of its 5 dead"
local function describe_damage(file)
  if file.closed then
    return "what is in it is seen when it is sent"
  elseif not file.expected then
    return ("%d pending event%s can be read; nobody knows how many there were"):format(file.pending,
      file.pending == 1 and "" or "s")
  end
  local words = ("%d of its %d pending event%s can be read"):format(file.pending, file.expected,
    file.expected == 1 and "" or "s")
  if (file.expected_dead or 0) > 0 then
    words = ("%s, and %d of its %d dead"):format(words, file.dead, file.expected_dead)
  end
  return words
end

-- What is in the file, as far as that can be read.
local function say_content(file)
  if file.endpoint then
    say("  for      " .. file.endpoint)
  end
  say("  held by  " .. files.describe_holder(file.holder))
  if file.state == "damaged" then
    say("  damaged  " .. describe_damage(file))
    say("           " .. (file.holder and "the program that has it sets it aside" or
      "postevent spool deliver sends what can be read, and sets it aside"))
  end
  if file.dead > 0 then
    say("  dead     " .. tally.codes_of(file.codes))
  end
  if (file.dead_dropped or 0) > 0 then
    say(("  gone     %d dead ones, which gave way to newer events"):format(file.dead_dropped))
  end
  if file.events[1] then
    tally.say_events(file.events)
  end
end

local function say_file(directory, file)
  output.say("")
  if file.state == "works" then
    say(file.name)
  else
    say(files.explain(directory, file.name, file.state, file.why))
  end
  if file.state == "works" or (file.state == "damaged" and not file.aside) then
    say_content(file)
  end
end

-- Of how many files it is not known what is in them; those that were set aside are told apart.
local function count_closed(all)
  local count = 0
  for _, file in ipairs(all.files) do
    count = count + (survey.is_closed(file) and 1 or 0)
  end
  return count
end

local function say_all(directory, all)
  say(("%s: %d pending, %d dead%s; %d file%s%s"):format(directory, all.pending, all.dead,
    tally.oldest(all.oldest), #all.files, #all.files == 1 and "" or "s",
    all.bytes > 0 and ", " .. size_of(all.bytes) or ""))
  local closed = count_closed(all)
  if closed > 0 then
    say(("%d of them cannot be looked into: what is in %s is not counted"):format(closed,
      closed == 1 and "it" or "them"))
  end
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
  local troubles = {}
  for _, file in ipairs(all.files) do
    if file.state == "failed" or (file.state == "damaged" and not file.aside) then
      troubles[#troubles + 1] = files.explain(args.directory, file.name, file.state, file.why)
    end
  end
  if troubles[1] then
    exit.with(exit.FAILED, table.concat(troubles, "\n"))
  end
  return exit.OK
end

return list
