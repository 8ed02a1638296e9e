-- Events are checked against their definition before they leave: a wrong one and everything that is wrong with it, then
-- the right one, posted. With the platform's own definitions, downloaded, it would be `definitions = "events.json"`.
local postevent = require("postevent")

local client = postevent.new {
  url = os.getenv("POSTEVENT_URL"), -- the address of your webhook
  authorization = os.getenv("POSTEVENT_AUTHORIZATION"), -- the Authorization header's value, if it asks for one
  definitions = {
    be_reserved = {
      customer_id = "customer:mobile",
      external_event_id = "string",
      hotel_name = "string",
      room_nights = { "enum", "1", "2", "3", "7", "14" },
      age = "double?", -- ?: it may be left out
    },
  },
}

local function post(event)
  local reply, message, code, detail = client:post(event)
  if reply then
    print(("posted %s: %d, %s"):format(reply.event_id, reply.status.code, reply.status.message))
  elseif code == "invalid_event" then
    print("not sent:")
    for _, problem in ipairs(detail.problems) do
      print("  " .. problem.message)
    end
  else
    io.stderr:write(("not posted: %s (%s)\n"):format(message, code))
    os.exit(1)
  end
end

post {
  event_name = "be_reserved",
  customer_id = 9988776655, -- a number, and text is asked for
  hotelname = "Indiranagar", -- misspelt
  room_nights = "12", -- not one of them
  age = "20", -- text, and a number is asked for
}

post {
  event_name = "be_reserved",
  customer_id = "9988776655",
  hotel_name = "Indiranagar",
  room_nights = "14",
  age = 20,
} -- the definition has an external_event_id, so the client makes one

client:close()
