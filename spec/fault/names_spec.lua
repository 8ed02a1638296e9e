-- Name look-ups: a name server that never answers must hold up neither the post nor the close.
local fake_time = require "support.fake_time"
local helper = require "support.helper"
local name_server = require "support.name_server"
local rude = require "support.rude"

local SCRIPT = [[
local process = require "support.process"
local postevent = require "postevent"
local start = process.now()
local client = postevent.new { url = "https://platform.example/x", timeout = 1, authorization = "Basic hunter2" }
local reply, message, code, detail = client:post { event_name = "e" }
local posted = process.now()
client:close()
print(code, tostring(detail.sent), posted - start < 2, process.now() - posted < 1)
io.stderr:write(message, " ", posted - start, " ", process.now() - posted, "\n")
]]

local CLOSING = [[
local process = require "support.process"
local waiting = require "support.waiting"
local postevent = require "postevent"
local client = postevent.new { url = "https://platform.example/x" }
assert(client:track { event_name = "e" })
waiting.wait_until(function() return client:stats().in_flight == 1 end)
local start = process.now()
client:close(0.2)
print(process.now() - start)
]]

-- Nobody listens at the first address.
local MOVING = [[
local files = require "support.files"
local postevent = require "postevent"
local rude = require "support.rude"
local waiting = require "support.waiting"
files.write("/etc/hosts", "127.0.0.2 platform.example\n")
local server = rude.start "answer"
local url = ("http://platform.example:%d/x"):format(server.port)
local client = postevent.new { url = url, attempts = 1 }
local tracking = postevent.new { url = url, retry = { initial = 0.05, max = 0.1 } }
assert(select(3, client:post { event_name = "e" }) == "unreachable")
assert(tracking:track { event_name = "e" })
waiting.wait_until(function() return tracking:stats().last_error end)
files.write("/etc/hosts", "127.0.0.1 platform.example\n")
waiting.wait_until(function() return client:post { event_name = "e" } end, 10)
assert(tracking:flush(10))
client:close()
tracking:close()
server:stop()
]]

describe("a name that moves", function()
  helper.guard()

  it("B2: is looked up again after a connect that failed", function()
    local there, reason = name_server.available()
    if not there then
      return pending(reason)
    end
    local status, output, errors = name_server.run("unknown", { code = MOVING })
    assert.equal(0, status, output .. errors)
  end)

  it("B2: is looked up again after a minute: no connection is older, though it is busy", function()
    local there, reason = fake_time.available()
    if not there then
      return pending(reason)
    end
    local server = rude.start "answer"
    local status, output, errors = fake_time.run({ code = [[
      local client = require("postevent").new { url = arg[1], attempts = 1 }
      for _, seconds in ipairs { 0, 20, 40, 55, 65, 80 } do
        local file = assert(io.open(arg[2], "w"))
        file:write(("+%d\n"):format(seconds))
        file:close()
        assert(client:post { event_name = "e" })
      end
      client:close()
    ]] }, { server.url }, { monotonic = true })
    assert.equal(0, status, output .. errors)
    assert.equal(2, server:connections())
  end)
end)

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

  it("D4: that is silent does not hold up a close, whichever libcurl the core was built with", function()
    local there, reason = name_server.available()
    if not there then
      return pending(reason)
    end
    local status, output, errors = name_server.run("silent", { code = CLOSING })
    assert.equal(0, status, errors)
    assert.is_true(tonumber(output) < 0.7, output)
  end)
end)
