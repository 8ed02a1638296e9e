-- postevent.sandbox.start: a sandbox in a child process, for the tests of programs.
local cjson = require "cjson"
local documents = require "support.documents"
local helper = require "support.helper"
local socket = require "socket"
local start = require("postevent.sandbox").start

local function run(code)
  return helper.run_lua({ code = 'local start = require("postevent.sandbox").start\n' .. code })
end

describe("a sandbox that a program has started", function()
  helper.guard()

  local function begin(options)
    local sandbox = assert(start(options))
    helper.defer(function() sandbox:stop() end)
    return sandbox
  end

  local function post(sandbox, event)
    return helper.http_request { url = sandbox.url, body = cjson.encode(event or documents.event) }
  end

  it("takes events, and tells of them", function()
    local sandbox = begin { definitions = "spec/vectors/definitions.json", unique = true }
    assert.equal(("http://127.0.0.1:%d/eucrm/webhooks/sandbox"):format(sandbox.port), sandbox.url)
    for _ = 1, 2 do
      assert.equal(200, post(sandbox).status)
    end
    local events = sandbox:events()
    assert.same({ 2, "good", true }, { #events, events[1].outcome, events[2].duplicate })
    assert.equal("RAND121", events[1].event.external_event_id)
    assert.same({ requests = 2, taken = 2, processed = 1, duplicates = 1, faults = 0, dropped = 0 }, sandbox:counts())
    sandbox:reset()
    assert.same({}, sandbox:events())
    assert.equal(0, sandbox:counts().taken)
  end)

  it("has faults, of a table or a text, and scenarios", function()
    local sandbox = begin { faults = { "status=500" }, seed = 3 }
    assert.equal(500, post(sandbox).status)
    sandbox:heal()
    local id = sandbox:fault { status = 502, times = 2 }
    sandbox:fault "status=503,retry_after=1"
    assert.equal(502, post(sandbox).status)
    sandbox:heal(id)
    assert.equal(503, post(sandbox).status)
    sandbox:scenario "captive-portal"
    assert.equal("text/html", post(sandbox).headers["content-type"])
    sandbox:scenario { name = "rate-limit", above = 1 }
    post(sandbox)
    assert.equal(429, post(sandbox).status)
    assert.equal(6, #sandbox:attempts())
    sandbox:reset()
    assert.equal(200, post(sandbox).status)
  end)

  it("has its methods told of in the how-to", function()
    local page = helper.read_file "docs/howto/testing.md"
    for name in pairs(getmetatable(begin()).__index) do
      assert.truthy(name:find "^_" or page:find("| `sandbox:" .. name, 1, true), name)
    end
  end)

  it("has annotations that say what there is", function()
    local library = require("support.annotations").read "library/postevent/sandbox.lua"
    local function names_of(map, but_for)
      local names = {}
      for name in pairs(map) do
        if not name:find "^_" and name ~= but_for then names[#names + 1] = name end
      end
      table.sort(names)
      return names
    end
    local keys = require("postevent.sandbox.fault_keys").names
    local sandbox = begin()
    assert.same(names_of(keys), names_of(library.classes["postevent.sandbox.fault"]))
    assert.same(names_of(getmetatable(sandbox).__index), names_of(library.functions.Process))
    assert.same(names_of(sandbox:counts()), names_of(library.classes["postevent.sandbox.counts"]))
    for name, key in pairs(keys) do
      assert.is_true(key.part == "what" or library.classes["postevent.sandbox.scenario"][name] ~= nil, name)
    end
    for name in pairs(library.classes["postevent.sandbox.options"]) do
      local done, message = pcall(start, { [name] = io.stdout })
      assert.is_false(done)
      assert.is_nil(message:find("unknown option", 1, true))
    end
  end)

  it("raises on mistakes, where they were made", function()
    local sandbox = begin()
    for _, mistake in ipairs {
      { "statsu: no key of a fault, did you mean status?", function() sandbox:fault { statsu = 1 } end },
      { "nothing happens: ", function() sandbox:fault "share=0.5" end },
      { "name: expected outage, ", function() sandbox:scenario "outrage" end },
      { "the sandbox answered 404: no fault has the id 7", function() sandbox:heal(7) end },
      { "unknown option 'host'", function() start { host = "0.0.0.0" } end },
      { "unknown option 'log'", function() start { log = print } end },
      { "option 'faults': html: not together with status", function() start { faults = { "status=500,html" } } end },
      { "option 'definitions': ", function() start { definitions = "/nowhere.json" } end },
    } do
      local done, message = pcall(mistake[2])
      assert.is_false(done)
      assert.truthy(message:find("sandbox_start_spec.lua:%d+: " .. mistake[1]:gsub("%p", "%%%0")), message)
    end
    sandbox:stop()
    sandbox:stop()
    local done, message = pcall(sandbox.events, sandbox)
    assert.is_false(done)
    assert.truthy(message:find("the sandbox was stopped", 1, true))
  end)

  it("that cannot listen is none, and says why", function()
    local sandbox = begin()
    local none, message = start { port = sandbox.port }
    assert.is_nil(none)
    assert.truthy(message:find(("cannot listen on 127.0.0.1, port %d: "):format(sandbox.port), 1, true), message)
  end)

  it("holds no socket of the program's open", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    begin()
    listener:close()
    assert.same({ nil, "connection refused" }, { socket.connect("127.0.0.1", tonumber(port)) })
  end)

  it("ends with the program, however that ends", function()
    for how, code in pairs {
      ["at its end"] = "os.exit(0, true)", ["without a clean-up"] = "os.exit(0)", ["by an error"] = 'error "oops"',
      ["by a signal"] = 'local p = require "support.process" p.kill(p.getpid(), "SIGKILL")',
    } do
      local _, output = run(([[
        local sandbox = assert(start())
        io.write(sandbox.port, "\n")
        io.stdout:flush()
        %s
      ]]):format(code))
      local url = ("http://127.0.0.1:%s/sandbox/events"):format(output:match "%d+")
      helper.wait_until(function()
        return helper.http_request { url = url, timeout = 1 } == nil
      end, 5, how)
    end
  end)

  it("writes nothing of what the program was about to write", function()
    local status, output, errors = run [[
      io.stdout:setvbuf "full"
      io.write "once"
      local sandbox = assert(start { faults = { "html" } })
      sandbox:stop()
    ]]
    assert.same({ 0, "once", "" }, { status, output, errors })
  end)

  it("runs beside clients and their threads", function()
    local status, output, errors = run [[
      local postevent = require "postevent"
      local first = assert(start())
      local client = postevent.new { url = first.url }
      assert(client:track { event_name = "e" })
      assert(client:flush())
      local second = assert(start())
      client:track { event_name = "e" }
      local other = postevent.new { url = second.url }
      other:track { event_name = "f" }
      assert(client:flush() and other:flush())
      print(#first:events(), #second:events())
      client:close()
      other:close()
      first:stop()
      second:stop()
    ]]
    assert.same({ 0, "2\t1\n", "" }, { status, output, errors })
  end)
end)
