-- What the core is given: every setting by its name and type. A forgotten one must be an error, and not a zero.
local core = require "postevent.core"
local helper = require "support.helper"
local options = require "postevent.options"
local postevent = require "postevent"
local properties = require "postevent.options.properties"

local URL = "https://127.0.0.1/x"

-- Everything that can be set.
local function new_settings()
  return (options.check {
    url = URL, authorization = "Basic eA==", headers = { ["X-Source"] = "x" }, common = { a = 1 }, log = print,
    before_send = print, definitions = { e = { c = "customer" } }, proxy = "http://127.0.0.1:1",
  })
end

local function names_of(settings)
  local names = {}
  for name in pairs(settings) do
    names[#names + 1] = name
  end
  return names
end

local function message_of(settings)
  local ok, message = pcall(core.new, settings)
  assert.is_false(ok, "the settings were accepted")
  return message
end

describe("the settings of the core", function()
  helper.guard()

  it("are every option that is its business, by the same name", function()
    local settings = new_settings()
    core.new(settings):close()
    for _, property in ipairs(properties) do
      if property.type ~= "group" then
        assert.equal(not property.lua, settings[property.name] ~= nil, property.name)
      end
    end
  end)

  it("are missed by their names (D7)", function()
    assert.truthy(message_of({}):find("setting url: expected text or false, got nil", 1, true))
    for _, name in ipairs(names_of(new_settings())) do
      local settings = new_settings()
      settings[name] = nil
      assert.truthy(message_of(settings):find("setting " .. name .. ": expected", 1, true), name)
    end
  end)

  it("are refused where they have another type", function()
    for _, name in ipairs(names_of(new_settings())) do
      local settings = new_settings()
      settings[name] = coroutine.create(function() end)
      assert.truthy(message_of(settings):find("setting " .. name .. ": expected .*, got thread"), name)
    end
  end)

  it("are refused where a number is none that C can hold", function()
    for name, value in pairs(new_settings()) do
      for _, wrong in ipairs { -1, 0 / 0, 1 / 0, 1e300 } do
        local settings = new_settings()
        settings[name] = wrong
        assert.is_true(type(value) ~= "number" or message_of(settings):find(name, 1, true) ~= nil, name)
      end
    end
  end)

  it("are refused where a list holds something else", function()
    for name, value in pairs { headers = { "a: b", 5 }, accept_codes = { 1100, "x" } } do
      local settings = new_settings()
      settings[name] = value
      assert.truthy(message_of(settings):find("setting " .. name .. ": expected a list", 1, true), name)
    end
  end)

  it("are refused where the core does not know them", function()
    local settings = new_settings()
    settings.tiemout = 5
    assert.truthy(message_of(settings):find("setting tiemout: unknown to the core", 1, true))
    settings.tiemout, settings[1] = nil, true
    assert.truthy(message_of(settings):find("setting number: unknown to the core", 1, true))
  end)

  it("of credentials are read as strictly", function()
    local client = postevent.new { url = URL }
    local ok, message = pcall(client._set_credentials, client, { authorization = "x", user = false })
    assert.is_false(ok)
    assert.truthy(message:find("setting password: expected text or false, got nil", 1, true))
    client:close()
  end)
end)

describe("a module that is loaded anew", function()
  helper.guard()
  local loaded

  before_each(function()
    loaded = {}
    for name, module in pairs(package.loaded) do
      loaded[name] = module
    end
  end)

  after_each(function()
    for name in pairs(package.loaded) do
      if name:find "^postevent" then
        package.loaded[name] = loaded[name]
      end
    end
    postevent = require "postevent"
  end)

  local function forget(pattern)
    for name in pairs(loaded) do
      if name:find(pattern) then
        package.loaded[name] = nil
      end
    end
    return require "postevent"
  end

  for _, pattern in ipairs { "^postevent$", "^postevent%.core$", "^postevent%.definitions", "^postevent" } do
    it("knows the clients and the definitions that it made before (D7): " .. pattern, function()
      local definitions = postevent.definitions { e = { c = "customer" } }
      local client = postevent.new { url = URL, definitions = definitions }
      local anew = forget(pattern)
      assert.is_true(client:set_authorization("Basic eA=="))
      assert.is_string(client:metrics())
      assert.is_string(client:encode { event_name = "e", c = "1" })
      local other = anew.new { mode = "record", definitions = definitions }
      assert.is_nil((other:encode { event_name = "e" }))
      assert.is_string(other:metrics())
      other:close()
      client:close()
      assert.is_string(client:metrics())
      local ok, message = pcall(client.set_authorization, {}, "Basic eA==")
      assert.is_false(ok)
      assert.truthy(message:find("set_authorization: expected a client", 1, true))
    end)
  end
end)
