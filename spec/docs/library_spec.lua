-- library/postevent.lua, the annotations for the Lua language server, says what the module has: no more and no less.
local annotations = require "support.annotations"
local core = require "postevent.core"
local documents = require "support.documents"
local helper = require "support.helper"
local known = require "support.known"
local postevent = require "postevent"
local properties = require "postevent.options.properties"
local rude = require "support.rude"

local URL = "https://127.0.0.1/x"

local names_of = known.names_of

describe("the annotations", function()
  helper.guard()
  local library

  setup(function()
    library = annotations.read "library/postevent.lua"
  end)

  -- Notes the type of every field of `value` in `seen`, and fails where it is not the one that the class says.
  local TYPES = { integer = "number", ["true"] = "boolean", ["string[]"] = "table" }
  local function compare(class, value, seen)
    for name, inner in pairs(value) do
      local field = assert(library.classes[class][name], class .. " lacks " .. name)
      seen[class .. "." .. name] = true
      if library.classes[field.type] then
        compare(field.type, inner, seen)
      elseif library.classes[field.type:match "^(.*)%[%]$"] then
        for _, item in ipairs(inner) do
          compare(field.type:match "^(.*)%[%]$", item, seen)
        end
      elseif not field.type:find "^{" then
        local type_name = field.type:match "^%l+|" and field.type or field.type:match "^table" or TYPES[field.type]
          or library.aliases[field.type] and "string" or field.type
        type_name = type_name:gsub("false", "boolean")
        assert.truthy(("|" .. type_name .. "|"):find("|" .. type(inner) .. "|", 1, true),
          ("%s.%s is a %s"):format(class, name, type(inner)))
      end
    end
  end

  local function assert_all_seen(class, seen)
    for name in pairs(library.classes[class]) do
      assert.is_true(seen[class .. "." .. name], class .. "." .. name .. " never came")
    end
  end

  it("say of every option what the table of options says", function()
    local expected, classes = {}, {}
    for _, property in ipairs(properties) do
      local group, field = property.name:match "^(.+)%.(.*)$"
      local class = group and "postevent." .. group or "postevent.options"
      expected[class] = expected[class] or {}
      table.insert(expected[class], annotations.write(property, field or property.name))
      classes[class] = annotations.lines("library/postevent.lua", class)
    end
    assert.same(expected, classes)
  end)

  -- Calls f("queue.wait", field, options) for every option, options(value) being the table to give to new.
  local function each_option(f)
    for name, field in pairs(library.classes["postevent.options"]) do
      f(name, field, function(value)
        return { url = name ~= "url" and URL or nil, [name] = value }
      end)
    end
    for group in pairs(known.option_groups()) do
      for name, field in pairs(library.classes["postevent." .. group]) do
        f(group .. "." .. name, field, function(value)
          local outer, inner = group:match "^(.+)%.(.*)$"
          local given = { [name] = value }
          return { url = URL, [outer or group] = inner and { [inner] = given } or given }
        end)
      end
    end
  end

  it("give every option a type that the module asks for", function()
    local samples = { string = "x", number = 0.5, boolean = true, table = {}, ["function"] = print }
    local kinds = { integer = "number", ["postevent.event"] = "table", ["postevent.mode"] = "string",
      ["integer[]"] = "table", ["postevent.source"] = "table" } -- or the name of a file, and there is none called x
    for group in pairs(known.option_groups()) do
      kinds["postevent." .. group] = "table"
    end
    each_option(function(name, field, options)
      local kind = kinds[field.type] or field.type:match "^table" or field.type:match "^fun" and "function"
        or field.type:find '^"' and "string" or field.type
      assert.is_not_nil(samples[kind], name .. " has an odd type: " .. field.type)
      for other, sample in pairs(samples) do
        if other ~= kind then
          local ok, message = pcall(postevent.new, options(sample))
          assert.is_false(ok, ("%s takes a %s"):format(name, other))
          assert.truthy(message:find(name, 1, true), message)
        end
      end
    end)
  end)

  it("name every value of an option that has but a few", function()
    local count = 0
    each_option(function(_, field, options)
      local values = library.aliases[field.type] or {}
      for value in field.type:gmatch '"(.-)"' do
        values[value] = true
      end
      if next(values) then
        local ok, message = pcall(postevent.new, options "?")
        assert.is_false(ok)
        local expected = {}
        for value in message:match("expected (.*), got"):gmatch '"(.-)"' do
          expected[value] = true
        end
        assert.same(expected, values)
        count = count + 1
      end
    end)
    assert.is_true(count >= 6)
  end)

  it("name every field of an attribute in the short form, and of what definitions are read to", function()
    assert.same(known.short_fields(), names_of(library.classes["postevent.attribute"]))
    local definitions = postevent.definitions { e = { c = "customer", x = { type = "string", regex = "[a-z&&[^b]]" } } }
    local seen = {}
    compare("postevent.definitions", { warnings = definitions.warnings }, seen)
    assert_all_seen("postevent.definitions", seen)
    assert.equal(1, #definitions.warnings)
    assert.equal("string", type(definitions.warnings[1]))
  end)

  it("name every method", function()
    local methods = {}
    for name in pairs(core.methods) do
      methods[name] = not name:find "^_" or nil
    end
    assert.same(methods, library.functions.client)
  end)

  it("name everything in the module", function()
    local fields = names_of(library.classes["postevent"])
    for name in pairs(library.functions.postevent) do
      fields[name] = true
    end
    assert.same(names_of(postevent), fields)
    local seen = {}
    compare("postevent.features", postevent.features, seen)
    assert_all_seen("postevent.features", seen)
  end)

  it("name every error code and every rule", function()
    assert.same(known.codes(), library.aliases["postevent.code"])
    assert.same(known.rules(), library.aliases["postevent.rule"])
  end)

  it("describe the reply", function()
    local server = rude.start("answer", { reply = { body = documents.reply } })
    local client = postevent.new { url = server.url }
    local seen = {}
    compare("postevent.reply", assert(client:post(documents.new_event())), seen)
    assert_all_seen("postevent.reply", seen)
    assert_all_seen("postevent.status", seen)
    client:close()
  end)

  it("describe the detail of a failure", function()
    local server = rude.start("answer", {
      reply = { status = 429, headers = { ["Retry-After"] = "60" }, body = documents.reply },
    })
    local client = postevent.new { url = server.url }
    local seen = {}
    compare("postevent.detail", (select(4, client:post(documents.new_event()))), seen)
    compare("postevent.detail", (select(4, client:post { a = print })), seen)
    assert_all_seen("postevent.detail", seen)
    assert_all_seen("postevent.answer", seen)
    assert_all_seen("postevent.problem", seen)
    client:close()
  end)

  it("describe the results of tracked events", function()
    local server = rude.start("sequence", { replies = { {}, { status = 422, body = documents.reply } } })
    local client = postevent.new { url = server.url, max_in_flight = 1 }
    assert(client:track(documents.new_event()) and client:track(documents.new_event()) and client:flush(5))
    local seen, outcomes = {}, {}
    for result in client:results() do
      compare("postevent.result", result, seen)
      outcomes[result.outcome] = true
    end
    seen["postevent.result.restored"] = true -- see below
    assert_all_seen("postevent.result", seen)
    assert.same({ delivered = true, rejected = true }, outcomes)
    assert.same(known.outcomes(), library.aliases["postevent.outcome"])
    client:close()
  end)

  it("describe the stats, and what flush could not wait for", function()
    local server = rude.start("sequence", { replies = { { status = 422, body = documents.reply } } })
    local client = postevent.new { url = server.url, max_in_flight = 1 }
    assert(client:track(documents.new_event()) and not client:track {} and client:flush(5))
    local seen = {}
    compare("postevent.stats", client:stats(), seen)
    seen["postevent.stats.spool"] = true -- see below
    for _, class in ipairs { "postevent.stats", "postevent.latency", "postevent.last_error" } do
      assert_all_seen(class, seen)
    end
    assert.same(known.states(), library.aliases["postevent.state"])
    server:stop()
    assert(client:track(documents.new_event()))
    compare("postevent.remaining", (select(4, client:close(0))), seen)
    seen["postevent.remaining.kept"] = true -- see below
    assert_all_seen("postevent.remaining", seen)
  end)

  it("describe what a spool adds to results, stats, and what close could not wait for", function()
    if not postevent.features.sqlite then
      return pending "no SQLite"
    end
    local server = rude.start("script", { script = "if request.mode ~= 'open' then return { status = 503 } end" })
    local options = { url = server.url, spool = { path = helper.new_path "spool" } }
    local client, seen = postevent.new(options), {}
    assert(client:track(documents.new_event()))
    compare("postevent.remaining", (select(4, client:close(0))), seen)
    assert.is_true(seen["postevent.remaining.kept"])
    server:set "open"
    client = postevent.new(options)
    assert(client:start() and client:flush(5))
    for result in client:results() do
      compare("postevent.result", result, seen)
    end
    assert.is_true(seen["postevent.result.restored"])
    client:close()
    options.spool.path = "/proc/no/such"
    client = postevent.new(options)
    assert(client:track(documents.new_event()) and client:flush(5))
    compare("postevent.stats", client:stats(), seen)
    assert_all_seen("postevent.spool_stats", seen)
    client:close()
  end)

  it("are Lua", function()
    local loaded = assert(loadfile "library/postevent.lua")()
    assert.is_function(loaded.new)
  end)
end)
