-- The oracle of `make chaos`, with forged logs: a whole story, and then one for each rule that it breaks.
local kinds = require "chaos.kinds"
local oracle = require "chaos.oracle"

local function stats(changes)
  local all = {
    calls = 1, accepted = 1, filtered = 0, refused = {}, delivered = 1, rejected = 0, expired = 0, dropped = 0,
    unknown = 0, pending = 0, queued = 0, waiting = 0, in_flight = 0, restored = 0, results_lost = 0,
  }
  for name, value in pairs(changes or {}) do
    all[name] = value
  end
  return all
end

local function record(what, fields)
  local made = { what = what, client = 1 }
  for name, value in pairs(fields or {}) do
    made[name] = value
  end
  return made
end

local function result(fields)
  local all = { ticket = 7, id = "a", outcome = "delivered", attempts = 1, latency = 0.1 }
  for name, value in pairs(fields or {}) do
    all[name] = value
  end
  return record("result", all)
end

-- A client that was given ticket 7 for the event "a"; then the records, and the end.
local function story(options, ...)
  options.max_age = options.max_age or 1
  local records = { record("new", options), record("accepted", { ticket = 7, id = "a" }), ... }
  records[#records + 1] = { what = "end" }
  return records
end

local took, refused = { id = "a", says = "delivered" }, { id = "a", says = "rejected" }
local broke, held = { id = "a", says = "nothing" }, { id = "a", says = "held" }
local closed = { id = "b", says = "nothing", closes = true }

describe("the oracle of chaos", function()
  local function finds(expected, requests, records)
    assert.same(expected and { expected } or {}, oracle.judge(requests, records))
  end

  it("finds nothing where each outcome has its cause", function()
    finds(nil, { broke, took }, story({}, result { attempts = 2 }, record("last", { stats = stats() })))
    finds(nil, { refused }, story({}, result { outcome = "rejected", code = "rejected" }))
    finds(nil, { held, held, held }, story({}, result { outcome = "rejected", code = "unauthorized", attempts = 3 }))
    finds(nil, {}, story({ max_age = 1 }, result { outcome = "expired", latency = 1.01, attempts = 0 }))
    finds(nil, { broke }, story({ ambiguous = false }, result { outcome = "unknown", code = "timeout" }))
    finds(nil, { closed }, story({ ambiguous = false }, result { outcome = "unknown", code = "interrupted" }))
    finds(nil, {}, story({ overflow = "drop_oldest" },
      result { outcome = "dropped", code = "queue_full", attempts = 0 }))
    finds(nil, {}, story({}, record "withdrawn", result { outcome = "dropped", code = "withdrawn", attempts = 0 }))
    finds(nil, { took, took }, story({ spools = true }, result { ticket = nil, restored = true, attempts = 1 }))
    finds(nil, {}, story({}, record("last", { stats = stats { delivered = 0, pending = 1, queued = 1 } })))
    finds(nil, {}, story({}, record("refused", { id = "r", code = "queue_full", sent = false })))
    finds(nil, { took }, story({}, record("posted", { id = "a", attempts = 1 })))
    finds(nil, {}, story({}, record("posted", { id = "p", attempts = 1, off = true })))
  end)

  it("finds outcomes without a cause", function()
    finds("a is delivered (nil) without a cause", { broke }, story({}, result()))
    finds("a is rejected (rejected) without a cause", { took },
      story({}, result { outcome = "rejected", code = "rejected" }))
    finds("a is rejected (unauthorized) without a cause", { held, held },
      story({}, result { outcome = "rejected", code = "unauthorized", attempts = 2 }))
    finds("a is expired (nil) without a cause", {},
      story({ max_age = 1 }, result { outcome = "expired", latency = 0.5 }))
    finds("a is unknown (timeout) without a cause", { broke },
      story({ ambiguous = true }, result { outcome = "unknown", code = "timeout" }))
    finds("a is unknown (timeout) without a cause", {},
      story({ ambiguous = false }, result { outcome = "unknown", code = "timeout" }))
    finds("a is unknown (interrupted) without a cause", {},
      story({ ambiguous = false }, result { outcome = "unknown", code = "interrupted" }))
    finds("a is dropped (queue_full) without a cause", {},
      story({ overflow = "wait" }, result { outcome = "dropped", code = "queue_full" }))
    finds("a is dropped (withdrawn) without a cause", {}, story({}, result { outcome = "dropped", code = "withdrawn" }))
    finds("a is lost (nil) without a cause", { took }, story({}, result { outcome = "lost" }))
  end)

  it("finds tickets and ids that do not agree", function()
    finds("a second result of a", { took }, story({}, result(), result()))
    finds("a result of ticket 8 for a, which was given to nil", { took }, story({}, result { ticket = 8 }))
    finds("ticket 7 was given twice", {}, story({}, record("accepted", { ticket = 7, id = "b" })))
    finds("a was restored, and never accepted", { took }, story({}, result { restored = true }))
    finds("1 tickets, 0 restored, but 0 results and 0 pending", { took },
      story({}, record("last", { stats = stats() })))
    finds("results were lost", { took }, story({}, result(), record("last", { stats = stats { results_lost = 1 } })))
  end)

  it("finds what was sent more often than it was said, or at all", function()
    finds("a was sent 1 times, and received 2 times", { broke, took }, story({}, result()))
    finds("a was sent again, though it may have arrived", { { id = "a", says = "nothing", is_lost = true }, took },
      story({ ambiguous = false }, result { attempts = 2 }))
    finds("a was posted 1 times, and received 2 times", { broke, took },
      story({}, record("posted", { id = "a", attempts = 1 })))
    finds("a was refused (queue_full), and received", { took },
      story({}, record("refused", { id = "a", code = "queue_full", sent = false })))
    finds("r was refused (closed), and sent is maybe", {},
      story({}, record("refused", { id = "r", code = "closed", sent = "maybe" })))
    finds("post said that a was delivered, the server did not", { broke },
      story({}, record("posted", { id = "a", attempts = 1 })))
    finds("post said that a was rejected, the server did not", { broke },
      story({}, record("posted", { id = "a", code = "rejected", sent = true, attempts = 1 })))
    finds("post said that a was not sent, and it was taken", { took },
      story({}, record("posted", { id = "a", code = "timeout", sent = false, attempts = 1 })))
    finds("a was posted in the mode off, and received", { took },
      story({}, record("posted", { id = "a", off = true })))
  end)

  it("finds books that do not balance, and a program that broke off", function()
    finds("calls is not the sum of its parts", {}, story({}, record("stats", { stats = stats { calls = 2 } })))
    finds("accepted is not the sum of its parts", {}, story({}, record("stats", { stats = stats { delivered = 0 } })))
    finds("pending is not the sum of its parts", {}, story({}, record("stats", { stats = stats { queued = 1 } })))
    finds("the child has the parent's", {}, story({}, record("wrong", { words = "the child has the parent's" })))
    finds("the program did not come to its end", {}, { record "new" })
  end)
end)

describe("the kinds of chaos", function()
  it("are more than thirty, and drawn alike by every Lua, whatever the order", function()
    assert.is_true(#kinds.list > 30)
    local seen, count = {}, 0
    for number = 1, 2000 do
      local kind = kinds.draw(3, "3-" .. number, 1)
      assert.equal(kind, kinds.draw(3, "3-" .. number, 1))
      count = count + (seen[kind.name] and 0 or 1)
      seen[kind.name] = true
    end
    assert.equal(#kinds.list, count)
    assert.equal("short_reply", kinds.draw(7, "7-12", 2).name)
  end)
end)
