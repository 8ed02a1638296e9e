-- busted's helper script (see .busted): loaded before the first spec, so that its modules, and the run's temporary
-- directory with them, outlive the insulation of each file.
local busted = require "busted"
local cleanup = require "support.cleanup"
local files = require "support.files"

require "support.helper"

busted.subscribe({ "suite", "end" }, function()
  pcall(cleanup.stop_all)
  files.remove_all()
  return nil, true
end)
