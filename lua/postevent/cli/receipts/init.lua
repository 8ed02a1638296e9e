-- `postevent receipts`: what became of events that the platform has taken (1100 means queued): its log of events says
-- it, and of those that are not in it yet the status of their processing.

local age = require("postevent.cli.age")
local exit = require("postevent.cli.exit")
local ids = require("postevent.cli.receipts.ids")
local input = require("postevent.cli.input")
local json = require("postevent.json")
local log = require("postevent.cli.receipts.log")
local notes = require("postevent.cli.notes")
local output = require("postevent.cli.output")
local platform = require("postevent.cli.platform")

local receipts = {}

local DAY = 86400
local SLACK = 60 -- seconds by which the platform's clock may differ from ours
local STATUS_PATH = "/v2/events/running_status"
-- A UUID as the webhook answers them; those of versions 7 and 8 are made here, for events that have no id.
local REQUEST_ID = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-[0-69a-fA-F]%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"

-- In the order of the summary.
local STATES = { "processed", "failed", "under_way", "not_found" }
local WORDS = { processed = "processed", failed = "failed", under_way = "under way", not_found = "not found" }

function receipts.define(parser)
  local command = parser:command("receipts", "Ask the platform what became of events that it took.")
  command:argument("id", "An event's id: your own, or the requestId that the webhook answered; or the journal of an "
    .. "import, a file FILE.postevent."):args("*"):argname("ID")
  command:option("--file", "Read the ids from FILE (-: stdin): one on each line, or JSON Lines of replies, results or "
    .. "events, or the journal of an import."):argname("FILE"):overwrite(false)
  command:option("--since", "Look through the log from then on: 7d, 12h, 30m, or a date in UTC. Default: the beginning "
    .. "of the import, or a day."):argname("WHEN"):overwrite(false)
  command:option("--event", "Look for events of that name alone."):argname("NAME"):overwrite(false)
  command:option("--id-attribute", "The attribute that identifies an event."):argname("NAME"):overwrite(false)
    :default("external_event_id")
  command:flag("--all", "Show those that were processed, too.")
  command:flag("--json", "Print a line of JSON for each, for programs.")
  platform.define(command)
  notes.set_statuses(command, { { 0, "all were processed" }, { 1, "some failed" },
    { 75, "some are not found, or under way, or the platform cannot be reached: later may help" } })
  notes.set_examples(command, {
    { "What became of two events:", "postevent receipts --cluster eu --token-file token.txt \\\n  RAND121 RAND122" },
    { "And of all that were posted with their replies kept:",
      "postevent receipts --cluster eu --token-file token.txt \\\n  --since 7d --file replies.jsonl" },
  })
  return command
end

-- ---- what is asked ----

-- Whether somebody meant the ids in it: "-" is stdin, and by a name alone an id may be called, too.
local function is_file(id)
  local file = id:find("[/.]") and io.open(id, "rb") or nil
  if file then
    file:close()
  end
  return id == "-" or file ~= nil
end

