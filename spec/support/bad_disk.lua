-- A script in a child whose disk is bad when the spec, or the script itself, says so: spec/support/bad_disk.c.
local children = require "support.children"
local files = require "support.files"

local bad_disk = {}

local function library()
  local made = files.new_path "bad_disk" .. ".so"
  children.must(os.getenv "CC" or "cc", "-shared", "-fPIC", "-O1", "-o", made, "spec/support/bad_disk.c", "-ldl")
  return made
end

-- run(script, arguments): as children.run_lua. Two more arguments come at the end, for support.bad_disk there: a
-- directory for bad_disk.be and bad_disk.cease, and that of the spool.
function bad_disk.run(script, arguments, options)
  local state, spool = files.new_directory "disk", files.new_path "spool"
  local all = {}
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  all.env = {
    LD_PRELOAD = ((os.getenv "LD_PRELOAD" or "") .. ":" .. library()):gsub("^:", ""),
    BAD_DISK = state, BAD_DISK_SPOOL = spool,
  }
  local line = { state = state, spool = spool }
  line.status, line.output, line.errors = children.run_lua(script, arguments, all)
  return line
end

local function path(what)
  return os.getenv "BAD_DISK" .. "/" .. what
end

-- In the child: from now on the disk is that ("stall", "read-only", "no-locks"); it ceases to be.
function bad_disk.be(what)
  files.write(path(what), "")
end

function bad_disk.cease(what)
  assert(os.remove(path(what)))
end

return bad_disk
