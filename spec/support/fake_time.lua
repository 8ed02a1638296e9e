-- A script in a child whose wall clock is its own (libfaketime); the monotonic clock is the real one.
local children = require "support.children"
local files = require "support.files"

local fake_time = {}

-- Where the `faketime` command has its library: it preloads it into what it runs.
local function library()
  local output = children.must("faketime", "-m", "-f", "+0", "sh", "-c", 'echo "$LD_PRELOAD"')
  return output:match "[^%s:]*libfaketime[^%s:]*"
end

-- true; or nil and why not, for a spec's `pending`.
function fake_time.available()
  if (os.getenv "LD_PRELOAD" or ""):find("san", 1, true) then
    return nil, "libfaketime and a sanitizer wait for each other"
  end
  return true
end

-- run(script, arguments, options): as children.run_lua. The script's last argument is a file: what is written there
-- ("+3600", "-3600", in seconds) is the wall clock's offset from then on, and with options.monotonic also that of the
-- other.
function fake_time.run(script, arguments, options)
  local file = files.write(files.new_path "offset", "+0\n")
  options = options or {}
  options.env = {
    LD_PRELOAD = library(), FAKETIME_TIMESTAMP_FILE = file,
    FAKETIME_NO_CACHE = "1", FAKETIME_DONT_FAKE_MONOTONIC = options.monotonic and "0" or "1", FAKETIME = false,
  }
  arguments[#arguments + 1] = file
  return children.run_lua(script, arguments, options)
end

return fake_time
