-- `postevent relay dead`: looks at what was not delivered, sends it again, or removes it. As `postevent spool`, of a
-- store in Redis.

local age = require("postevent.cli.age")
local choice = require("postevent.cli.choice")
local confirm = require("postevent.cli.confirm")
local definitions_file = require("postevent.cli.definitions_file")
local exit = require("postevent.cli.exit")
local letters = require("postevent.relay.letters")
local notes = require("postevent.cli.notes")
local output = require("postevent.cli.output")
local redis = require("postevent.cli.relay.redis")
local tally = require("postevent.cli.tally")
local view = require("postevent.cli.event_view")

local dead = {}

local actions = {
  list = { summary = "Count the dead letters, by code and by name." },
  show = { summary = "Show an event and why it is dead, or without ID a line for each." },
  retry = { summary = "Put dead events back into the stream." },
  export = { summary = "Write the events as JSON Lines; nothing is masked." },
  purge = { summary = "Remove dead events for good." },
}

local NAMES = { "list", "show", "retry", "export", "purge" } -- in the order of the help

-- A function that asks Redis, and ends the command where it does not answer.
local function caller(args)
  local link = redis.connect(args)
  return function(...)
    return redis.call(link, ...)
  end
end

-- Of a stream, in an error: "postevent: postevent: ..." would say nothing.
local function named(stream)
  return "the stream " .. output.printable(stream)
end

-- ---- list ----

function actions.list.define(command)
  command:flag("--json", "Print one JSON object, for programs.")
end

-- { dead =, oldest =, codes = { [code] = count }, events = { { name, pending, dead, oldest }, ... } }
local function survey(call, stream)
  local all = { dead = 0, codes = {}, events = {}, by_name = {} }
  for letter in letters.each(call, stream) do
    local name, code = letter.name or "", letter.code or letter.outcome
    local event = all.by_name[name]
    if not event then
      event = { name = name, pending = 0, dead = 0, oldest = letter.accepted_at }
      all.by_name[name], all.events[#all.events + 1] = event, event
    end
    event.dead, all.dead = event.dead + 1, all.dead + 1
    event.oldest = math.min(event.oldest, letter.accepted_at)
    all.oldest = math.min(all.oldest or event.oldest, event.oldest)
    all.codes[code] = (all.codes[code] or 0) + 1
  end
  return all
end

local function event_to_json(event)
  return { { "event_name", event.name }, { "dead", event.dead }, { "oldest", event.oldest } }
end

function actions.list.run(args)
  local all = survey(caller(args), args.stream)
  if args.json then
    output.say(output.to_json { { "stream", args.stream }, { "dead", all.dead }, { "oldest", all.oldest },
      { "codes", tally.codes_to_json(all.codes) }, { "events", output.json_list(all.events, event_to_json) } })
    return exit.OK
  end
  output.say(("%s: %d dead%s"):format(output.printable(args.stream), all.dead,
    all.dead > 0 and ": " .. output.printable(tally.codes_of(all.codes)) or ""))
  if all.dead > 0 then
    tally.say_events(all.events)
  end
  return exit.OK
end

-- ---- show ----

function actions.show.define(command)
  command:argument("id", "The event's id; of one that has none, what stands in its place."):args("?"):argname("ID")
  view.define(command)
end

local function place_of(letter)
  return { "letter", letter.row .. (letter.by and ", by " .. letter.by or "") }
end

local function show_one(args, call, definitions)
  local count = 0
  for letter in letters.each(call, args.stream) do
    if letter.id == args.id or letter.row == args.id then
      if count > 0 then
        output.say("")
      end
      count = count + 1
      view.say(args, definitions, letter, true, place_of(letter))
    end
  end
  if count == 0 then
    exit.with(exit.FAILED, named(args.stream) .. ": there is no dead event of that id")
  end
end

function actions.show.run(args)
  local definitions = args.definitions and definitions_file.read("--definitions", args.definitions)
  local call = caller(args)
  if args.id then
    show_one(args, call, definitions)
    return exit.OK
  end
  local rows, more = {}, nil
  for letter in letters.each(call, args.stream) do
    if #rows == view.MOST_LINES then
      more = "... and more: postevent relay dead list counts them, export writes all"
      break
    end
    rows[#rows + 1] = view.row(letter, true, letter.row)
  end
  view.say_rows(rows, more)
  return exit.OK
end

-- ---- retry ----

function actions.retry.define(command)
  choice.define(command, "The id of a dead event, or what stands in its place.")
end

-- The rows of the letters that are meant.
local function rows_of(call, stream, is_meant)
  local rows = {}
  for letter in letters.each(call, stream) do
    rows[#rows + 1] = is_meant(letter, letter.row) and letter.row or nil
  end
  return rows
end

function actions.retry.run(args)
  choice.check(args)
  local call = caller(args)
  local is_meant, missing, met = choice.of(args)
  local count = letters.retry(call, args.stream, rows_of(call, args.stream, is_meant))
  if count > 0 then
    output.report(("%d event%s in the stream again"):format(count, count == 1 and " is" or "s are"))
  end
  local lines = {}
  for _, id in ipairs(args.id) do
    lines[#lines + 1] = missing[id] and ("%s: there is no dead event %s"):format(named(args.stream),
      output.printable(id)) or nil
  end
  if count == 0 and args.all then
    output.say("nothing to retry: no event is dead")
  elseif count == 0 and not lines[1] then
    lines[1] = named(args.stream) .. ": there is no such dead event" .. choice.describe(met)
  end
  return lines[1] and exit.with(exit.FAILED, table.concat(lines, "\n")) or exit.OK
end

-- ---- export, purge ----

function actions.export.define() end

function actions.export.run(args)
  for letter in letters.each(caller(args), args.stream) do
    output.say(output.printable_json(letter.body))
  end
  return exit.OK
end

function actions.purge.define(command)
  command:option("--older-than", "Only events accepted so long ago: 7d, 12h, 30m, 45s."):argname("AGE")
    :overwrite(false)
  command:flag("--yes", "Do not ask.")
end

function actions.purge.run(args)
  local before = args.older_than and age.parse("--older-than", args.older_than) or math.huge
  local call = caller(args)
  local rows = rows_of(call, args.stream, function(letter)
    return letter.accepted_at < before
  end)
  local what = ("%d dead event%s"):format(#rows, #rows == 1 and "" or "s")
  if rows[1] and not confirm(args.yes, args.stream, what) then
    exit.with(exit.FAILED, "nothing was removed")
  end
  output.report(("removed %d dead event%s"):format(letters.remove(call, args.stream, rows), #rows == 1 and "" or "s"))
  return exit.OK
end

-- ---- the command ----

-- Returns the command and its actions, by name.
function dead.define(group)
  local command = group:command("dead", "Look at what was not delivered, and send it again, or remove it.")
    :command_target("what"):require_command(true)
  local defined = { dead = command }
  for _, name in ipairs(NAMES) do
    local action = command:command(name, actions[name].summary)
    actions[name].define(action)
    notes.set_statuses(action, redis.STATUSES, redis.HINT)
    defined["dead " .. name] = action
  end
  return defined
end

function dead.finishes(args)
  return args.what == "retry" or args.what == "purge"
end

function dead.run(args)
  return actions[args.what].run(args)
end

return dead