-- The list of { id =, request = } and since when, of the arguments and of files.
local function read_wanted(args)
  local wanted, since = {}, nil
  local function add_file(option, path)
    local list, began = ids.read(option, path, args.id_attribute)
    for _, entry in ipairs(list) do
      wanted[#wanted + 1] = entry
    end
    since = began and math.min(began - SLACK, since or began) or since
  end
  for _, id in ipairs(args.id) do
    if id:find("%.postevent$") then
      add_file("ID", id)
    elseif is_file(id) then
      exit.usage(("ID: %s is a file; --file %s reads ids from it"):format(id, id))
    else
      wanted[#wanted + 1] = { id = id }
    end
  end
  if args.file then
    add_file("--file", args.file)
  elseif not args.id[1] then
    exit.usage("say which: ID ..., FILE.postevent, or --file FILE")
  end
  since = args.since and age.parse_moment("--since", args.since) or since or os.time() - DAY
  if since > os.time() then
    exit.usage("--since: expected a time that has been")
  end
  return wanted, since
end

-- By id and by request id: the entries that have it.
local function index(wanted)
  local found = {}
  for _, entry in ipairs(wanted) do
    for _, key in ipairs { entry.id or false, entry.request or false } do
      if key then
        found[key] = found[key] or {}
        table.insert(found[key], entry)
      end
    end
  end
  return found
end

-- ---- what is answered ----

local function text_or_nil(value)
  return type(value) == "string" and value ~= "" and value or nil
end

-- Notes what an entry of the log says. One success is enough: an event that came twice may have failed once.
local function note(entry, row)
  local status = text_or_nil(row.status)
  if entry.state ~= "processed" then
    entry.state = status == "EVENT_SUCCESS" and "processed" or status and "failed" or "under_way"
    entry.status, entry.message = status, entry.state == "failed" and text_or_nil(row.message) or nil
  end
end

-- The event's own id, as it stands in the body that was posted.
local function own_id(row, attribute)
  local posted = text_or_nil(row.inputRequest)
  local event = posted and json.decode(posted)
  local id = type(event) == "table" and event[attribute]
  return type(id) == "number" and require("postevent.native")("postevent.core").number(id) or text_or_nil(id)
end

-- Looks all of them up in the log, the newest entries first: for one that has failed there may be an older success.
local function look_through(asked, args, wanted, since)
  local by_key, missing = index(wanted), #wanted
  local function take(key, row)
    for _, entry in ipairs(key and by_key[key] or {}) do
      local was_processed = entry.state == "processed"
      note(entry, row)
      missing = missing - (entry.state == "processed" and not was_processed and 1 or 0)
    end
  end
  log.walk(asked, args.event, since, os.time() + SLACK, function(row)
    take(text_or_nil(row.id), row)
    take(own_id(row, args.id_attribute), row)
    return missing == 0
  end)
end

-- What the states of an event's processing say: the last one, and whether it failed.
local function read_states(list)
  local state, last = nil, nil
  for _, item in ipairs(type(list) == "table" and list or {}) do
    local name = type(item) == "table" and text_or_nil(item.status)
    if name and state ~= "failed" then
      state = name:find("FAILED") and "failed" or name:find("SUCCESS") and "processed" or "under_way"
      last = { status = name, message = state == "failed" and text_or_nil(item.message) or nil }
    end
  end
  return state, last
end

-- Asks for the status of one that is not in the log. Only what the webhook has answered has one.
local function ask_status(asked, entry)
  local request = entry.request or (entry.id:find(REQUEST_ID) and entry.id)
  local text, document
  if request then
    text, document = asked:ask(STATUS_PATH, { { "eventId", request } }, true)
  end
  local state, last = read_states(text and document.stateList)
  entry.state = state or "not_found"
  entry.status, entry.message = last and last.status, last and last.message
end

-- Of what the platform says of it, what it was sent itself.
local function hide(asked, entry)
  entry.status = entry.status and asked:hide(entry.status)
  entry.message = entry.message and asked:hide(entry.message)
end

-- ---- what is said ----

local function say_json(entry)
  output.say(output.to_json {
    { "id", entry.id or entry.request or entry.name }, { "requestId", entry.request }, { "state", entry.state },
    { "status", entry.status }, { "message", entry.message },
  })
end

-- "RAND121: failed: EMF_PROCESSOR_FAILED: no such customer"
local function say_text(entry)
  local parts = { entry.id or entry.request or entry.name, WORDS[entry.state] }
  parts[#parts + 1] = entry.state ~= "processed" and entry.status or nil
  parts[#parts + 1] = entry.message
  output.say(output.printable(table.concat(parts, ": ")))
end

local function summarize(total, counts)
  local parts = {}
  for _, state in ipairs(STATES) do
    parts[#parts + 1] = counts[state] > 0 and ("%d %s"):format(counts[state], WORDS[state]) or nil
  end
  return ("%d event%s%s%s"):format(total, total == 1 and "" or "s", parts[1] and ": " or "", table.concat(parts, ", "))
end

-- Says all of it, and returns the exit status.
local function report(args, wanted, since)
  local counts = { processed = 0, failed = 0, under_way = 0, not_found = 0 }
  for _, entry in ipairs(wanted) do
    counts[entry.state] = counts[entry.state] + 1
    if args.json then
      say_json(entry)
    elseif args.all or entry.state ~= "processed" then
      say_text(entry)
    end
  end
  if not args.json then
    output.say(summarize(#wanted, counts))
  end
  if counts.not_found > 0 then
    output.warn(os.date("!the log was looked through since %Y-%m-%d %H:%M:%S UTC; --since looks further back", since))
  end
  return counts.failed > 0 and exit.FAILED or counts.processed < #wanted and exit.TRY_AGAIN or exit.OK
end

function receipts.run(args)
  input.check_stdin(args, { "--file", "--token-file", "--authorization-file" })
  local wanted, since = read_wanted(args)
  local asked = platform.new(args)
  if wanted[1] then
    look_through(asked, args, wanted, since)
  end
  for _, entry in ipairs(wanted) do
    if not entry.state then
      ask_status(asked, entry)
    end
    hide(asked, entry)
  end
  asked:close()
  return report(args, wanted, since)
end

return receipts
