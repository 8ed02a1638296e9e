-- Out of memory at every allocation of new, post and close, in turn: nothing leaks, nothing crashes, and no event that
-- was told to be unsent arrives.
local helper = require "support.helper"

local SCRIPT = [[
local url = ...
local postevent = require "postevent"
return function(n)
  local client <CLOSE> = postevent.new {
    url = url, authorization = "Basic dGVzdA==", attempts = 1, headers = { ["X-N"] = "1" }, common = { store = "s" },
    id_attribute = "id", before_send = function(event) return event end,
  }
  local reply, message, code, detail = client:post { event_name = "e", n = n, list = { 1, { "x" } } }
  client:close()
  if reply then
    return "delivered"
  end
  return code .. " " .. tostring(detail.sent)
end
]]

describe("out of memory", function()
  helper.guard()

  it("at any allocation of new, post and close leaks nothing, crashes nothing and tells the truth", function()
    local host = ("build/%s/support/failing_host"):format(os.getenv "POSTEVENT_LUA" or "lua5.4")
    if not helper.file_exists(host) then
      return pending "no failing_host was built (a sanitizer's allocator cannot be replaced)"
    end
    local sandbox = helper.start_sandbox()
    local script = helper.new_file((SCRIPT:gsub(" <CLOSE>", "")))
    local status, output, errors = helper.run({ host, script, sandbox.url }, { timeout = 120 })
    assert.equal(0, status, errors .. output:sub(-300))

    local arrived, count, delivered = {}, 0, 0
    for _, record in ipairs(sandbox:events()) do
      arrived[record.event.n] = true
    end
    for n, outcome in output:gmatch "(%d+) ([^\n]*)\n" do
      count = count + 1
      if outcome == "delivered" then
        delivered = delivered + 1
        assert.is_true(arrived[tonumber(n)], n .. " was told to be delivered and is not there")
      elseif outcome:find " false$" then
        assert.is_nil(arrived[tonumber(n)], n .. " was told to be unsent and is there: " .. outcome)
      else
        assert.is_truthy(outcome:find "^raised " or outcome:find " maybe$" or outcome:find " true$", outcome)
      end
    end
    assert.is_true(count > 100, "only " .. count .. " allocations were tried")
    assert.is_true(delivered >= 3)
  end)
end)
