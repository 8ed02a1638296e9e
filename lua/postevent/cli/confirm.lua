-- Asks before something is removed for good.

local ascii = require("postevent.ascii")
local core = require("postevent.native")("postevent.core").spool
local exit = require("postevent.cli.exit")
local output = require("postevent.cli.output")

-- confirm(yes, where, what) -> whether it may be done: with `yes` at once, else as who sits at the terminal says. Ends
-- the command where nobody does.
return function(yes, where, what)
  if yes then
    return true
  elseif not core.asks() then
    exit.usage("purge asks, and stdin is no terminal: give --yes")
  end
  io.stderr:write(("%s: remove %s for good? [y/N] "):format(output.printable(where), what))
  local answer = io.stdin:read("*l") or ""
  return ascii.lower(answer) == "y" or ascii.lower(answer) == "yes"
end
