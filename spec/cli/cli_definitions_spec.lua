-- The command `postevent definitions`; its types are in cli_types_spec.lua.
local cjson = require "cjson"
local command = require "support.command"
local helper = require "support.helper"
local platform = require "support.platform"
local postevent = require "postevent"

local FILE = "spec/vectors/definitions.json"
local expect, run = command.expect, command.run

-- The output of `postevent definitions ...`, which succeeds and says nothing else.
local function output_of(arguments, options)
  table.insert(arguments, 1, "definitions")
  local output, errors = expect(0, nil, arguments, options)
  assert.equal("", (errors:gsub("postevent: warning: no regex is checked[^\n]*\n", ""))) -- a build without PCRE2
  return output
end

local field, platform_file, CUSTOMER = platform.field, platform.file, platform.customer

describe("postevent definitions list", function()
  helper.guard()

  it("shows name, status, number of attributes and label, in columns", function()
    assert.equal([[
NAME                STATUS     ATTRIBUTES  LABEL
be_reserved         published  5           be_reserved
cart_updated        published  9           cart_updated
membership_renewed  published  5           membership_renewed
]], output_of { "list", FILE })
  end)

  it("aligns what is not ASCII, and shows nothing that steers a terminal", function()
    local path = platform_file {
      { "été", CUSTOMER, status = "UNPUBLISHED", label = "\27[2J\194\155x" }, { "plain", CUSTOMER },
    }
    assert.equal([[
NAME   STATUS       ATTRIBUTES  LABEL
été    unpublished  1           \u001b[2J\u009bx
plain  published    1           -
]], output_of { "list", path })
  end)

  it("reads stdin", function()
    local text = helper.read_file(FILE)
    assert.equal(output_of { "list", FILE }, output_of({ "list", "-" }, { stdin = text }))
    assert.equal(output_of { "list", FILE }, output_of({ "list", "-" }, { stdin = "\239\187\191" .. text }))
  end)
end)

describe("postevent definitions show", function()
  helper.guard()

  it("shows the attributes of one event", function()
    local output = output_of { "show", FILE, "cart_updated" }
    assert.equal("cart_updated, published\n", output:match "^[^\n]*\n")
    assert.truthy(output:find "\nNAME +TYPE +REQUIRED +UNIQUE +SENSITIVE +VALUES\n")
    assert.truthy(output:find "\nemail +CUSTOMER:email +required +%- +%- +%-\n")
    assert.truthy(output:find "\nsku +PRODUCTSKU +required ")
    assert.truthy(output:find("\ncoupon +COUPONCODE +optional +%- +%- +matches %[A%-Z%]{4}%[0%-9%]{2}\n"))
    output = output_of { "show", FILE, "be_reserved" }
    assert.truthy(output:find "\nhotel_name +STRING +required +unique +%-")
    assert.truthy(output:find "\nage +DOUBLE +required +%- +sensitive")
    assert.truthy(output:find "\nroom_nights +ENUM [^\n]* 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n")
  end)

  it("asks which event was meant", function()
    for _, action in ipairs { "show", "sample" } do
      expect(1, FILE .. ': NAME: unknown event "cart_update", did you mean cart_updated?',
        { "definitions", action, FILE, "cart_update" })
      local _, errors = expect(1, 'unknown event "nothing_like_it"', { "definitions", action, FILE, "nothing_like_it" })
      assert.is_nil(errors:find("did you mean", 1, true))
    end
  end)
end)

describe("postevent definitions lint", function()
  helper.guard()

  -- The lines of a lint that finds something, without the name of the file.
  local function lint(path)
    local status, output, errors = run { "definitions", "lint", path }
    assert.equal(1, status, output .. errors)
    assert.equal("", errors)
    local lines = {}
    for line in output:gmatch "[^\n]+" do
      lines[#lines + 1] = line:sub(1, #path) == path and line:sub(#path + 1) or line
    end
    return lines
  end

  it("finds nothing wrong with the platform's own", function()
    assert.equal("no problems\n", output_of { "lint", FILE })
  end)

  it("finds what breaks a limit of the platform, in both forms", function()
    local many = {}
    for i = 1, 21 do
      many[i] = field("a" .. i, "STRING")
    end
    local path = platform_file {
      { "twice", CUSTOMER, field("x", "STRING"), field("x", "DOUBLE"), field("e", "ENUM") },
      { "twice", CUSTOMER, field(("n"):rep(51), "STRING"), field("y", "STRNG") },
      { "many", (table.unpack or unpack)(many) },
    }
    assert.same({
      ": event twice, attribute x: it is there twice",
      ": event twice, attribute e: an enum without values",
      ": event twice: it is there twice",
      (": event twice, attribute %s: its name has more than 50 characters"):format(("n"):rep(51)),
      ": event twice, attribute y: unknown type STRNG",
      ": event many: it has 21 attributes, more than 20",
      ": event many: it has no customer attribute",
      "7 problems",
    }, lint(path))
    path = helper.new_file '{"short":{"c":"string","e":["enum"]}}'
    assert.same({
      ": event short, attribute e: an enum without values", ": event short: it has no customer attribute",
      "2 problems",
    }, lint(path))
  end)

  it("finds patterns that do not compile, or mean something else in PCRE2", function()
    if not postevent.features.pcre2 then
      return pending "this build has no PCRE2"
    end
    local path = platform_file {
      { "e", CUSTOMER, field("x", "STRING", { regex = "(" }), field("y", "STRING", { regex = "[a-z&&[^b]]" }),
        field("z", "STRING", { regex = "[0-9]{4}" }) },
    }
    local lines = lint(path)
    assert.truthy(lines[1]:find("event e, attribute x: its regex: missing", 1, true), lines[1])
    assert.truthy(lines[2]:find("event e, attribute y: its regex: && is an intersection", 1, true), lines[2])
    assert.equal("2 problems", lines[3])
  end)

  it("finds JSON that is malformed, with line and column, and what is no definition", function()
    for text, expected in pairs {
      ['{"data":\n  [}'] = ":2:4: expected value but found }", [""] = ":1:1: expected value but found the end",
      ["1"] = ": expected an object or a list", ["{}"] = ": there is no event in it",
      ['{"eventName":"e","fields":[{"type":"STRING"}]}'] = ": event e: a field has no name",
      ['{"e":{"c":"customer??"}}'] = ": event e, attribute c: expected a type such as \"string\", \"customer:mobile\""
        .. " or \"double?\"",
    } do
      assert.same({ expected, "1 problem" }, lint(helper.new_file(text)))
    end
  end)
end)

describe("postevent definitions sample", function()
  helper.guard()

  it("makes an event that is valid, in the order of its definition", function()
    local client = postevent.new { mode = "record", definitions = FILE }
    for _, name in ipairs { "be_reserved", "cart_updated", "membership_renewed" } do
      assert(client:encode(cjson.decode(output_of { "sample", FILE, name })))
    end
    client:close()
    assert.equal([[
{
  "event_name": "be_reserved",
  "customer_id": "9988776655",
  "hotel_name": "text",
  "external_event_id": "text",
  "room_nights": "1",
  "age": 19.5
}
]], output_of { "sample", FILE, "be_reserved" })
  end)

  it("can be checked, and posted, as it is", function()
    local sandbox = helper.start_sandbox()
    local sample = output_of { "sample", FILE, "cart_updated" }
    expect(0, nil, { "post", "--url", sandbox.url, "--definitions", FILE, "--json", "-", "gift:=false" },
      { stdin = sample })
    assert.equal(false, sandbox:events()[1].event.gift)
  end)

  it("says what it could not make, and marks it", function()
    local path = platform_file {
      { "e", CUSTOMER, field("x", "STRING", { regex = "(\\w)\\1{1000}" }),
        field("y", "STRING", { regex = "(\\w)\\1{1000}", isRequired = false }), field("z", "ENUM") },
    }
    local status, output, errors = run { "definitions", "sample", path, "e" }
    assert.equal(1, status)
    local event = cjson.decode(output)
    assert.equal("REPLACE: no text was found that matches (\\w)\\1{1000}", event.x)
    assert.equal("REPLACE: it has no values", event.z)
    assert.is_nil(event.y)
    assert.truthy(errors:find("postevent: x: no text was found that matches (\\w)\\1{1000}; y: no", 1, true), errors)
    assert.truthy(errors:find("z: it has no values\n", 1, true), errors)
  end)

  it("says so where no event can be valid", function()
    local path = platform_file { { "e", CUSTOMER, field("event_name", "DOUBLE") } }
    local status, _, errors = run { "definitions", "sample", path, "e" }
    assert.equal(1, status)
    assert.truthy(errors:find("event_name: expected a number, got text", 1, true), errors)
  end)
end)

describe("postevent definitions", function()
  helper.guard()

  it("ends with 2 where it is used wrongly", function()
    expect(2, "a command is required", { "definitions" })
    expect(2, "unknown command lst; did you mean list?", { "definitions", "lst", FILE })
    expect(2, "see: postevent help definitions", { "definitions", "show", FILE })
    for _, action in ipairs { "list", "lint", "types" } do
      expect(2, "FILE: cannot read /nowhere.json: No such file", { "definitions", action, "/nowhere.json" })
      expect(2, "FILE: cannot read /: Is a directory", { "definitions", action, "/" })
    end
    expect(2, "FILE: stdin: line 1, column 2: ", { "definitions", "list", "-" }, { stdin = "{" })
    local path = helper.new_file('{"e":{"x":"string"}}', "{.json")
    expect(2, "FILE: " .. path .. ": event e: it has no customer attribute", { "definitions", "list", path })
  end)

  it("helps", function()
    local output = expect(0, nil, { "help", "definitions" })
    for _, action in ipairs { "list", "show", "lint", "sample", "types" } do
      assert.truthy(output:find("\n%s+" .. action .. "%s+%u"), output)
    end
    assert.truthy(expect(0, nil, { "definitions", "show", "--help" }):find("FILE", 1, true))
  end)

  it("says so where its output cannot be written", function()
    local script = [["$1" "$2" definitions list "$3" >/dev/full]]
    local status, _, errors = helper.run({ "sh", "-c", script, "sh", helper.lua(), command.path, FILE },
      { env = { LD_PRELOAD = os.getenv "LD_PRELOAD" } })
    assert.equal(1, status)
    assert.truthy(errors:find "^postevent: stdout: [^\n]+\n$", errors)
  end)
end)
