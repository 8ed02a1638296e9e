-- Name look-ups: a name server that never answers must hold up neither the post nor the close.
local helper = require "support.helper"
local name_server = require "support.name_server"

local SCRIPT = [[
local process = require "support.process"
local postevent = require "postevent"
local start = process.now()
local client = postevent.new { url = "https://platform.example/x", timeout = 1, authorization = "Basic hunter2" }
local reply, message, code, detail = client:post { event_name = "e" }
local posted = process.now()
client:close()
print(code, tostring(detail.sent), posted - start <= 1.1, process.now() - posted < 0.1)
io.stderr:write(message, " ", posted - start, " ", process.now() - posted, "\n")
]]

describe("a name server", function()
  helper.guard()

  for _, kind in ipairs { "silent", "unknown" } do
    it(("that is %s makes a post unreachable, in time, and close does not wait for it"):format(kind), function()
      local there, reason = name_server.available()
      if not there then
        return pending(reason)
      end
      local status, output, errors = name_server.run(kind, { code = SCRIPT })
      assert.equal(0, status, errors)
      assert.equal("unreachable\tfalse\ttrue\ttrue\n", output, errors)
      assert.is_nil(errors:find("hunter2", 1, true))
    end)
  end
end)
