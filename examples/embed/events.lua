-- What the host runs: tracks a few events, closes the client, and says what became of them.
local postevent = require("postevent")

local client = postevent.new {
  url = os.getenv("POSTEVENT_URL"), -- the address of your webhook
  authorization = os.getenv("POSTEVENT_AUTHORIZATION"), -- the Authorization header's value, if it asks for one
}

for step = 1, 5 do
  assert(client:track { event_name = "step_done", customer_id = "machine-1", step = step })
end

local done, message = client:close(5) -- waits for what is on its way, five seconds at most
for result in client:results() do
  print(("ticket %d: %s, %s"):format(result.ticket, result.outcome, result.reply and result.reply.status.message
    or result.message))
end
if not done then
  error(message, 0)
end
print("postevent " .. postevent.version .. " in the host: all delivered")
