-- `postevent post`: posts one event and prints the reply.

local assignments = require("postevent.cli.assignments")
local credential = require("postevent.cli.credential")
local definitions_file = require("postevent.cli.definitions_file")
local exit = require("postevent.cli.exit")
local foreign = require("postevent.foreign")
local input = require("postevent.cli.input")
local json = require("postevent.json")
local notes = require("postevent.cli.notes")
local output = require("postevent.cli.output")
local problems = require("postevent.cli.problems")
local target = require("postevent.cli.target")

local post = {}

function post.define(parser)
  local command = parser:command("post", "Post one event and print the reply as JSON.")
  command:argument("attributes", "KEY=VALUE is text, KEY:=JSON is JSON: hotel_name=Indiranagar age:=20.")
    :args("*"):argname("KEY=VALUE")
  command:option("--json", "Read the event, a JSON object, from FILE (-: stdin). Attributes given as KEY=VALUE are "
    .. "added to it or take the place of its own."):argname("FILE"):overwrite(false)
  target.define(command)
  command:option("--definitions", "Check the event first, against the definitions in FILE (-: stdin): the platform's "
    .. "own download, or the short form, as JSON."):argname("FILE"):overwrite(false)
  target.define_timeout(command, "Give up after so many seconds (15), retries included.")
  target.define_way(command)
  command:flag("--dry-run", "Send nothing: print the request as it would go out, without the credentials.")
  command:flag("--verbose", "Print to stderr what was sent and what came back, without the credentials.")
  notes.set_statuses(command, {
    { 0, "the platform took the event" }, { 1, "it did not" }, { 2, "wrong usage, and nothing was sent" },
    { 75, "trying again later may help" },
  })
  notes.set_examples(command, {
    { "An event of text and a number:",
      "postevent post event_name=be_reserved customer_id=9988776655 \\\n  room_nights=12 age:=20" },
    { "An event from a file, checked first; the credential is in a file, too:",
      "postevent post --definitions events.json \\\n  --authorization-file secret.txt --json event.json" },
  })
  return command
end

-- The event in the file of --json. Ends the command where there is none.
local function read_json(path)
  local text = input.read("--json", path)
  local event, message = foreign.decode(text, "event", json.decode_event)
  return event or exit.usage(("--json: %s: %s"):format(input.name(path), message))
end

local function read_event(args)
  local attributes = assignments(args.attributes)
  local event = {}
  if args.json then
    event = read_json(args.json)
  elseif not next(attributes) then
    exit.usage("nothing to post: give KEY=VALUE, or --json FILE")
  end
  for name, value in next, attributes do
    event[name] = value
  end
  return event
end

-- What went wrong, and what whoever sends the event again must know. `lines` say why.
local function describe_failure(lines, code, detail)
  lines[#lines] = ("%s (%s)"):format(lines[#lines], code)
  if detail.arrived then
    lines[#lines + 1] = (code == "bad_reply" and "" or "the event may have arrived; ")
      .. (detail.event_id and "its event_id is " .. detail.event_id or "it has no event_id")
  end
  if detail.retry_after then
    lines[#lines + 1] = ("the platform asks to wait %d seconds"):format(math.ceil(detail.retry_after))
  end
  return table.concat(lines, "\n")
end

-- What went over the wire, as lines for people.
local function wire_lines(client)
  return output.printable_lines((client:_traced():gsub("\r\n", "\n"):gsub("\n+$", "")))
end

-- Prints the request as it would go out. Returns the result of a post: true, or what is wrong with the event.
local function rehearse(client, event)
  local _, message, code, detail = client:post(event)
  if code ~= "interrupted" then -- which is how every rehearsal ends
    return nil, message, code, detail
  end
  output.say(wire_lines(client))
  return true
end

function post.finishes()
  return true
end

function post.run(args)
  input.check_stdin(args, { "--json", "--authorization-file", "--definitions" })
  local found, sources = target.find(args)
  local event = read_event(args)
  local definitions = args.definitions and definitions_file.read("--definitions", args.definitions)
  local client = target.new_client(args, found, sources, { definitions = definitions, timeout = args.timeout })
  if args.dry_run or args.verbose then
    client:_trace(args.dry_run)
  end
  local reply, message, code, detail = (args.dry_run and rehearse or client.post)(client, event)
  if args.verbose and not args.dry_run then
    io.stderr:write(wire_lines(client), "\n")
  end
  client:close()
  if not reply then
    local lines = problems.describe(message, detail, event, definitions)
    exit.with(exit.of(code),
      credential.hide(describe_failure(lines, code, detail), found.authorization))
  end
  if args.dry_run then
    return exit.OK
  end
  local written, why = output.line(credential.hide(output.reply_to_json(reply), found.authorization))
  if not written then -- the status tells of the event: who tries again after 1 would post it twice
    output.warn("the event was delivered, but its reply could not be written: " .. why)
  end
  return exit.OK
end

return post
