-- What the command reads: files, and stdin under the name "-".

local exit = require("postevent.cli.exit")

local input = {}

local MAX_BYTES = 1024 * 1024 -- far more than an event may have, and less than a wrong file name can cost

local function read_all(path)
  if path == "-" then
    return io.stdin:read(MAX_BYTES + 1)
  end
  local file, message = io.open(path, "rb")
  if not file then
    return nil, message
  end
  local text
  text, message = file:read(MAX_BYTES + 1)
  file:close()
  return text, message
end

-- The whole text of the file that `option` names. Ends the command when it cannot be read. The message names the file,
-- but not with `secret`: whoever mistakes the option gives a credential in its place.
function input.read(option, path, secret)
  local text, message = read_all(path)
  if message then
    if message:sub(1, #path + 2) == path .. ": " then
      message = message:sub(#path + 3)
    end
    local name = secret and "the file" or path == "-" and "stdin" or path
    exit.usage(("%s: cannot read %s: %s"):format(option, name, message))
  end
  text = text or "" -- at the end of a file, Lua reads nil
  if #text > MAX_BYTES then
    exit.usage(("%s: longer than %d bytes"):format(option, MAX_BYTES))
  end
  return text
end

return input
