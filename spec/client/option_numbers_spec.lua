-- D8: every option that is a number, with the numbers that are none, and with those at the ends of its range.
local helper = require "support.helper"
local postevent = require "postevent"
local properties = require "postevent.options.properties"
local where = require "support.where"

local URL = "https://api.example.com/eucrm/webhooks/1"
local SPOOL = where.spools() and { path = "x" } or nil

-- The options with `value` in the place of `property`, and what it needs beside it.
local function options_with(property, value)
  local options = { url = URL, queue = {}, retry = {}, rate_limit = { per_second = 1 }, spool = SPOOL }
  local group, field = property.name:match "^([%w_]+)%.(.*)$"
  if group == "relay" then
    options = { relay = { url = "redis://127.0.0.1" } }
  end
  if property.name == "queue.max_bytes" then
    options.max_event_bytes = 2
  elseif property.name == "max_event_bytes" then
    options.queue.max_bytes = 2 ^ 40
  elseif property.name == "retry.initial" then
    options.retry.max = 3600
  elseif property.name == "retry.max" then
    options.retry.initial = 5e-324
  elseif property.name == "queue.wait" then
    options.queue.overflow = "wait"
  end
  (group and options[group] or options)[field or property.name] = value
  return options
end

local function assert_refused(property, value)
  local ok, message = pcall(postevent.new, options_with(property, value))
  assert.is_false(ok, property.name .. " took " .. tostring(value))
  assert.truthy(message:find(property.name .. ": expected a", 1, true), message)
  local most = property.most == 366 * 86400 and "a year" or ("%.0f"):format(property.most)
  assert.truthy(message:find(most, 1, true), message)
end

local function assert_taken(property, value)
  postevent.new(options_with(property, value)):close()
end

describe("D8: an option that is a number", function()
  helper.guard()

  for _, property in ipairs(properties) do
    local is_there = (where.spools() or not property.name:find "^spool")
      and (postevent.features.redis or not property.name:find "^relay")
    if property.most and is_there then
      local above = property.most * 2
      it("is one that its C type can hold, or is refused with its range: " .. property.name, function()
        for _, value in ipairs { 0 / 0, 1 / 0, -1 / 0, 1e308, -1e308, 2 ^ 53, 2 ^ 63, 2 ^ 64, -2 ^ 63, -1, above } do
          assert_refused(property, value)
        end
        if math.type then
          assert_refused(property, math.maxinteger) -- luacheck: ignore
          assert_refused(property, math.mininteger) -- luacheck: ignore
          assert_refused(property, math.tointeger(2 ^ 53) + 1) -- luacheck: ignore
        end
        if property.least then
          assert_refused(property, property.most - 0.5)
          assert_refused(property, 5e-324)
          assert_taken(property, property.name == "queue.max_bytes" and 1026 or property.least)
        else
          assert_refused(property, -0.0)
          assert_taken(property, 5e-324)
        end
        assert_taken(property, property.most)
      end)
    end
  end

  it("of seconds is never so small that it is none: a post without time is no delivery", function()
    for _, seconds in ipairs { 5e-324, 1e-10, 1e-9 } do
      local client = postevent.new { url = URL, timeout = seconds, log = false }
      local reply, _, code, detail = client:post { event_name = "e" }
      client:close()
      assert.same({ nil, true, false }, { reply, code == "timeout" or code == "unreachable", detail.sent })
    end
  end)

  it("may be a zero of either sign", function()
    postevent.new({ url = URL, results = -0.0 }):close()
  end)
end)
