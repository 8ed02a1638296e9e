-- The three streams that every program begins with. Who starts the command may have closed one (>&-). Then the next
-- file or connection would get its number, and what is meant for a person would go there: into a request, a database.

local streams = {}

local BAD_DESCRIPTOR = 9 -- EBADF, on all systems that have it
local NOWHERE = "/dev/null"

local held = {} -- for as long as the process lives

local function is_closed(stream)
  local _, _, number = stream:seek("cur") -- fails with another number for a terminal or a pipe
  return number == BAD_DESCRIPTOR
end

-- Takes the numbers of those that are closed, in order, since a file gets the lowest that is free: opened for the
-- opposite of what they are for, they fail as before.
function streams.hold()
  for _, stream in ipairs { { io.stdin, "a" }, { io.stdout, "r" }, { io.stderr, "r" } } do
    if is_closed(stream[1]) then
      held[#held + 1] = io.open(NOWHERE, stream[2])
    end
  end
end

return streams
