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
  local event = { event_name = "e", n = n, list = { 1, { "x" } } }
  local function tell(reply, code, detail)
    return reply and "delivered" or code .. " " .. tostring(detail.sent)
  end
  local reply, message, code, detail = client:post(event) -- D6: what raises here has sent nothing
  pcall(client.close, client)
  local told, text = pcall(tell, reply, code, detail)
  return told and text or "no_memory maybe"
end
]]

-- What became of events, read while memory is short: each is told once.
local RESULTS = [[
local url = ...
local postevent = require "postevent"
return function(n)
  local client <CLOSE> = postevent.new { mode = "record", id_attribute = "id" }
  local told = { 0, 0, 0, 0, 0 } -- no memory is needed to note one
  for i = 1, 5 do
    pcall(client.track, client, { event_name = "e", n = n })
  end
  local function read()
    for result in client:results() do
      told[result.ticket] = told[result.ticket] + 1
    end
  end
  pcall(read)
  read()
  local count = 0
  for i = 1, 5 do
    assert(told[i] <= 1, "a result was told twice")
    count = count + told[i]
  end
  local stats = client:stats()
  client:close()
  if count + stats.results_lost ~= stats.accepted then
    return ("wrong: %d told, %d lost of %d"):format(count, stats.results_lost, stats.accepted)
  end
  return "delivered"
end
]]

-- What is changed while memory is short is changed, or not.
local CHANGES = [[
local url = ...
local postevent = require "postevent"
return function(n)
  local client <CLOSE> = postevent.new { mode = "record", common = { shop = "old" } }
  local changed = pcall(client.set_common, client, { shop = "new" })
  local encoded, json = pcall(client.encode, client, { event_name = "e" })
  local shop = encoded and json and json:match '"shop":"(%a+)"'
  local off = pcall(client.set_mode, client, "off")
  local tracked, ticket = pcall(client.track, client, { event_name = "e" })
  client:close()
  if shop and shop ~= (changed and "new" or "old") then
    return "wrong: the shop is " .. shop
  elseif tracked and ticket and ticket ~= (off and 0 or 1) then
    return "wrong: ticket " .. ticket
  end
  return "delivered"
end
]]

-- With definitions: an event that breaks every rule, and a good one.
local DEFINED = [=[
local url = ...
local postevent = require "postevent"
local broken = 6 -- and the pattern, unless the memory for matching is not there: then it counts as matched
return function(n)
  local client <CLOSE> = postevent.new {
    url = url, authorization = "Basic dGVzdA==", attempts = 1, id_attribute = "id", log = function() end,
    definitions = { e = {
      who = "customer:mobile", n = "double", nights = { "enum", "1", "2" }, at = "date?", gift = "boolean?",
      id = "string?", code = { type = "string", required = false, regex = "[A-Z]{4}" },
      card = { type = "string", required = false, sensitive = true, regex = "[a-z&&[^b]]" },
    } },
  }
  local reply, message, code, detail = client:post { event_name = "e", who = "99", nights = 3, at = "2024-02-30",
    gift = "yes", code = "x", hotel = "y" }
  if reply or detail.sent or code ~= "no_memory" and (code ~= "invalid_event" or #detail.problems < broken) then
    return "wrong: " .. tostring(message)
  end
  local event = { event_name = "e", n = n, who = "9988776655", nights = "2", at = 0 }
  local function tell(given, why, more)
    return given and "delivered" or why .. " " .. tostring(more.sent)
  end
  reply, message, code, detail = client:post(event)
  pcall(client.close, client)
  local told, text = pcall(tell, reply, code, detail)
  return told and text or "no_memory maybe"
end
]=]

-- Runs the script with every allocation failing in turn, and compares what it was told with what arrived.
local function try_every_allocation(script)
  local host = ("build/%s/support/failing_host"):format(os.getenv "POSTEVENT_LUA" or "lua5.4")
  if not helper.file_exists(host) then
    return pending "no failing_host was built (a sanitizer's allocator cannot be replaced)"
  end
  local sandbox = helper.start_sandbox()
  local file = helper.new_file((script:gsub(" <CLOSE>", "")))
  local status, output, errors = helper.run({ host, file, sandbox.url }, { timeout = 120 })
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
      assert.is_falsy(outcome:find "^raised " and arrived[tonumber(n)], n .. " arrived, and post raised: " .. outcome)
    end
  end
  assert.is_true(count > 100, "only " .. count .. " allocations were tried")
  assert.is_true(delivered >= 3)
end

describe("out of memory", function()
  helper.guard()

  it("at any allocation of new, post and close leaks nothing, crashes nothing and tells the truth", function()
    try_every_allocation(SCRIPT)
  end)

  -- Runs a script that sends nothing and judges for itself.
  local function assert_never_wrong(script)
    local host = ("build/%s/support/failing_host"):format(os.getenv "POSTEVENT_LUA" or "lua5.4")
    if not helper.file_exists(host) then
      return pending "no failing_host was built (a sanitizer's allocator cannot be replaced)"
    end
    local file = helper.new_file((script:gsub(" <CLOSE>", "")))
    local status, output, errors = helper.run({ host, file, "none" }, { timeout = 120 })
    assert.equal(0, status, errors .. output:sub(-300))
    assert.is_falsy(output:find "wrong", output)
    assert.truthy(select(2, output:gsub("delivered", "")) >= 3)
  end

  it("D6: loses no result that was taken, uncounted", function()
    assert_never_wrong(RESULTS)
  end)

  it("leaves the common attributes and the mode as they were, or as they were to be", function()
    assert_never_wrong(CHANGES)
  end)

  it("does none of that with definitions either", function()
    try_every_allocation(DEFINED)
  end)
end)
