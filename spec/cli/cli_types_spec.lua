-- The command `postevent definitions types`: annotations that go with library/postevent.lua.
local command = require "support.command"
local helper = require "support.helper"
local platform = require "support.platform"

local FILE = "spec/vectors/definitions.json"
local field, platform_file, CUSTOMER = platform.field, platform.file, platform.customer

local function types_of(path)
  return (command.expect(0, nil, { "definitions", "types", path }))
end

describe("postevent definitions types", function()
  helper.guard()

  it("writes a class for each event, and the client's methods for each class", function()
    local output = types_of(FILE)
    assert((loadstring or load)(output))
    assert.equal("---@meta\n", output:match "^[^\n]*\n")
    for _, expected in ipairs {
      '---@class postevent.event.be_reserved: postevent.event\n---@field event_name "be_reserved"\n',
      "---CUSTOMER (mobile)\n---@field customer_id string\n", "---DOUBLE, sensitive\n---@field age number\n",
      '---@field room_nights "1"|"2"|"3"|', '---@field tier? "Silver"|"Gold"|"Platinum"\n',
      "---COUPONCODE, matches [A-Z]{4}[0-9]{2}\n---@field coupon? string\n", "---@field gift? boolean\n",
      "---@field quantity integer\n", "---@field renewed_on string|number\n",
      "---@field eventDateTime? string|number\n", "---@field external_event_id? string\n",
      "\n---@class postevent.client\n",
      "---@field post fun(self: postevent.client, event: postevent.event.cart_updated): postevent.reply?, string?, "
        .. "postevent.code?, postevent.detail?\n",
      "---@field track fun(self: postevent.client, event: postevent.event.be_reserved): integer?, string?, ", -- G
      "---@field encode fun(self: postevent.client, event: postevent.event.membership_renewed): string?, ",
    } do
      assert.truthy(output:find(expected, 1, true), expected)
    end
    for line in output:gmatch "[^\n]+" do
      assert.equal("--", line:sub(1, 2))
    end
  end)

  it("uses the names of library/postevent.lua", function()
    local library = helper.read_file "library/postevent.lua"
    local output = types_of(FILE)
    for name in output:gmatch "postevent%.[%w_.]+" do
      if not name:find "^postevent%.event%." then
        assert.truthy(library:find("---@class " .. name, 1, true) or library:find("---@alias " .. name, 1, true), name)
      end
    end
    for _, method in ipairs { "post", "track", "encode" } do
      assert.truthy(library:find("function client:" .. method .. "(event)", 1, true))
    end
  end)

  it("writes odd names and values so that they stay in their line", function()
    local path = platform_file {
      { "an event\nprint(1)", CUSTOMER, field("a name", "ENUM", { possibleValues = { values = { 'say "x"', "y" } } }),
        field("b\nname", "STRING"), field("v", "ENUM", { possibleValues = { values = { "a\nprint(2)" } } }),
        field("w", "STRING", { regex = "\nprint(3)" }), field("optional one", "STRING", { isRequired = "false" }) },
      { "an.event_print(1)", CUSTOMER, CUSTOMER },
    }
    local output = types_of(path)
    for line in output:gmatch "[^\n]+" do
      assert.equal("--", line:sub(1, 2))
    end
    for _, expected in ipairs {
      "---@class postevent.event.an_event_print_1_: postevent.event\n---@field event_name string\n",
      "---@class postevent.event.an_event_print_1__: postevent.event\n", '---@field event_name "an.event_print(1)"\n',
      [[---@field ["a name"] 'say "x"'|"y"]], "---@field v string\n", '---@field ["optional one"] (string)?\n',
    } do
      assert.truthy(output:find(expected, 1, true), expected)
    end
  end)
end)
