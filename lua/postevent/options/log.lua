-- The option `log`, as the core and postevent.new know it: a function; or nil where nothing is told while the program
-- runs. Who has a spool and sets no log is told once where it cannot be used: what was to outlive the program does not.

local core = require("postevent.native")("postevent.core")
local printable = require("postevent.printable")

local WORDS = { warn = "warning" }

-- log = "stderr": what a function would be told, a line each.
local function write(level, message)
  core.notice(("postevent: %s: %s"):format(WORDS[level] or level, printable.line(message)))
end

-- The line for who has no log; the core calls it once.
local function first_trouble(path)
  return function(level, message)
    write(level, ("%s (spool.path: %s). log = false keeps this line away"):format(message, path))
  end
end

-- Returns the function, and whether the first trouble of the spool at that path (nil: there is none) is all that it is
-- called for.
return function(value, path)
  if value == nil and path then
    return first_trouble(path), true
  elseif value == "stderr" then
    return write, false
  end
  return value or nil, false
end
