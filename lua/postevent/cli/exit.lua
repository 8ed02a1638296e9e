-- How the command ends: its exit statuses, and the way to end it early from anywhere, by raising. main.lua catches.

local exit = {
  OK = 0,
  FAILED = 1, -- the event was refused, the sandbox could not start, ...
  USAGE = 2, -- the command was called wrongly; nothing was sent
  TRY_AGAIN = 75, -- EX_TEMPFAIL of sysexits.h: the same command may work later
}

local Exit = {}

-- Ends the command with `status`, after `message` on stderr.
function exit.with(status, message)
  error(setmetatable({ status = status, message = message }, Exit), 0)
end

-- Ends the command for wrong usage. `message` names the option and never quotes a value: it may be a credential.
function exit.usage(message)
  exit.with(exit.USAGE, message)
end

-- Whether an error that was caught is one of ours.
function exit.is_exit(value)
  return getmetatable(value) == Exit
end

return exit
