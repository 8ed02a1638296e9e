-- How the command ends: its exit statuses, and the way to end it early from anywhere, by raising. main.lua catches.

local exit = {
  OK = 0,
  FAILED = 1, -- the event was refused, the sandbox could not start, ...
  USAGE = 2, -- the command was called wrongly; nothing was sent
  TRY_AGAIN = 75, -- EX_TEMPFAIL of sysexits.h: the same command may work later
}

-- After these the same command may work later: nothing has arrived, or it may have. A stranger's page (bad_reply) is
-- most often a portal's that waits for a sign-in.
local PASSING = { unreachable = true, timeout = true, interrupted = true, rate_limited = true, unavailable = true,
  bad_reply = true, no_memory = true }

-- The exit status for what failed with that code (docs/reference/codes.md).
function exit.of(code)
  return PASSING[code] and exit.TRY_AGAIN or exit.FAILED
end

local Exit = {}

-- Ends the command with `status`, after `message` on stderr; nil: there is nothing to say.
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

-- Calls action(...), in which the command may end. Returns true and its results; or false and the message with which
-- it would have ended.
function exit.try(action, ...)
  local function finish(ok, result, ...)
    if ok then
      return true, result, ...
    end
    return false, exit.is_exit(result) and (result.message or "") or error(result, 0)
  end
  return finish(pcall(action, ...))
end

return exit
