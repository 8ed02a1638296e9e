-- `postevent import`: delivers the events of a file. What it can be told is here; how it goes, in the folder beside.

local exit = require("postevent.cli.exit")
local notes = require("postevent.cli.notes")
local numbers = require("postevent.cli.numbers")
local target = require("postevent.cli.target")

local import = {}

local function define_reading(command)
  notes.set_choices(command:option("--format", "What the file is: jsonl, json (an array, or values one behind the "
    .. "other) or csv. Default: what it looks like."):argname("NAME"):overwrite(false), "--format",
    { "jsonl", "json", "csv" })
  command:option("--delimiter", "What stands between the cells of CSV. Default: what the header has most of: , ; | or "
    .. "a tab."):argname("CHARACTER"):overwrite(false)
  command:option("--map", "The column, or the member of the objects, COLUMN is the attribute ATTRIBUTE. May be given "
    .. "again."):argname("COLUMN=ATTRIBUTE"):count("*")
  command:option("--drop", "Leave out the column, or the member. May be given again."):argname("COLUMN"):count("*")
  command:option("--set", "Give every event this attribute, in place of its own: text, or with := JSON. May be given "
    .. "again."):argname("KEY=VALUE"):count("*")
  command:option("--common", "The same for events that do not have it. May be given again."):argname("KEY=VALUE")
    :count("*")
  command:option("--types", "What cells are, where no definition says it: age=number,vip=boolean; text, number, "
    .. "boolean or json. May be given again."):argname("KEY=TYPE,..."):count("*")
  command:option("--id-attribute", "The attribute that identifies an event (external_event_id). An event without it "
    .. "gets an id that is the same in every run."):argname("NAME"):overwrite(false)
end

local function define_checking(command)
  command:option("--definitions", "Check the events against the definitions in FILE (-: stdin), and read cells by "
    .. "them."):argname("FILE"):overwrite(false)
  command:flag("--dry-run", "Check the whole file, and send nothing.")
  command:flag("--no-check", "Begin to send at once: bad lines are skipped as they come.")
  command:flag("--skip-bad", "Send the others where some lines are bad. Default: then nothing is sent.")
end

local function define_sending(command)
  target.define(command)
  target.define_timeout(command, "Give up an attempt after so many seconds (15).")
  target.define_way(command)
  command:option("--concurrency", "Post so many events at once (16)."):argname("N"):overwrite(false)
    :convert(numbers.like("--concurrency", "max_in_flight"))
  command:option("--rate", "Post at most so many events in a second."):argname("N"):overwrite(false)
    :convert(numbers.like("--rate", "rate_limit.per_second"))
  command:option("--retry-max", "Wait at most so many seconds before an event is tried again (30)."):argname("SECONDS")
    :overwrite(false):convert(numbers.like("--retry-max", "retry.max"))
  command:option("--max-age", "Give an event up for this run after so many seconds (86400)."):argname("SECONDS")
    :overwrite(false):convert(numbers.like("--max-age", "retry.max_age"))
  command:option("--give-up", "Stop when no event was answered for so many seconds (600)."):argname("SECONDS")
    :overwrite(false):convert(numbers.like("--give-up", "retry.max_age"))
  command:flag("--no-resend", "Do not send an event again that may have arrived.")
end

local function define_telling(command)
  command:option("--journal", "Keep in FILE which lines were answered. Default: beside the file, FILE.postevent.")
    :argname("FILE"):overwrite(false)
  command:flag("--restart", "Begin anew, and forget what the journal has: all is sent again.")
  command:option("--failed", "Write to FILE what did not arrive, in the format of the input and with the reason: mend "
    .. "it, and import it."):argname("FILE"):overwrite(false)
  notes.set_choices(command:option("--log", "What is said while it runs, and at the end: text, or json for programs.")
    :argname("FORMAT"):overwrite(false), "--log", { "text", "json" })
  command:flag("--quiet", "Say nothing but what is wrong.")
end

function import.define(parser)
  local command = parser:command("import", "Deliver the events of a file; go on where it stopped.")
  command:argument("files", "JSON Lines, a JSON array or CSV with a header; .gz and .zst where there is gzip or zstd "
    .. "(-: stdin)."):args("+"):argname("FILE")
  define_reading(command)
  define_checking(command)
  define_sending(command)
  define_telling(command)
  notes.set_statuses(command, { { 0, "all was delivered" }, { 1, "some lines are bad or were refused" },
    { 75, "some were not delivered: run it again" } },
    "Ctrl-C stops it, and the same command goes on from there: no line is sent again that was answered.")
  notes.set_examples(command, {
    { "A spreadsheet, of which no column is called as the attributes are:",
      "postevent import --definitions events.json \\\n  --map 'Guest mobile=customer_id' \\\n"
        .. "  --set event_name=be_reserved guests.csv" },
    { "What did not arrive, mended by hand, and imported again:",
      "postevent import --failed failed.csv --skip-bad guests.csv\npostevent import failed.csv" },
  })
  return command
end

function import.finishes()
  return true
end

function import.run(args)
  if args.dry_run and (args.no_check or args.failed) then
    exit.usage(("--dry-run and %s: one or the other"):format(args.no_check and "--no-check" or "--failed"))
  end
  return require("postevent.cli.import.run")(args)
end

return import
