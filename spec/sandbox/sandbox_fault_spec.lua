-- A fault, as text and as a table; and which requests meet it.
local fault = require "postevent.sandbox.fault"

describe("a fault", function()
  it("is read from a text, and written as the same", function()
    for text, fields in pairs {
      ["status=503,retry_after=2,share=0.3,seconds=10"] = { status = 503, retry_after = 2, share = 0.3, seconds = 10 },
      ["html"] = { html = true },
      ["drop=after,every=3,times=2"] = { drop = "after", every = 3, times = 2 },
      ["delay=0.25,event=be_reserved,customer=99,webhook=w-1,one"] = {
        delay = 0.25, event = "be_reserved", customer = "99", webhook = "w-1", one = true,
      },
      ["status=504,taken=true"] = { status = 504, taken = true },
      ['status=400,body={"a":1,"b":[2,"status=9"]}'] = { status = 400, body = '{"a":1,"b":[2,"status=9"]}' },
      ["status=500,body=one, two=2,x"] = { status = 500, body = "one, two=2,x" },
      ["status=429,above=10"] = { status = 429, above = 10 },
      ["code=7301,trickle=1.5"] = { code = 7301, trickle = 1.5 },
    } do
      local read = assert(fault.parse(text))
      assert.same(fields, read)
      assert.same(fields, fault.parse(fault.text(read)))
    end
    assert.equal("status=503,retry_after=2,share=0.3,seconds=10",
      fault.text(fault.parse " seconds = 10 , share=0.3,status= 503,retry_after=2"))
    assert.same({ stall = true }, fault.parse "stall=true")
    assert.same({ stall = true }, fault.check { stall = true, html = false })
    for name, key in pairs { shrae = "no key of a fault", share = "expected a number", drop = "expected" } do
      local read, problem = fault.check { stall = true, [name] = false }
      assert.is_nil(read, name)
      assert.truthy(problem:find(name .. ": " .. key, 1, true), problem)
    end
  end)

  it("that is wrong is told so, with its key and what was meant", function()
    for text, expected in pairs {
      ["statsu=503"] = "statsu: no key of a fault, did you mean status?",
      ["Retry-After=5"] = "Retry-After: no key of a fault, did you mean retry_after?",
      ["zzzzzz"] = "zzzzzz: no key of a fault",
      [""] = ": no key of a fault",
      ["status=503,"] = ": no key of a fault",
      ["status"] = "status: expected status=...",
      ["status=abc"] = 'status: expected a whole number from 200 to 599, got "abc"',
      ["status=600"] = 'status: expected a whole number from 200 to 599, got 600',
      ["status=503.5"] = 'status: expected a whole number from 200 to 599, got 503.5',
      ["status=503,status=500"] = "status: given twice",
      ["share=0.5"] = "nothing happens: expected one of "
        .. "status, code, html, unauthorized, delay, drop, stall, trickle",
      ["html,share=0"] = 'share: expected a number above 0, at most 1, got 0',
      ["html,share=30%"] = 'share: expected a number above 0, at most 1, got "30%"',
      ["html,every=0"] = 'every: expected a whole number from 1 to 1000000, got 0',
      ["drop=late"] = 'drop: expected after, before or reply, got "late"',
      ["status=503,html"] = "html: not together with status",
      ["drop=after,stall"] = "stall: not together with drop",
      ["html,retry_after=5"] = "retry_after: goes with status",
      ["delay=1,body=x"] = "body: goes with status",
      ["drop=before,event=e"] = "event: not known before the event is read (drop=before)",
      ["status=500,body=oops,times=2"] = "body: takes all that is behind it, times too; it comes last",
      ["status=500,body=a,b, one "] = "body: takes all that is behind it, one too; it comes last",
      ["status=500,body=,one,x"] = "body: takes all that is behind it, one too; it comes last",
      ["html,one=3"] = 'one: expected true, or the key alone, got "3"',
      ["html,taken=maybe"] = 'taken: expected true or false, got "maybe"',
      ["html,event="] = 'event: expected text of at most 300 bytes, got empty text',
    } do
      assert.same({ nil, expected }, { fault.parse(text) }, text)
    end
    for _, fields in ipairs { { status = "503" }, { status = {} }, { html = 1 }, { event = {}, html = true }, 5 } do
      local made, problem = fault.check(fields)
      assert.is_nil(made)
      assert.is_string(problem)
    end
  end)

  it("is as long as its bounds allow", function()
    assert.is_table(fault.check { status = 500, body = ("x"):rep(4096) })
    assert.is_nil(fault.check { status = 500, body = ("x"):rep(4097) })
  end)
end)

describe("the page about faults", function()
  it("has a row for each key, where it belongs, and no other", function()
    local helper = require "support.helper"
    local keys = require "postevent.sandbox.fault_keys"
    local parts, told = { ["What happens"] = "what", ["To whom"] = "whom", ["For how long"] = "long" }, {}
    local page = helper.read_file("docs/reference/faults.md"):gsub("\n## ", "\1")
    for title, text in page:gmatch "\1([^\n]+)\n([^\1]*)" do
      for name in text:gmatch "\n| `([%l_]+)" do
        assert.truthy(keys.names[name], name)
        assert.equal(keys.names[name].part, parts[title], name)
        told[name] = true
      end
    end
    for name in pairs(keys.names) do
      assert.is_true(told[name], name)
    end
  end)
end)

