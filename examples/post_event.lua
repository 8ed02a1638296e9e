-- Posts one event and prints the reply. `make demo` runs it against a sandbox on your own machine; with your own
-- webhook: POSTEVENT_URL=https://... POSTEVENT_AUTHORIZATION="Basic ..." lua examples/post_event.lua
local postevent = require("postevent")

local client = postevent.new {
  url = os.getenv("POSTEVENT_URL"), -- the address of your webhook
  authorization = os.getenv("POSTEVENT_AUTHORIZATION"), -- the Authorization header's value, if it asks for one
}

-- A guest has reserved a room. Which attributes an event has is up to its definition on the platform.
local event = {
  event_name = "be_reserved",
  customer_id = "9988776655",
  external_event_id = "RAND121", -- your own id of this event: by it the platform can tell a repeat
  hotel_name = "Indiranagar",
  room_nights = "12",
  age = 20,
  eventDateTime = "2024-04-11 12:00:00", -- UTC; leave it out, and the client writes the time of the call
}

-- Prints a table as Lua would write it.
local function show(name, value, indent)
  if type(value) ~= "table" then
    local text = type(value) == "string" and ("%q"):format(value) or tostring(value)
    print(("%s%s = %s,"):format(indent, name, text))
    return
  end
  local names = {}
  for inner in pairs(value) do
    names[#names + 1] = inner
  end
  table.sort(names)
  print(("%s%s = {"):format(indent, name))
  for _, inner in ipairs(names) do
    show(inner, value[inner], indent .. "  ")
  end
  print(indent .. "}" .. (indent == "" and "" or ","))
end

show("event", event, "")

local reply, message, code = client:post(event)
client:close()

if not reply then -- the code is for programs, the message for people
  io.stderr:write(("not posted: %s (%s)\n"):format(message, code))
  os.exit(1)
end

show("reply", reply, "")

if reply.status.code ~= 1100 then -- 1100: queued on the platform
  os.exit(1)
end
