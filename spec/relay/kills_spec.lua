-- kill -9 of producers, deliverers and Redis, in random order: what was relayed is delivered, and the accounts of the
-- fleet are right to the event. FLEET_KILLS=100 for more (make soak-fleet), SEED=7 for the same order again.
local children = require "support.children"
local files = require "support.files"
local fleet = require "support.fleet"
local helper = require "support.helper"
local postevent = require "postevent"
local process = require "support.process"

local KILLS = tonumber(os.getenv "FLEET_KILLS") or 15
local SEED = tonumber(os.getenv "SEED") or os.time()

-- A generator of its own, the same in every Lua.
local state = SEED % 2147483647
local function random(most)
  state = (state * 48271 + 11) % 2147483647
  return state % most + 1
end

local producers = {}

local function new_producer(self)
  local number = #producers + 1
  local path = files.new_path "relayed"
  producers[number] = path
  return children.spawn { children.lua(), "spec/support/fleet_producer.lua", self.redis.url,
    tostring(number * 1000000), path, stop_signal = "SIGKILL" }
end

-- All ids of which a producer was told that they are relayed.
local function relayed_ids()
  local ids, count = {}, 0
  for _, path in ipairs(producers) do
    for id in files.read_if_there(path):gmatch "(e%d+)\n" do
      ids[id], count = true, count + 1
    end
  end
  return ids, count
end

local function kill(child)
  child:kill "SIGKILL"
  child:wait()
end

local function is_done(self)
  local stream = self.redis:try("XLEN", "postevent")
  return stream == 0, tostring(stream) .. " are left"
end

-- Kills one of them, and puts another in its place. Returns what it was.
local function strike(self, making, delivering)
  local choice = random(5)
  if choice == 1 then
    self.redis:kill()
    self.redis:restart()
    return "Redis"
  elseif choice <= 3 then
    local which = random(#making)
    kill(making[which])
    making[which] = new_producer(self)
    return "a producer"
  end
  local which = random(#delivering)
  kill(delivering[which])
  delivering[which] = self:deliverer()
  return "a deliverer"
end

describe("a fleet whose members are killed (seed " .. SEED .. ")", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("loses nothing that was relayed, and accounts for every entry", function()
    local self = fleet.start { aof = true }
    producers = {}
    local making, delivering = { new_producer(self), new_producer(self) }, { self:deliverer(), self:deliverer() }
    for _ = 1, KILLS do
      local before = self:counts().ended
      local deadline = process.now() + 3
      helper.wait_until(function() -- some progress; or what was killed last is waited for yet
        return self:counts().ended >= before + 50 or process.now() > deadline
      end, 5)
      strike(self, making, delivering)
    end
    for _, child in ipairs(making) do
      kill(child)
    end
    helper.wait_until(function()
      return is_done(self)
    end, 60, "the stream to be empty")
    local ids, count = relayed_ids()
    assert.is_true(count > KILLS * 20, "only " .. count .. " were relayed")
    local received = self:received()
    for id in pairs(ids) do
      assert.truthy(received[id], id .. " was relayed, and never received")
    end
    self:assert_balanced()
    self:assert_one_body()
    assert.is_true(self:counts().delivered >= count)
    assert.equal(0, self:counts().rejected)
    for _, child in ipairs(delivering) do
      child:kill "SIGTERM"
      assert.same({ "exited", 0 }, { child:wait(20) })
    end
  end)
end)
