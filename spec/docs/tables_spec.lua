-- The tables of the pages are the module's: every option, code, rule, type, field and method, and no other.
local annotations = require "support.annotations"
local cjson = require "cjson"
local core = require "postevent.core"
local helper = require "support.helper"
local known = require "support.known"
local markdown = require "support.markdown"
local pages = require "support.pages"
local postevent = require "postevent"

local BOOK = pages.text()
local DEFINITIONS = "examples/events.json"
local PLATFORMS = "spec/vectors/definitions.json" -- the same in the platform's form

-- The fields of the formats in date.c, as patterns; every other character stands for itself.
local DATE_LETTERS = { Y = "%d%d%d%d", y = "%d%d", M = "%d%d", D = "%d%d", h = "%d%d", m = "%d%d", s = "%d%d",
  t = "%d%d?", f = "%d%d?%d?", X = "[+-]%d%d:%d%d", Z = "%u+", N = "%a%a%a", F = "%a+", W = "%a%a%a" }

-- Among them they break every rule of a definition.
local WRONG = {
  { event_name = "be_reserved", customer_id = "12", hotelname = "x", room_nights = "99", age = "20" },
  { event_name = "cart_updated", coupon = "save10" },
  { event_name = "membership_renewed", renewed_on = "2024-02-30" },
  { event_name = "be_reservd" },
}

local function code_of(cell)
  return markdown.code(cell)[1]
end

local rows_by_name = pages.rows_by_name
local names_of = known.names_of

-- The pages' words for the types of options.
local OPTION_TYPES = { text = "text", file = "text", attribute = "text", boolean = "boolean", seconds = "seconds",
  number = "number", integer = "number", codes = "list", table = "table", ["function"] = "function",
  log = "function or text" }

-- "1 to 100", as the table of options has it.
local function range_of(property)
  if property.values then
    return '`"' .. table.concat(property.values, '"`, `"') .. '"`'
  elseif property.above then
    return ("above %.14g to %.14g"):format(property.above, property.most)
  end
  return property.least and ("%.14g to %.14g"):format(property.least, property.most) or "—"
end

