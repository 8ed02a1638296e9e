-- The same loop with postevent: post_loop.lua URL COUNT. Prints the CPU seconds of the calling thread.
local postevent = require "postevent"
local process = require "support.process"

local event = {
  age = 20, customer_id = "9988776655", event_name = "be_reserved", external_event_id = "RAND121",
  hotel_name = "Indiranagar", room_nights = "12", eventDateTime = "2024-04-11 12:00:00",
}
local client = postevent.new { url = arg[1], authorization = "Basic dGVzdF9kaXY2OWZmZmRkYg==" }
local start = process.cpu()
for _ = 1, tonumber(arg[2]) do
  assert(client:post(event))
end
print(("%.6f"):format(process.cpu() - start))
client:close()
