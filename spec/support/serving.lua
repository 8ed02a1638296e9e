-- The sandbox's HTTP server with a handler of the spec's own, in a process of its own.
local children = require "support.children"
local files = require "support.files"
local waiting = require "support.waiting"

local serving = {}

local SCRIPT = [[
  local handler = (function() %s end)()
  assert(require("postevent.sandbox.httpd").serve("127.0.0.1", 0, handler, function(port)
    local file = assert(io.open(arg[1] .. ".tmp", "w"))
    file:write(port)
    file:close()
    return os.rename(arg[1] .. ".tmp", arg[1])
  end, %s))
]]

--- Starts `serve` with the handler that `code` returns; `before`: words of a command that runs the rest; `arriving`:
-- Lua text of that function. Returns the child, and the address.
function serving.start(code, before, arriving)
  local port_file = files.new_path "port"
  local command = before or {}
  command.env = before and { LD_PRELOAD = os.getenv "LD_PRELOAD" } -- a sanitizer is the server's business
  local script = files.write(files.new_path "serve.lua", SCRIPT:format(code, arriving or "nil"))
  for _, word in ipairs { children.lua(), script, port_file } do
    command[#command + 1] = word
  end
  local child = children.spawn(command)
  waiting.wait_until(function()
    return files.exists(port_file) or not child:running()
  end)
  return child, "http://127.0.0.1:" .. files.read(port_file)
end

return serving
