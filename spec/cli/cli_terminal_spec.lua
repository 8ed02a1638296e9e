-- F2, A6: what the command writes for people is text: nothing of somebody else's steers the terminal, and no two lines
-- contradict each other.
local cjson = require "cjson"
local command = require "support.command"
local helper = require "support.helper"
local rude = require "support.rude"

local expect = command.expect

-- Every kind of what must not reach a terminal, and how it is shown.
local UNSEEN = {
  ["\27[2J"] = "\\u001b[2J", ["\7"] = "\\u0007", ["\127"] = "\\u007f",
  ["\194\155"] = "\\u009b", ["\194\133"] = "\\u0085", -- C1: CSI, NEL
  ["\226\128\174"] = "\\u202e", ["\226\129\166"] = "\\u2066", ["\226\128\143"] = "\\u200f", ["\216\156"] = "\\u061c",
  ["\226\128\168"] = "\\u2028", ["\226\128\169"] = "\\u2029",
}

local function all_of_them()
  local raw = {}
  for text in pairs(UNSEEN) do
    raw[#raw + 1] = text
  end
  return table.concat(raw, "x")
end

local function assert_seen(text)
  for raw, shown in pairs(UNSEEN) do
    assert.is_nil(text:find(raw, 1, true), shown .. " was sent to the terminal: " .. text)
    assert.truthy(text:find(shown, 1, true), shown .. " is not shown: " .. text)
  end
end

describe("F2: the command", function()
  helper.guard()

  it("shows what steers a terminal: in an id, a reply and the message of a refusal", function()
    local sandbox = helper.start_sandbox()
    local output = expect(0, nil, { "post", "--url", sandbox.url, "--json", "-" },
      { stdin = cjson.encode { event_name = "e", external_event_id = all_of_them() } })
    assert_seen(output)
    assert.equal(all_of_them(), cjson.decode(output).event_id) -- and it is JSON all the same
  end)

  it("shows it in what a definition, a file and an argument hold", function()
    local definitions = helper.new_file(cjson.encode { e = { who = "customer", ["a" .. all_of_them()] = "double" } },
      ".json")
    local event = cjson.encode {
      event_name = "e", who = "x", ["a" .. all_of_them()] = "text", ["b" .. all_of_them()] = 1,
    }
    local status, output = command.run({ "check", "--definitions", definitions, "-" }, { stdin = event })
    assert.equal(1, status)
    for raw in pairs(UNSEEN) do
      assert.is_nil(output:find(raw, 1, true), output)
    end
    local _, errors = expect(2, nil, { "check", "--definitions", definitions, "/nowhere/" .. all_of_them() })
    assert_seen(errors)
  end)

  it("shows bytes that are not UTF-8", function()
    local _, errors = expect(2, nil, { "check", "--definitions", "/nowhere/\155\200", "-" }, { stdin = "" })
    assert.is_nil(errors:find("[\128-\255]"), errors)
    assert.truthy(errors:find("\\x9b\\xc8", 1, true), errors)
  end)
end)

describe("A6: the command", function()
  helper.guard()

  it("says of an answer that is not the platform's one thing only", function()
    local server = rude.start("answer", { reply = { body = "<html>Sign in</html>" } })
    local _, errors = expect(1, nil, { "post", "--url", server.url, "event_name=e", "external_event_id=E1" })
    assert.truthy(errors:find("whether the event arrived is not known", 1, true), errors)
    assert.is_nil(errors:find("may have arrived", 1, true), errors)
    assert.truthy(errors:find("E1", 1, true), errors)
  end)
end)
