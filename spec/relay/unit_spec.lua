-- The unit of systemd for postevent relay: systemd reads it, it is hardened, and what it starts is what there is.
local fleet = require "support.fleet"
local helper = require "support.helper"
local postevent = require "postevent"

local UNIT = "contrib/systemd/postevent-relay@.service"

local function has_analyze()
  return (helper.run { "sh", "-c", "command -v systemd-analyze" }) == 0
end

-- The unit, with the command where it is in this tree: systemd looks whether it is there.
local function copy()
  local directory = helper.new_directory "unit"
  local here = select(2, helper.run { "pwd" }):match "[^\n]+"
  local text = helper.read_file(UNIT):gsub("/usr/local/bin/", function()
    return here .. "/bin/"
  end)
  helper.write_file(directory .. "/postevent-relay@.service", text)
  return directory
end

-- The words of ExecStart, as systemd would make them.
local function words(instance, options)
  local line = helper.read_file(UNIT):match "\nExecStart=%S+ ([^\n]+)"
  line = line:gsub("%%H", "host"):gsub("%%i", instance):gsub("%$RELAY_OPTIONS", options)
  local list = {}
  for word in line:gmatch "%S+" do
    list[#list + 1] = word
  end
  return list
end

describe("the unit of a deliverer", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("is one that systemd reads, and calls well protected", function()
    if not has_analyze() then
      return pending "no systemd-analyze"
    end
    local directory = copy()
    local status, output, errors = helper.run { "systemd-analyze", "verify", "--man=no",
      directory .. "/postevent-relay@1.service" }
    assert.equal("", output .. errors)
    assert.equal(0, status)
    status, output = helper.run { "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20",
      directory .. "/postevent-relay@.service" } -- of 100
    assert.equal(0, status, output)
  end)

  it("starts a deliverer that says when it is ready and when it ends, and gives back what it has", function()
    local self = fleet.start()
    self.platform:fault { delay = 0.2 }
    local client = self:producer()
    fleet.track(client, 1, 60)
    assert.is_true(client:flush(5))
    local path = helper.new_path "notify"
    local server = assert(require "socket.unix".dgram())
    assert(server:bind(path))
    server:settimeout(5)
    local argv = { helper.lua(), "bin/postevent", env = { NOTIFY_SOCKET = path, POSTEVENT_REDIS = self.redis.url,
      POSTEVENT_URL = self.platform.url, POSTEVENT_AUTHORIZATION = "Basic dGVzdDp0ZXN0" } }
    for _, word in ipairs(words("2", "--max-in-flight 2 --metrics 127.0.0.1:0")) do
      argv[#argv + 1] = word
    end
    local child = helper.spawn(argv)
    assert.equal("READY=1", (server:receive()))
    self:wait_for_ends(2)
    child:kill "SIGTERM"
    assert.equal("STOPPING=1", (server:receive()))
    server:close()
    local how, status = child:wait(20)
    assert.equal("exited", how)
    assert.equal(0, status, child:errors())
    assert.truthy(child:errors():find('"delivers the stream postevent as host-2 of the group postevent"', 1, true))
    local left = self.redis:call("XLEN", "postevent")
    assert.is_true(left > 0)
    assert.equal(60, self:counts().delivered + left)
  end)
end)
