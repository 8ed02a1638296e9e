-- A screen that is not there (Xvfb), for LÖVE.
local children = require "support.children"
local files = require "support.files"
local waiting = require "support.waiting"

local screen = {}

-- The environment for programs that draw on it; it goes with the test. Their home is no one's.
function screen.environment()
  local server = children.spawn { "Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp" }
  local display = waiting.wait_until(function()
    return server:output():match "^(%d+)\n"
  end, 10, "Xvfb's display")
  return {
    DISPLAY = ":" .. display, SDL_VIDEODRIVER = "x11", LIBGL_ALWAYS_SOFTWARE = "1", HOME = files.new_directory(),
    XDG_DATA_HOME = false, POSTEVENT_AUTHORIZATION = false,
  }
end

return screen
