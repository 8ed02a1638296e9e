-- What the sandbox keeps, and what it drops.
local cjson = require "cjson"

describe("the sandbox's store", function()
  local Store = require "postevent.sandbox.store"

  local function add(store, body, id)
    store:add(body, { webhook = "w", request_id = id, received_at = "t", is_taken = true, answer = 200 })
  end

  local function events_of(store)
    local ids = {}
    local texts = {}
    for piece in store:events() do
      texts[#texts + 1] = piece
    end
    local decoded = cjson.decode(table.concat(texts))
    for i, event in ipairs(decoded.events) do
      ids[i] = event.requestId
    end
    assert.equal(#ids, decoded.count)
    return ids, decoded.dropped
  end

  it("drops the oldest over its count and says how many", function()
    local store = Store.new(3)
    for i = 1, 5 do
      add(store, "{}", tostring(i))
    end
    assert.same({ { "3", "4", "5" }, 2 }, { events_of(store) })
    store:reset()
    assert.same({ {}, 0 }, { events_of(store) })
  end)

  it("drops the oldest over its bytes", function()
    local store = Store.new(100, 1200)
    for i = 1, 4 do
      add(store, '"' .. ("x"):rep(300) .. '"', tostring(i))
    end
    assert.same({ { "3", "4" }, 2 }, { events_of(store) })
    add(store, '"' .. ("x"):rep(1200) .. '"', "5")
    assert.same({ {}, 5 }, { events_of(store) })
  end)
end)