describe("the tables of the pages", function()
  it("name every option, with its default", function()
    local rows = rows_by_name("Option", "Type", "Default", "Range", "Meaning")
    local expected = known.options()
    for group, fields in pairs(known.option_groups()) do
      for name in pairs(fields) do
        expected[group .. "." .. name] = true
      end
    end
    for group in pairs(known.option_groups()) do
      expected[group] = nil -- its fields have rows of their own
    end
    assert.same(expected, names_of(rows))
    for name, row in pairs(rows) do
      local default = code_of(row[3])
      assert.is_true(default ~= nil or row[3] == "—", name .. " has an odd default")
      assert.same(known.default(name), default and known.evaluate(default), name)
      local property = known.property(name)
      assert.equal(OPTION_TYPES[property.type] or row[2], row[2], name)
      assert.equal(range_of(property), row[4], name)
      assert.is_true(#row[2] > 0 and #row[5] > 0, name .. " is not explained")
    end
  end)

  it("name every error code, and what to do about it", function()
    local rows = rows_by_name("Code", "What happened")
    assert.same(known.codes(), names_of(rows))
    for name, row in pairs(rows) do
      assert.equal(5, #row, name)
      for _, cell in ipairs(row) do
        assert.is_true(#cell > 0, name .. " has an empty cell")
      end
    end
  end)

  it("name every rule", function()
    local rules = names_of(rows_by_name("Rule", "Broken by"))
    assert.same(known.definition_rules(), rules)
    for _, row in ipairs(pages.table("In the event", "Rule")) do
      rules[code_of(row[2])] = true
    end
    assert.same(known.rules(), rules)
  end)

  it("show for each rule of a definition what the client says", function()
    local client = postevent.new { mode = "record", definitions = DEFINITIONS }
    local messages = {}
    for _, event in ipairs(WRONG) do
      for _, problem in ipairs((select(4, client:encode(event))).problems) do
        messages[problem.message] = problem.rule
      end
    end
    client:close()
    for rule, row in pairs(rows_by_name("Rule", "Broken by")) do
      if rule ~= "regex" or postevent.features.pcre2 then
        assert.equal(rule, messages[code_of(row[3])], code_of(row[3]))
      end
    end
  end)

  it("name every type of an attribute, with what it takes and what it refuses", function()
    local types = {}
    for kind, row in pairs(rows_by_name("Type", "Asks for")) do
      types[kind:match "^%u+"] = true
      local source = { e = { who = "customer", x = { type = kind, values = kind == "ENUM" and { "1", "12" } or nil } } }
      local client = postevent.new { mode = "record", definitions = source }
      for column, is_taken in pairs { [3] = true, [4] = false } do
        local values = markdown.code(row[column])
        assert.is_true(#values > 0)
        for _, value in ipairs(values) do
          local body = client:encode { event_name = "e", who = "C-17", x = known.evaluate(value) }
          assert.equal(is_taken, body ~= nil, kind .. ": " .. value)
        end
      end
      client:close()
    end
    assert.same(known.types(), types)
  end)

  it("show each of the formats of dates", function()
    local client = postevent.new { mode = "record", definitions = { e = { who = "customer", x = "date" } } }
    local shown = markdown.code(BOOK:match "\nText is sent as it is%..-\n\n")
    for _, text in ipairs(shown) do
      assert.is_string(client:encode { event_name = "e", who = "C-17", x = text }, text)
    end
    client:close()
    local count = 0
    for format in helper.read_file("csrc/event/date.c"):match("formats%[%] = (%b{})"):gmatch '"(.-)"' do
      local pattern = "^" .. format:gsub(".", function(letter)
        return DATE_LETTERS[letter] or "[" .. letter .. "]"
      end) .. "$"
      local found = false
      for _, text in ipairs(shown) do
        found = found or text:find(pattern) ~= nil
      end
      assert.is_true(found, format)
      count = count + 1
    end
    assert.equal(17, count)
    assert.equal(17, #shown)
  end)

  it("say how values are written", function()
    local client = postevent.new { mode = "record", stamp = false }
    for value, row in pairs(rows_by_name("In Lua", "In JSON")) do
      value = value == "cjson.null" and cjson.null or known.evaluate(value)
      local body = client:encode { event_name = "seen", x = value }
      assert.truthy((body .. ","):find('"x":' .. code_of(row[2]), 1, true), body)
    end
    client:close()
  end)

  it("name every field of an attribute in the short form", function()
    local rows = rows_by_name("In the table", "Default")
    assert.same(known.short_fields(), names_of(rows))
    local read = postevent.definitions { e = { c = { type = "customer" } } }.events[1].attributes[1]
    for name, row in pairs(rows) do
      local default = code_of(row[2])
      if name ~= "type" then
        assert.same(default and known.evaluate(default), read[name], name)
      end
      assert.is_true(helper.read_file(PLATFORMS):find('"' .. code_of(row[3]) .. '"', 1, true) ~= nil, row[3])
    end
  end)

  it("name what the command has for definitions", function()
    local actions = {}
    for name in pairs(rows_by_name("The command", "What it does")) do
      local words, arguments = { name:match "^postevent (%l+)" }, {}
      words[2] = name:match "^postevent %l+ (%l+)"
      for argument in name:gmatch "%-*[%a=]+" do
        arguments[#arguments + 1] = not argument:find "^%l+$" and argument or nil
      end
      actions[words[2] or ""] = true
      words[#words + 1] = "--help"
      local status, help = helper.run_lua("bin/postevent", words)
      assert.equal(0, status, name)
      for _, argument in ipairs(arguments) do
        assert.truthy(help:find(argument, 1, true), name .. ": " .. argument)
      end
    end
    local _, help = helper.run_lua("bin/postevent", { "definitions", "--help" })
    for action in help:match("\nCommands:\n(.*)$"):gmatch "\n?   (%l+)  " do
      assert.is_true(actions[action], action)
      actions[action] = nil
    end
    assert.same({ [""] = true }, actions)
  end)

  it("name every field of the reply and of the detail", function()
    local classes = annotations.read("library/postevent.lua").classes
    local expected = names_of(classes["postevent.reply"])
    expected.status = nil
    for name in pairs(classes["postevent.status"]) do
      expected["status." .. name] = true
    end
    assert.same(expected, names_of(rows_by_name("In the reply", "Type", "Meaning")))
    assert.same(names_of(classes["postevent.detail"]), names_of(rows_by_name("In the detail", "Type", "Meaning")))
  end)

  it("name every method but post, which has a section", function()
    local methods = { post = true }
    for _, row in ipairs(pages.table("Method", "What it does")) do
      methods[row[1]:match "`client:([%w_]+)%("] = true
    end
    for name in pairs(core.methods) do
      assert.is_true(methods[name] or name:find "^_" ~= nil, name)
      methods[name] = nil
    end
    assert.same({}, methods)
    for name in pairs(postevent) do
      assert.truthy(BOOK:find("postevent." .. name, 1, true), name)
    end
    for name in pairs(postevent.features) do
      assert.truthy(BOOK:find("`" .. name .. "`", 1, true), name)
    end
  end)

  it("name what `postevent post` takes, as the command has it", function()
    local _, help = helper.run_lua("bin/postevent", { "help", "post" })
    local there, written = { ["KEY=VALUE"] = true, ["KEY:=JSON"] = true }, {}
    for name in help:gmatch "\n   (%-%-[%l-]+)" do
      there[name] = true
    end
    for name in pairs(rows_by_name("Argument of `postevent post`", "Meaning")) do
      written[name:match "^%S+"] = true
    end
    assert.same(there, written)
  end)

  it("name what `postevent import` takes, as the command has it", function()
    local _, help = helper.run_lua("bin/postevent", { "help", "import" })
    local there, written = {}, {}
    for name in help:gmatch "\n   (%-%-[%l-]+)" do
      there[name] = true
    end
    for name in pairs(rows_by_name("Option of `postevent import`", "Meaning")) do
      written[name:match "^%S+"] = true
    end
    for _, name in ipairs { "url", "authorization-file", "authorization", "ca-file", "proxy", "allow-http" } do
      written["--" .. name] = true -- as for `post`
    end
    assert.same(there, written)
  end)

  it("name what `postevent relay` takes, as the command has it", function()
    local _, help = helper.run_lua("bin/postevent", { "help", "relay" })
    local there, written = {}, {}
    for name in help:gmatch "\n   (%-%-[%l-]+)" do
      there[name] = true
    end
    for names in pairs(rows_by_name("Argument of `postevent relay`", "Meaning")) do
      for name in names:gmatch "%-%-[%l-]+" do
        written[name] = true
      end
    end
    assert.same(there, written)
  end)

  it("name the options of the sandbox, and the exit statuses, as the command has them", function()
    local status, help = helper.run_lua("bin/postevent", { "help", "sandbox" })
    assert.equal(0, status)
    local options = {}
    for name in help:gmatch "\n +(%-%-[%l-]+)" do
      options[name] = true
    end
    local written = {}
    for name in pairs(rows_by_name("Option", "Meaning")) do
      written[name:match "^%S+"] = true
    end
    assert.same(options, written)

    local exit = require "postevent.cli.exit"
    local statuses, again = {}, {}
    for _, row in ipairs(pages.table("Exit status", "Meaning")) do
      statuses[tonumber(row[1])] = true
      for _, code in ipairs(markdown.code(row[2])) do
        again[code] = true
      end
    end
    assert.same(known.codes_to_try_again(), again)
    assert.same({ [exit.OK] = true, [exit.FAILED] = true, [exit.USAGE] = true, [exit.TRY_AGAIN] = true }, statuses)
  end)

  it("name every package that the build needs with Lua 5.4, or can do with", function()
    local columns = { ["Debian, Ubuntu"] = 4, Fedora = 5, Alpine = 6, ["macOS, Homebrew"] = 7 }
    local written = {}
    for _, row in ipairs(pages.table("System", "Packages")) do
      written[row[1]] = (" " .. row[2] .. " " .. row[3] .. " "):gsub("[`,]", " ")
    end
    local count = 0
    for line in helper.read_file("tools/install-deps"):gmatch "([^\n]*)\n" do
      local fields = {}
      for field in (line .. "|"):gmatch "%s*(.-)%s*|" do
        fields[#fields + 1] = field
      end
      local need = fields[1]
      local wanted = need == "build" or need == "sandbox" or need == "pcre2" or need == "sqlite"
        or need == "hiredis" or need == "run:each"
      if #fields == 7 and (wanted or need:find ":lua5%.4$") then
        count = count + 1
        for system, column in pairs(columns) do
          for package in fields[column]:gsub("%%P", "lua5.4"):gmatch "%S+" do
            package = package:gsub("^rock:", "")
            assert.truthy(package == "-" or written[system]:find(" " .. package .. " ", 1, true),
              system .. " lacks " .. package)
          end
        end
      end
    end
    assert.is_true(count >= 10, "the table of tools/install-deps was not understood")
  end)
end)
