-- Files of a run: one temporary directory, made when first asked for and removed at the end.
local process = require "support.process"

local files = {}
local directory
local count = 0

function files.read(path)
  local file = assert(io.open(path, "rb"))
  local data = file:read "*a"
  file:close()
  return data
end

-- The text of a file that a child may not have made yet.
function files.read_if_there(path)
  local file = io.open(path, "rb")
  local data = file and file:read "*a" or ""
  if file then
    file:close()
  end
  return data
end

function files.write(path, data)
  local file = assert(io.open(path, "wb"))
  assert(file:write(data))
  assert(file:close())
  return path
end

function files.exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

function files.directory()
  if not directory then
    directory = assert(process.temporary_directory((os.getenv "TMPDIR" or "/tmp") .. "/postevent-test-"))
  end
  return directory
end

-- A path of its own in the directory of the run; nothing is there yet.
function files.new_path(suffix)
  count = count + 1
  return ("%s/%d-%s"):format(files.directory(), count, suffix or "file")
end

function files.new_directory(suffix)
  local path = files.new_path(suffix or "directory")
  assert(process.make_directory(path))
  return path
end

function files.remove_all()
  if directory then
    local pid = assert(process.spawn { "rm", "-rf", "--", directory })
    process.wait(pid)
    directory = nil
  end
end

return files
