-- An event as the command shows it, wherever it is kept: whole, with what is sensitive masked, or as a line of many.
-- What `spool show` and `relay dead show` have in common.
--
-- An event: { id =, name =, body =, accepted_at =, and of a dead one ended_at =, outcome =, code =, message =,
-- http_status =, reply = }; what is not known is nil.

local age = require("postevent.cli.age")
local body = require("postevent.cli.spool.body")
local output = require("postevent.cli.output")

local view = {}

view.MOST_LINES = 100
local NAME_WIDTH = 24
local LEAST_HIDDEN = 4 -- what is shorter is in every text
local MASK = "***"

function view.define(command)
  command:option("--definitions", "Mask the values of attributes that are sensitive (isPsiData) in FILE (-: stdin)."
    ):argname("FILE"):overwrite(false)
  command:flag("--show-sensitive", "Mask nothing.")
end

-- Which attributes are to be masked, as a set; and where that is not known, why not.
local function find_sensitive(args, definitions, event)
  if args.show_sensitive then
    return {}
  elseif not definitions then
    return {}, "without --definitions nothing is known to be sensitive, and nothing is masked"
  end
  local names = body.sensitive(definitions, event.name)
  return names or {}, not names and "the definitions do not have this event: nothing is masked" or nil
end

-- What the text of a masked value may look like elsewhere: in a reply, a message, the id.
local function add_secrets(secrets, value)
  local plain = value:match('^"(.*)"$') or value
  if #plain >= LEAST_HIDDEN then
    secrets[#secrets + 1] = (plain:gsub("%W", "%%%0"))
  end
end

-- The attributes as lines, and what in them was masked.
local function attribute_lines(event, masked)
  local rows, secrets = {}, {}
  local attributes = body.split(event.body)
  if not attributes then
    return { "  (no JSON: it is damaged)" }, secrets
  end
  for _, attribute in ipairs(attributes) do
    local name, value = attribute[1], attribute[2]
    if masked[name] then
      add_secrets(secrets, value)
      value = MASK
    end
    rows[#rows + 1] = { "  " .. output.printable(name), output.printable_json(value) }
  end
  return output.columns(rows), secrets
end

local function describe(event, dead, place)
  local rows = {
    { "id", event.id or "none" }, { "event", event.name or "none" },
    { "state", dead and "dead: " .. event.outcome or "pending" }, { "accepted", age.moment(event.accepted_at) },
  }
  if dead then
    rows[#rows + 1] = { "ended", age.moment(event.ended_at) }
    rows[#rows + 1] = { "code", event.code or "none" }
    rows[#rows + 1] = event.message and { "reason", event.message }
    rows[#rows + 1] = event.http_status and { "HTTP", tostring(event.http_status) }
    rows[#rows + 1] = event.reply and { "reply", event.reply }
  end
  rows[#rows + 1] = place
  return rows
end

-- Writes an event. `args`: what view.define has defined; `place`: where it is, { "file", "x.spool, row 7" }.
function view.say(args, definitions, event, dead, place)
  local masked, note = find_sensitive(args, definitions, event)
  local lines, secrets = attribute_lines(event, masked)
  local rows = describe(event, dead, place)
  for _, row in ipairs(rows) do
    for _, secret in ipairs(secrets) do
      row[2] = row[2]:gsub(secret, MASK)
    end
    row[2] = output.printable(row[2])
  end
  for _, line in ipairs(output.columns(rows)) do
    output.say(line)
  end
  output.say("")
  for _, line in ipairs(lines) do
    output.say(line)
  end
  if note then
    output.warn(note)
  end
end

-- A row for view.say_rows. `reference`: what an event without an id is called.
function view.row(event, dead, reference)
  return {
    output.cut(output.printable(event.name or "(no name)"), NAME_WIDTH),
    dead and output.printable(event.code or event.outcome) or "pending", age.of(event.accepted_at),
    output.printable(event.id or reference),
  }
end

-- Writes rows below each other. `more`: what to say where there are others; nil: these are all.
function view.say_rows(rows, more)
  table.insert(rows, 1, { "EVENT", "STATE", "AGE", "ID" })
  for _, line in ipairs(output.columns(rows)) do
    output.say(line)
  end
  if more then
    output.say(more)
  end
end

return view
