-- post against the sandbox: the documented event goes out, the reply comes back as a table.
local cjson = require "cjson"
local documents = require "support.documents"
local growth = require "support.growth"
local helper = require "support.helper"
local nginx = require "support.nginx"
local postevent = require "postevent"
local rude = require "support.rude"
local tracking = require "support.tracking"

local UUID = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"
local UUID7 = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-7%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"
local STAMP = "^%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d$"

describe("client:post", function()
  helper.guard()
  local sandbox = helper.shared_sandbox()

  local new = tracking.maker(sandbox)

  local function received()
    local events = sandbox:events()
    return events[#events] and events[#events].event, #events
  end

  it("sends the documented event and returns the documented reply", function()
    local reply, message = new():post(documents.new_event())
    assert.is_nil(message)
    assert.equal(1100, reply.status.code)
    assert.equal("Event is pushed to transformation state", reply.status.message)
    assert.truthy(reply.requestId:find(UUID))
    assert.equal(200, reply.http_status)
    assert.equal(1, reply.attempts)
    assert.is_true(reply.elapsed > 0 and reply.elapsed < 5)
    assert.equal("RAND121", reply.event_id)
    assert.same(documents.event, (received()))
    assert.equal("20", tostring(cjson.encode(received().age)))
  end)

  it("sends what the platform asks for: JSON, the credentials, one POST", function()
    local server = nginx.start { proxy_to = sandbox.base, log_headers = { "X-Source", "X-Empty", "Accept-Encoding" } }
    local client = new {
      url = server.url .. documents.path, authorization = documents.authorization, user_agent = "game/1.0",
      headers = { ["X-Source"] = "spec", ["X-Empty"] = "" },
    }
    assert(client:post(documents.new_event()))
    local request = server:requests(1)[1]
    assert.equal("POST", request.method)
    assert.equal(documents.path, request.uri)
    assert.equal("application/json", request.http_content_type)
    assert.equal(documents.authorization, request.http_authorization)
    assert.equal("game/1.0", request.http_user_agent)
    assert.equal("spec", request.http_x_source)
    assert.equal("", request.http_expect)
    assert.same(documents.event, cjson.decode(request.body))
  end)

  it("authorizes with a user and a password too, and with new credentials from the next post on", function()
    local server = nginx.start {}
    local client = new { url = server.url .. "/x", user = "Aladdin", password = "open:sesame" }
    assert(client:post(documents.new_event()))
    assert(client:set_authorization "Basic bmV3")
    assert(client:post(documents.new_event()))
    assert(client:set_authorization("Aladdin", ""))
    assert(client:post(documents.new_event()))
    local requests = server:requests(3)
    assert.equal("Basic QWxhZGRpbjpvcGVuOnNlc2FtZQ==", requests[1].http_authorization)
    assert.equal("Basic bmV3", requests[2].http_authorization)
    assert.equal("Basic QWxhZGRpbjo=", requests[3].http_authorization)
  end)

  it("keeps one connection alive", function()
    local server = nginx.start {}
    local client = new { url = server.url .. "/x" }
    for _ = 1, 20 do
      assert(client:post(documents.new_event()))
    end
    assert.equal(20, #server:requests(20))
    assert.equal(1, server:connections())
  end)

  it("posts again at no cost when the server closed the idle connection", function()
    local server = rude.start("close_after_reply_idle", { delay = 0 })
    local client = new { url = server.url, attempts = 1 }
    for i = 1, 3 do
      local reply, message = client:post(documents.new_event())
      assert.is_table(reply, message)
      assert.equal(1, reply.attempts)
      server:events("closed", i)
    end
    assert.equal(3, server:requests())
  end)

  it("stamps an event that has no time, in UTC", function()
    local before = os.date "!%Y-%m-%d %H:%M:%S"
    assert(new():post { event_name = "e", eventDateTime = cjson.null })
    local stamp = received().eventDateTime
    assert.truthy(stamp:find(STAMP))
    assert.is_true(stamp >= before and stamp <= os.date "!%Y-%m-%d %H:%M:%S")
    assert(new { stamp = false }:post { event_name = "e" })
    assert.is_nil(received().eventDateTime)
    assert(new():post { event_name = "e", eventDateTime = "2024-04-11" })
    assert.equal("2024-04-11", received().eventDateTime)
  end)

  it("gives an event an id where it is asked to", function()
    local client = new { id_attribute = "my_id" }
    local reply = assert(client:post { event_name = "e" })
    assert.truthy(reply.event_id:find(UUID7))
    assert.equal(reply.event_id, received().my_id)
    assert.not_equal(reply.event_id, assert(client:post { event_name = "e" }).event_id)
    assert.equal("mine", assert(client:post { event_name = "e", my_id = "mine" }).event_id)
    assert.equal("mine", received().my_id)
    assert.equal("7", assert(client:post { event_name = "e", my_id = 7 }).event_id)
    assert.equal(7, received().my_id)
    for _, nothing in ipairs { cjson.null, "" } do
      local event_id = assert(client:post { event_name = "e", my_id = nothing }).event_id
      assert.truthy(event_id:find(UUID7))
      assert.equal(event_id, received().my_id)
    end
    assert.is_nil(assert(new():post { event_name = "e" }).event_id)
    assert.is_nil(received().external_event_id)
    assert(new():post { event_name = "e", external_event_id = "" }) -- nobody asked
    assert.equal("", received().external_event_id)
  end)

  it("gives it to what before_send and common leave without one", function()
    for _, options in ipairs {
      { common = { my_id = "" } },
      { before_send = function(event) event.my_id = "" return event end },
    } do
      options.id_attribute = "my_id"
      local client = new(options)
      local event_id = assert(client:post { event_name = "e" }).event_id
      assert.truthy(event_id and event_id:find(UUID7))
      assert.equal(event_id, received().my_id)
    end
  end)

  it("adds the common attributes that an event does not have", function()
    local common = { storeUnitID = "st-7", age = 1, extra = { a = { 1 } } }
    local client = new { common = common }
    common.storeUnitID = "changed later"
    assert(client:post { event_name = "e", age = 20 })
    local event = received()
    assert.equal("st-7", event.storeUnitID)
    assert.equal(20, event.age)
    assert.same({ a = { 1 } }, event.extra)
    assert(client:post { event_name = "e", age = cjson.null })
    assert.equal(cjson.null, received().age)
    assert(new { common = { event_name = "from_common" } }:post {})
    assert.equal("from_common", received().event_name)
  end)

  it("shows before_send a copy, and sends what it returns", function()
    local event = { event_name = "e", card = "4111", inner = { x = 1 } }
    local client = new {
      common = { store = "s" },
      before_send = function(copy)
        assert(copy ~= event and copy.inner ~= event.inner and copy.store == "s")
        copy.card, copy.inner.x, copy.store = nil, 2, nil
        return copy
      end,
    }
    assert(client:post(event))
    assert.same({ event_name = "e", inner = { x = 2 }, eventDateTime = received().eventDateTime }, (received()))
    assert.same({ event_name = "e", card = "4111", inner = { x = 1 } }, event)
  end)

  it("shows before_send nothing of the caller's, however deep it is", function()
    local shared = { child = { x = 1 } }
    local deep, bottom = shared, { x = 1 }
    for _ = 1, 33 do
      deep = { deep }
    end
    local deeper = { bottom }
    for _ = 1, 100000 do
      deeper = { deeper }
    end
    local client = new {
      before_send = function(event)
        event.b.child.x = 99
        local at = event.c
        while not at.x do
          at = at[1]
        end
        at.x = 99
        return { event_name = "e", b = event.b }
      end,
    }
    assert(client:post { event_name = "e", a = deep, b = shared, c = deeper })
    assert.equal(99, received().b.child.x)
    assert.same({ 1, 1 }, { shared.child.x, bottom.x })
  end)

  local function fail()
    error "a metamethod was called"
  end
  local hostile = { __index = fail, __newindex = fail, __eq = fail, __len = fail, __pairs = fail }

  it("reads an event raw before it shows it", function()
    for _, given in ipairs { {}, { before_send = function(event) return event end }, { mode = "record" } } do
      given.common = { event_name = "e", store = "s" }
      local client = new(given)
      local json = client:encode(setmetatable({}, hostile))
      assert.truthy(json and json:find('"store":"s"', 1, true))
      assert.truthy(json:find('"event_name":"e"', 1, true))
    end
  end)

  it("reads common raw", function()
    local client = new { before_send = function(event) return event end, common = setmetatable({}, hostile) }
    assert.is_nil((client:encode(setmetatable({}, hostile))))
    client:set_common(setmetatable({}, hostile))
    assert.is_string((client:encode { event_name = "e" }))
  end)

  it("copies what before_send returns, when that is not the copy it was given", function()
    local mine = { event_name = "mine" }
    local client = new {
      id_attribute = "id",
      before_send = function()
        return mine
      end,
    }
    local first = assert(client:post { event_name = "x" })
    local second = assert(client:post { event_name = "x" })
    assert.not_equal(first.event_id, second.event_id)
    assert.same({ event_name = "mine" }, mine)
  end)

  it("sends nothing when before_send returns nil", function()
    local reply, message, code, detail = new {
      before_send = function() end,
    }:post { event_name = "e" }
    assert.is_nil(reply)
    assert.is_string(message)
    assert.equal("filtered", code)
    assert.is_false(detail.sent)
    assert.equal(0, select(2, received()))
  end)

  it("lets an error of before_send reach the caller, and goes on afterwards", function()
    local broken = true
    local client = new {
      before_send = function(event)
        return broken and error({ mine = true }) or event
      end,
    }
    local ok, raised = pcall(client.post, client, { event_name = "e" })
    assert.is_false(ok)
    assert.is_true(raised.mine)
    broken = false
    assert(client:post { event_name = "e" })
    local odd = new {
      before_send = function()
        return "text"
      end,
    }
    ok, raised = pcall(odd.post, odd, { event_name = "e" })
    assert.is_false(ok)
    assert.truthy(raised:find("before_send must return a table or nil", 1, true))
  end)

  it("may be closed, or used, by before_send", function()
    local client
    client = new {
      before_send = function(event)
        if event.event_name == "outer" then
          assert(client:post { event_name = "inner" })
        elseif event.event_name == "last" then
          client:close()
        end
        return event
      end,
    }
    assert(client:post { event_name = "outer" })
    assert.equal("outer", received().event_name)
    assert.equal(2, select(2, received()))
    assert.equal("closed", select(3, client:post { event_name = "last" }))
  end)

  it("raises when the event is not a table", function()
    local client = new()
    for _, event in ipairs { "x", 5, true, print } do
      assert.is_false((pcall(client.post, client, event)))
      assert.is_false((pcall(client.encode, client, event)))
    end
    assert.is_false((pcall(client.post, client)))
    assert.is_false((pcall(client.post, {}, {})))
    assert.is_false((pcall(client.post)))
  end)

  it("refuses a bad event before anything is sent", function()
    local reply, message, code, detail = new():post { event_name = "e", age = 0 / 0 }
    assert.is_nil(reply)
    assert.truthy(message:find "^age: ")
    assert.equal("invalid_event", code)
    assert.is_false(detail.sent)
    assert.equal(0, select(2, received()))
  end)

  it("answers closed after close, which may be called twice", function()
    local client = new()
    assert.is_true(client:close())
    assert.is_true(client:close())
    for _, method in ipairs { "post", "encode" } do
      local reply, message, code, detail = client[method](client, { event_name = "e" })
      assert.is_nil(reply)
      assert.is_string(message)
      assert.equal("closed", code)
      assert.is_false(detail.sent)
    end
  end)

  it("is closed by the collector, and by a to-be-closed variable", function()
    local before = helper.process.fd_count()
    for _ = 1, 20 do
      postevent.new({ url = sandbox.url }):post { event_name = "e" }
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(helper.process.fd_count() <= before + 1)
    if _VERSION == "Lua 5.4" then
      local kept = load([[
        local postevent, url = ...
        local outer
        do
          local client <close> = postevent.new { url = url }
          outer = client
        end
        return outer
      ]])(postevent, sandbox.url)
      assert.truthy(tostring(kept):find(", closed)", 1, true))
    end
  end)

  it("does not hold a client that its own log function refers to", function()
    local weak = setmetatable({}, { __mode = "v" })
    do
      local client
      client = postevent.new {
        url = sandbox.url,
        log = function()
          return client
        end,
      }
      weak[1] = client
      client:close()
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
  end)

  it("leaves no descriptor to the programs that the host starts", function()
    local client = new()
    assert(client:post { event_name = "e" })
    local status, output = helper.run { "ls", "-l", "/proc/self/fd" }
    local connections = helper.read_file "/proc/self/net/tcp"
    assert.equal(0, status)
    for inode in output:gmatch "socket:%[(%d+)%]" do -- libcurl's own pair of wake-up sockets is not closed
      assert.is_nil(connections:find(" " .. inode .. " ", 1, true), output)
    end
  end)

  it("does not grow over ten thousand posts", function()
    local lua, rss, fds = growth(sandbox.url, 500, 10000)
    assert.is_true(lua < 16 * 1024, ("%d bytes of Lua's more"):format(lua))
    assert.is_true(rss < 1024 * 1024, ("%d bytes more"):format(rss))
    assert.equal(0, fds)
  end)
end)

describe("a client that sends nothing", function()
  helper.guard()

  it("records events in mode record, complete and checked, without a url", function()
    local client = postevent.new { mode = "record", id_attribute = "external_event_id", common = { store = "s" } }
    local event = { event_name = "e", list = { 1 } }
    local reply = assert(client:post(event))
    assert.equal(1100, reply.status.code)
    assert.equal(200, reply.http_status)
    assert.truthy(reply.requestId:find(UUID))
    event.list[1] = "changed later"
    local recorded = client:recorded()
    assert.equal(1, #recorded)
    assert.equal("s", recorded[1].store)
    assert.equal(reply.event_id, recorded[1].external_event_id)
    assert.truthy(recorded[1].eventDateTime:find(STAMP))
    assert.same({ 1 }, recorded[1].list)
    assert.equal("invalid_event", select(3, client:post { age = print }))
    assert.equal(1, #client:recorded())
    client:close()
    assert.equal("closed", select(3, client:post(event)))
    assert.equal(1, #client:recorded())
  end)

  it("keeps and checks nothing in mode off", function()
    local client = postevent.new { mode = "off" }
    local reply = assert(client:post { nonsense = print })
    assert.equal(1100, reply.status.code)
    assert.is_false((pcall(client.recorded, client)))
    client:close()
  end)
end)
