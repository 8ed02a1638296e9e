-- The platform's documented event and reply.
local documents = {}

documents.event = {
  age = 20,
  customer_id = "9988776655",
  event_name = "be_reserved",
  external_event_id = "RAND121",
  hotel_name = "Indiranagar",
  room_nights = "12",
  eventDateTime = "2024-04-11 12:00:00",
}

documents.request_id = "defc955f-ebca-4f14-b8d7-e2b885b3f370"
documents.reply = '{"status":{"code":1100,"message":"Event is pushed to transformation state"},"requestId":"'
  .. documents.request_id .. '"}'
documents.authorization = "Basic dGVzdF9kaXY2OWZmZmRkYg=="
documents.path = "/eucrm/webhooks/d61233f75191444e73a577bbbd4c26eb"

-- A new table each time: a test may change it.
function documents.new_event()
  local event = {}
  for name, value in pairs(documents.event) do
    event[name] = value
  end
  return event
end

return documents
