-- The option `log`, as the core and postevent.new know it: a function; or nil where nothing is told while the program
-- runs.

local core = require("postevent.native")("postevent.core")
local printable = require("postevent.printable")

local WORDS = { warn = "warning" }

-- log = "stderr": what a function would be told, a line each.
local function write(level, message)
  core.notice(("postevent: %s: %s"):format(WORDS[level] or level, printable.line(message)))
end

return function(value)
  if value == "stderr" then
    return write
  end
  return value or nil
end
