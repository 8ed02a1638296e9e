-- What `relay` may be, and what new says of what it may not.
local helper = require "support.helper"
local postevent = require "postevent"

local URL = "redis://127.0.0.1"

-- What is wrong, and a piece of the message.
local WRONG = {
  { "redis://h", "relay: expected a table, got text" }, { {}, "relay.url: missing" },
  { { url = 5 }, "relay.url: expected text, got a number" },
  { { url = "http://x" }, "relay.url: must begin with redis:// or unix://" },
  { { url = "redis://" }, "relay.url: must name a host" }, { { url = URL .. "?db=1" }, "relay.url: must name a host" },
  { { url = URL .. "#x" }, "relay.url: must name a host" }, { { url = "redis://a,b" }, "relay.url: must name a host" },
  { { url = "redis://[g]" }, "relay.url: must name a host" },
  { { url = URL .. ":0" }, "relay.url: must have a port from 1 to 65535" },
  { { url = URL .. ":65536" }, "relay.url: must have a port from 1 to 65535" },
  { { url = URL .. "/x" }, "relay.url: must have the number of a database" },
  { { url = "redis://us%zz:a@127.0.0.1" }, "relay.url: must hold the user and the password percent-encoded" },
  { { url = "redis://u:s3cret@example.com" }, "relay.url: redis:// to another machine would show the password" },
  { { url = "unix://" }, "relay.url: must name a socket" },
  { { url = "unix:///a?db=x" }, "relay.url: must have the number of a database" },
  { { url = URL, stream = "" }, "relay.stream: expected text, got empty text" },
  { { url = URL, overflow = "drop_oldest" }, "relay.overflow: needs relay.max_length" },
  { { url = URL, max_length = 5, overflow = "drop" }, 'did you mean "drop_oldest"?' },
  { { url = URL, max_length = 0 }, "relay.max_length: expected a whole number from 1" },
  { { url = URL, wait_replicas = 1.5 }, "relay.wait_replicas: expected a whole number from 0 to 100" },
}

describe("the option relay", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()

  it("is refused by its name where it cannot be", function()
    for _, case in ipairs(WRONG) do
      local ok, message = pcall(postevent.new, { relay = case[1] })
      assert.is_false(ok, case[2])
      assert.truthy(message:find(case[2], 1, true), message)
      assert.is_nil(message:find("s3cret", 1, true))
    end
  end)

  it("stands alone: how something is posted is the deliverers' business", function()
    for name, value in pairs { url = "http://127.0.0.1/x", authorization = "Basic x", headers = { a = "b" },
      proxy = "http://127.0.0.1:1", rate_limit = { per_second = 5 }, max_in_flight = 5 } do
      local ok, message = pcall(postevent.new, { relay = { url = URL }, [name] = value })
      assert.is_false(ok)
      assert.truthy(message:find(name .. ": has no meaning with `relay`", 1, true), message)
    end
  end)

  it("may be an address of IPv6, a socket, and have a user", function()
    for _, url in ipairs { "redis://[::1]:6379/1", "unix:///run/redis.sock?db=2", "redis://u:s3cret@localhost",
      "REDIS://127.0.0.1" } do
      local client = postevent.new { relay = { url = url } }
      assert.is_nil(tostring(client):find("s3cret", 1, true))
      client:close()
    end
  end)
end)
