-- What the log is told of events that were refused, and of posts that failed: a line a second for each code, however
-- many there are. So a program that lets the log speak need not write each of them down.
local documents = require "support.documents"
local helper = require "support.helper"
local postevent = require "postevent"
local posting = require "support.posting"
local rude = require "support.rude"

describe("the log", function()
  helper.guard()

  -- A client whose log lines are gathered in the second value.
  local function recorder(options)
    options.mode = "record"
    return posting.client(nil, options)
  end

  local function lines_of(lines, text)
    local count = 0
    for _, line in ipairs(lines) do
      count = count + (line:find("^warn: " .. text) and 1 or 0)
    end
    return count
  end

  -- Calls until more than a second is gone. Returns the seconds, and how many calls that were.
  local function for_a_second(call)
    local begin, calls = helper.process.now(), 0
    repeat
      call()
      calls = calls + 1
    until helper.process.now() - begin > 1.2
    return helper.process.now() - begin, calls
  end

  for _, method in ipairs { "track", "post" } do
    it("has a line a second of each code that " .. method .. " refuses an event with", function()
      local client, lines = recorder { max_event_bytes = 200 }
      local seconds, calls = for_a_second(function()
        assert.equal("invalid_event", select(3, client[method](client, { event_name = 5 })))
        assert.equal("too_large", select(3, client[method](client, { event_name = "e", text = ("x"):rep(500) })))
      end)
      assert.is_true(calls > 10)
      for _, text in ipairs { "event_name: expected text", "text: does not fit, the event is larger than" } do
        local count = lines_of(lines, "an event was refused: " .. text)
        assert.is_true(count >= 2 and count <= math.floor(seconds) + 1, table.concat(lines, "\n"))
      end
      assert.truthy(lines[#lines]:find("%(and %d+ more of the kind%)$"))
      client:close()
      assert.equal("closed", select(3, client[method](client, { event_name = "e" })))
      assert.equal(1, lines_of(lines, "an event was refused: the client is closed"))
    end)
  end

  it("is not told of what before_send keeps back, nor of what is only shown", function()
    local client, lines = recorder {
      before_send = function(event) return event.event_name ~= "secret" and event or nil end,
    }
    assert.equal("filtered", select(3, client:track { event_name = "secret" }))
    assert.equal("filtered", select(3, client:post { event_name = "secret" }))
    assert.equal("invalid_event", select(3, client:encode { event_name = 5 }))
    client:set_mode "off"
    assert.equal(0, client:track { event_name = 5 })
    assert.same({}, lines)
    client:close()
  end)

  it("has a line a second of posts that fail, whatever they took", function()
    local server = rude.start("answer", { reply = { status = 422, body = "{}" } })
    local client, lines = posting.client(server.url)
    local seconds, calls = for_a_second(function()
      assert.equal("rejected", select(3, client:post(documents.new_event())))
    end)
    assert.is_true(calls > 2)
    local count = lines_of(lines, "a post took 1 attempt and ended rejected: the platform refused this event")
    assert.is_true(count >= 1 and count <= math.floor(seconds) + 1, table.concat(lines, "\n"))
    client:close()
  end)

  it("is not told of a post that went as it should", function()
    local sandbox = helper.start_sandbox()
    local outcome = posting.post(sandbox.url)
    assert.is_table(outcome.reply)
    assert.same({}, outcome.log)
  end)

  it("may use the client that refused, and raise", function()
    local client
    client = postevent.new {
      mode = "record", log = function()
        client:track { event_name = 5 }
        client:track { event_name = "from the log" }
        error "broken"
      end,
    }
    assert.equal("invalid_event", select(3, client:track { event_name = 5 }))
    assert.equal("from the log", client:recorded()[1].event_name)
    client:close()
  end)
end)
