-- A part of somebody's program: it tells the platform of reservations. It is handed its client, so that a test can hand
-- it one whose url is the sandbox's.

local reservations = {}

local Reservations = {}
Reservations.__index = Reservations

function reservations.new(client)
  return setmetatable({ _client = client }, Reservations)
end

-- Tells of a room that was reserved, and returns at once.
function Reservations:reserved(guest, nights)
  return self._client:track {
    event_name = "be_reserved", customer_id = guest.mobile, age = guest.age, hotel_name = guest.hotel,
    room_nights = tostring(nights),
  }
end

-- The same, for a guest who waits for the answer: "booked", "not booked", or "ask" where nobody knows.
function Reservations:reserved_now(guest, nights)
  local reply, _, _, detail = self._client:post {
    event_name = "be_reserved", customer_id = guest.mobile, age = guest.age, hotel_name = guest.hotel,
    room_nights = tostring(nights),
  }
  if reply then return "booked" end
  return detail.sent == "maybe" and "ask" or "not booked"
end

return reservations
