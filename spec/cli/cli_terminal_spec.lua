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
  ["\226\128\139"] = "\\u200b", ["\226\128\141"] = "\\u200d", ["\226\129\160"] = "\\u2060", -- what is not seen
  ["\239\187\191"] = "\\ufeff", ["\194\173"] = "\\u00ad", ["\205\143"] = "\\u034f", ["\225\133\159"] = "\\u115f",
  ["\227\133\164"] = "\\u3164", ["\239\190\160"] = "\\uffa0", ["\239\184\129"] = "\\ufe01",
  ["\194\160"] = "\\u00a0", ["\226\128\135"] = "\\u2007", ["\226\128\175"] = "\\u202f", -- blanks
  ["\227\128\128"] = "\\u3000", ["\226\160\128"] = "\\u2800", ["\240\157\133\153"] = "\\ud834\\udd59",
  ["\238\128\128"] = "\\ue000", ["\239\163\191"] = "\\uf8ff", ["\244\143\191\189"] = "\\udbff\\udffd", -- private
  ["\205\184"] = "\\u0378", ["\239\183\144"] = "\\ufdd0", ["\239\191\191"] = "\\uffff", -- nothing
  ["\241\144\128\133"] = "\\ud900\\udc05", ["\244\143\191\191"] = "\\udbff\\udfff",
  ["\243\160\128\129"] = "\\udb40\\udc01", ["\243\160\132\128"] = "\\udb40\\udd00", -- tags, variations
}

local function all_of_them()
  local raw = {}
  for text in pairs(UNSEEN) do
    raw[#raw + 1] = text
  end
  return table.concat(raw, "x")
end

-- The same, ten at a time: no name of an attribute may have more than fifty characters.
local function pieces()
  local list, count = {}, 0
  for text in pairs(UNSEEN) do
    local place = math.floor(count / 10) + 1
    list[place], count = (list[place] or "") .. text, count + 1
  end
  return list
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

  it("leaves what can be seen as it is", function()
    local printable = require "postevent.printable"
    for _, text in ipairs {
      "M\195\188nchen e\204\129", "\230\157\177\227\128\129\227\129\130", "\240\159\142\137\240\159\171\168",
      "\224\184\129\234\176\128",
      "\216\128\219\157", "\239\191\189\239\191\188", "\194\161\195\191\226\130\172\239\188\129",
    } do
      assert.equal(text, printable.line(text))
    end
  end)

  it("shows it in what a definition, a file and an argument hold", function()
    local attributes, event = { who = "customer" }, { event_name = "e", who = "x", ["b" .. all_of_them()] = 1 }
    for i, piece in ipairs(pieces()) do
      attributes[i .. piece], event[i .. piece] = "double", "text"
    end
    local definitions = helper.new_file(cjson.encode { e = attributes }, ".json")
    local status, output, failure = command.run({ "check", "--definitions", definitions, "-" },
      { stdin = cjson.encode(event) })
    assert.equal(1, status, failure)
    for raw in pairs(UNSEEN) do
      assert.is_nil(output:find(raw, 1, true), output)
    end
    local _, errors = expect(2, nil, { "check", "--definitions", definitions, "/nowhere/" .. all_of_them() })
    assert_seen(errors)
  end)

  -- A definition in which everything that somebody else may have written has them.
  local function odd_definitions()
    local odd = "\27[2J\194\155\226\128\174\226\128\168\226\128\139\239\187\191\243\160\128\129" -- a near name is shown
    local platform = require "support.platform"
    return platform.file {
      { "e" .. odd, platform.field("a" .. odd, "STRING", { regex = "(" .. odd, displayName = odd }),
        platform.field("v", "ENUM", { possibleValues = { values = { odd, "x" } } }),
        platform.field(odd, "ENUM", { possibleValues = { values = { odd } } }) },
    }, "e" .. odd
  end

  it("shows it in what every sub-command makes of definitions", function()
    local path, name = odd_definitions()
    for _, arguments in ipairs {
      { "list", path }, { "show", path, name }, { "lint", path }, { "sample", path, name }, { "types", path },
      { "show", path, "no" .. name }, { "sample", path, "no" .. name },
    } do
      local _, output, errors = command.run { "definitions", (table.unpack or unpack)(arguments) }
      for raw, shown in pairs(UNSEEN) do
        assert.is_nil((output .. errors):find(raw, 1, true), arguments[1] .. " writes " .. shown .. ": " .. output)
      end
      assert.truthy((output .. errors):find("\\u202e", 1, true), arguments[1] .. output .. errors)
    end
  end)

  it("shows it in the log of a sandbox", function()
    local port_file = helper.new_path "port"
    local path, name = odd_definitions()
    local child = helper.spawn {
      helper.lua(), command.path, "sandbox", "--port-file", port_file, "--definitions", path,
    }
    local port = helper.wait_until(function()
      return helper.file_exists(port_file) and helper.read_file(port_file):match "%d+"
    end)
    command.run({ "post", "--url", ("http://127.0.0.1:%s/webhooks/1"):format(port), "--json", "-" },
      { stdin = cjson.encode { event_name = name, ["b" .. all_of_them()] = 1 } })
    local log = helper.wait_until(function()
      return child:output():find("202e", 1, true) and child:output()
    end)
    for raw, shown in pairs(UNSEEN) do
      assert.is_nil(log:find(raw, 1, true), shown .. log)
    end
    child:stop()
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
    local _, errors = expect(75, nil, { "post", "--url", server.url, "event_name=e", "external_event_id=E1" })
    assert.truthy(errors:find("whether the event arrived is not known", 1, true), errors)
    assert.is_nil(errors:find("may have arrived", 1, true), errors)
    assert.truthy(errors:find("E1", 1, true), errors)
  end)
end)
