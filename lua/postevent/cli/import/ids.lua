-- The id of an event that has none: the same in every run, so that the platform can tell a repeat. A UUID of version 8
-- (RFC 9562, 5.8) of the record's number, the event's name and the record's bytes: two lines that look alike are two
-- events, and one file may be imported as events of two kinds.

local uuid8 = require("postevent.native")("postevent.core").command.uuid8

return function(number, name, raw)
  return uuid8(("%d"):format(number), "\0", name, "\0", raw)
end
