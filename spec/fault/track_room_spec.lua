-- D6: what the largest replies cost a process that reads no results: as the system counts it.
if not require("support.where").is("lua5.4", "luajit") or (os.getenv "TEST_WRAPPER" or "") ~= "" then
  return
end

local cjson = require "cjson"
local helper = require "support.helper"
local rude = require "support.rude"

local MOST = 8 * 1024 * 1024

local SCRIPT = [[
local process = require "support.process"
local tracking = require "support.tracking"
local client = require("postevent").new { url = arg[1], user = "someone", password = "wonderful" }
collectgarbage()
collectgarbage()
local before = process.rss()
for i = 1, 1024 do
  assert(client:track { event_name = "e", external_event_id = tostring(i) })
end
assert(client:flush(60))
local stats = tracking.assert_balanced(client:stats())
print(("%d %d %d"):format(process.rss() - before, stats.results_lost, stats.delivered + stats.rejected))
client:close()
]]

local function many_keys()
  local keys = {}
  for i = 1, 3700 do
    keys["key" .. i] = i
  end
  return cjson.encode { status = { code = 7308, message = "no" }, requestId = "a", more = keys }
end

local function documented(code, message, id)
  return cjson.encode { status = { code = code, message = message }, requestId = id }
end

local SHAPES = {
  ["a long message"] = documented(7308, ("x"):rep(60000), "a"),
  ["a long message of what was delivered"] = documented(1100, ("x"):rep(60000), "a"),
  ["a long id"] = documented(7308, "no", ("x"):rep(60000)),
  ["a message that is just kept"] = documented(7308, ("x"):rep(4300), "a"):sub(1, -2) .. ',"more":"'
    .. ("y"):rep(55000) .. '"}',
  ["escapes"] = '{"status":{"code":7308,"message":"' .. ("\\n"):rep(29000) .. '"}}',
  ["many keys"] = many_keys(),
  ["deep arrays"] = '{"status":{"code":7308,"message":"no"},"more":' .. ("["):rep(29) .. ("1,"):rep(29000) .. "1"
    .. ("]"):rep(29) .. "}",
}

describe("D6: 1,024 results of the largest replies", function()
  helper.guard()

  for name, body in pairs(SHAPES) do
    it("take no more than 8 MB of the process: " .. name, function()
      local server = rude.start("script", { script = "return { status = 200, body = [==[" .. body .. "]==] }" })
      local status, output, errors = helper.run_lua({ code = SCRIPT }, { server.url }, { timeout = 60 })
      assert.equal(0, status, errors)
      local growth, lost, ended = output:match "^(%-?%d+) (%d+) (%d+)"
      assert.equal("1024", ended)
      assert.is_true(tonumber(growth) <= MOST, growth .. " bytes, " .. lost .. " lost")
    end)
  end
end)