describe("the sandbox's faults", function()
  local Faults = require "postevent.sandbox.faults"
  local customers = require "postevent.sandbox.customers"

  local function faults_of(seed, ...)
    local faults = Faults.new(seed, customers.of(nil))
    for _, text in ipairs { ... } do
      assert(faults:add(assert(fault.parse(text))))
    end
    return faults
  end

  local function request(object, more)
    local made = { webhook = "w", object = object or {}, body = "{}" }
    for name, value in pairs(more or {}) do
      made[name] = value
    end
    return made
  end

  -- "x..x": which of so many requests are met.
  local function pattern(faults, count, make)
    local marks = {}
    for i = 1, count do
      marks[i] = faults:meet(make and make(i) or request()) and "x" or "."
    end
    return table.concat(marks)
  end

  it("meet whom they are meant for", function()
    assert.equal("xxx", pattern(faults_of(1, "html"), 3))
    assert.equal("xx..", pattern(faults_of(1, "html,times=2"), 4))
    assert.equal("..x..x.", pattern(faults_of(1, "html,every=3"), 7))
    local by_event = faults_of(1, "html,event=a,every=2")
    assert.equal("..x...x.", pattern(by_event, 8, function(i)
      return request { event_name = i % 2 == 1 and "a" or "b" }
    end))
    assert.equal(".x", pattern(faults_of(1, "html,customer=99"), 2, function(i)
      return request { customer_id = i == 2 and "99" or "98" }
    end))
    assert.equal(".x", pattern(faults_of(1, "html,webhook=b"), 2, function(i)
      return request({}, { webhook = i == 2 and "b" or "a" })
    end))
  end)

  it("know a customer by the definitions", function()
    local faults = Faults.new(1, customers.of(require("postevent").definitions "spec/vectors/definitions.json"))
    faults:add { html = true, customer = "E7" }
    assert.truthy(faults:meet(request { event_name = "membership_renewed", member = "E7" }))
    assert.is_nil(faults:meet(request { event_name = "membership_renewed", customer_id = "E7" }))
    assert.truthy(faults:meet(request { event_name = "unknown", customer_id = "E7" }))
    assert.is_nil(faults:meet(request { event_name = {}, customer_id = {} }))
    faults:add { html = true, customer = "919988776655" }
    assert.truthy(faults:meet(request { event_name = "unknown", customer_id = 919988776655 }))
  end)

  it("know one event again, by its id or its bytes", function()
    assert.equal("x.x.", pattern(faults_of(1, "html,one"), 4, function(i)
      return request({ external_event_id = tostring(i % 2) }, { body = tostring(i) })
    end))
    assert.equal("x.x.", pattern(faults_of(1, "html,one"), 4, function(i)
      return request({}, { body = tostring(i % 2) })
    end))
  end)

  it("refuse the credential that they meet first, and no other", function()
    assert.equal("xxx..x", pattern(faults_of(1, "unauthorized"), 6, function(i)
      return request({}, { authorization = (i == 4 or i == 5) and "new" or "old" })
    end))
  end)

  it("meet what is above a rate", function()
    assert.equal("...xx", pattern(faults_of(1, "status=429,above=3"), 5))
  end)

  it("end after their time, which begins with the first that they meet", function()
    local faults = faults_of(1, "html,seconds=0.01,event=a")
    assert.is_nil(faults:meet(request { event_name = "b" }))
    assert.truthy(faults:meet(request { event_name = "a" }))
    local now = require("postevent.sandbox.httpd").now
    local before = now()
    while now() < before + 0.02 do end
    assert.is_nil(faults:meet(request { event_name = "a" }))
    assert.is_true(faults:list()[1].over)
  end)

  it("draw the same from the same seed, whatever stands beside them", function()
    local alone = pattern(faults_of(7, "html,share=0.5"), 64)
    assert.equal(alone, pattern(faults_of(7, "html,share=0.5", "stall,share=0.5,event=other"), 64))
    assert.not_equal(alone, pattern(faults_of(8, "html,share=0.5"), 64))
    local faults = faults_of(7, "html,share=0.5")
    faults:meet(request())
    faults:clear()
    faults:add(fault.parse "html,share=0.5")
    assert.equal(alone, pattern(faults, 64))
    assert.equal(("x"):rep(64), pattern(faults_of(7, "html,share=1"), 64))
  end)

  it("meet the share that they are told, to a percent or two", function()
    for seed = 1, 5 do
      local _, met = pattern(faults_of(seed, "html,share=0.3"), 10000):gsub("x", "")
      assert.is_true(math.abs(met - 3000) < 200, tostring(met))
    end
  end)

  it("are asked in their order, and one alone is met", function()
    local faults = faults_of(1, "html,every=2", "stall,times=2", "delay=1")
    local texts = {}
    for i = 1, 5 do
      texts[i] = faults:meet(request()).text
    end
    assert.same({ "stall,times=2", "html,every=2", "stall,times=2", "html,every=2", "delay=1" }, texts)
  end)

  it("are a hundred at most, where those that are over make room", function()
    local faults = faults_of(1, "html,times=1")
    for _ = 2, 100 do
      assert(faults:add { stall = true })
    end
    assert.same({ nil, "there are 100 faults already" }, { faults:add { stall = true } })
    faults:meet(request())
    assert.equal(101, faults:add { stall = true })
    assert.equal(100, #faults:list())
  end)
end)
