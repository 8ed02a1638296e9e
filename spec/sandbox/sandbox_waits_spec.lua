-- Replies that come late, in drops, in part, or not: what the server does for faults. Whoever waits holds up nobody.
local helper = require "support.helper"
local serving = require "support.serving"
local socket = require "socket"

local SOON = 5 -- seconds, on a busy machine; what must not be waited for takes longer

-- The path says what is to go wrong: /delay=0.2,ending=drop; the body is a hundred bytes.
local HANDLER = [[
  return function(_, path)
    local wrong = {}
    for name, value in path:gmatch "(%l+)=([^,/]+)" do
      wrong[name] = tonumber(value) or value
    end
    return 200, ("x"):rep(100), {}, wrong
  end
]]

local function connect(base)
  local connection = assert(socket.connect("127.0.0.1", tonumber(base:match "%d+$")))
  connection:settimeout(5)
  helper.defer(function()
    connection:close()
  end)
  return connection
end

-- When each connection was last asked: before the server can know of it.
local asked_at = setmetatable({}, { __mode = "k" })

local function ask(connection, path)
  asked_at[connection] = socket.gettime()
  assert(connection:send(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(path)))
end

-- What comes until the end of the connection; how long after it was asked for.
local function read_all(connection)
  local whole, _, part = connection:receive "*a"
  return whole or part, socket.gettime() - asked_at[connection]
end

-- The body of a whole reply, and how long after it was asked for.
local function read_reply(connection)
  repeat
    local line = assert(connection:receive "*l")
  until line == ""
  return assert(connection:receive(100)), socket.gettime() - asked_at[connection]
end

describe("a reply of the sandbox's server", function()
  helper.guard()

  it("comes late, on a connection that goes on", function()
    local _, base = serving.start(HANDLER)
    local connection = connect(base)
    for _ = 1, 2 do
      ask(connection, "/delay=0.6")
      local _, took = read_reply(connection)
      assert.is_true(took >= 0.6 and took < SOON, tostring(took))
      ask(connection, "/")
      assert.is_true(select(2, read_reply(connection)) < 0.6)
    end
  end)

  it("is late for one, and for nobody else", function()
    local _, base = serving.start(HANDLER)
    local late, stalled, quick = connect(base), connect(base), connect(base)
    ask(late, "/delay=0.5")
    ask(stalled, "/ending=stall")
    for _ = 1, 20 do
      ask(quick, "/")
      assert.is_true(select(2, read_reply(quick)) < 0.3)
    end
    assert.equal(("x"):rep(100), (read_reply(late)))
    stalled:settimeout(0)
    assert.equal("timeout", (select(2, stalled:receive(1))))
  end)

  it("is the end of the connection, at once or late", function()
    local _, base = serving.start(HANDLER)
    local connection = connect(base)
    ask(connection, "/ending=drop")
    assert.equal("", (read_all(connection)))
    connection = connect(base)
    ask(connection, "/delay=0.3,ending=drop")
    local text, took = read_all(connection)
    assert.equal("", text)
    assert.is_true(took >= 0.3 and took < SOON)
  end)

  it("comes, late, to who has nothing more to say", function()
    local _, base = serving.start(HANDLER)
    local connection = connect(base)
    ask(connection, "/delay=1.2")
    connection:shutdown "send"
    assert.equal(("x"):rep(100), (read_reply(connection)))
  end)

  it("breaks off in the middle", function()
    local _, base = serving.start(HANDLER)
    local connection = connect(base)
    ask(connection, "/ending=half")
    local text = read_all(connection)
    assert.truthy(text:find "[Cc]ontent%-[Ll]ength: 100\r\n")
    assert.equal(50, #text:match "\r\n\r\n(x*)$")
  end)

  it("comes in drops", function()
    local _, base = serving.start(HANDLER)
    local slow, quick = connect(base), connect(base)
    ask(slow, "/trickle=100") -- a second
    ask(quick, "/")
    assert.is_true(select(2, read_reply(quick)) < 0.9)
    local body, took = read_reply(slow)
    assert.equal(("x"):rep(100), body)
    assert.is_true(took > 0.3 and took < SOON, tostring(took))
    ask(slow, "/") -- the connection goes on
    read_reply(slow)
  end)

  it("waits for news, and is then made anew; or is given when its time is over", function()
    local _, base = serving.start [[
      local count = 0
      return function(method, path)
        count = count + (method == "POST" and 1 or 0)
        local wrong = method == "GET" and count == 0 and { delay = tonumber(path:match "[%d.]+"), ending = "news" }
        return 200, ("%99d "):format(count), {}, wrong or nil, path == "/news"
      end]]
    local waiting, patient, teller = connect(base), connect(base), connect(base)
    ask(waiting, "/0.3")
    local body, took = read_reply(waiting)
    assert.is_true(took >= 0.3 and took < SOON, tostring(took))
    assert.equal(0, tonumber(body))
    ask(patient, "/60")
    ask(waiting, "/60")
    asked_at[teller] = socket.gettime()
    assert(teller:send "POST /news HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    for _, one in ipairs { teller, waiting, patient } do
      body, took = read_reply(one)
      assert.same({ 1, true }, { tonumber(body), took < SOON })
    end
  end)

  it("is not waited for by a server that is told to stop", function()
    local child, base = serving.start(HANDLER)
    local open = {}
    for i, path in ipairs { "/delay=60", "/ending=stall", "/delay=60,ending=news", "/trickle=1", "/trickle=1" } do
      open[i] = connect(base)
      ask(open[i], path)
    end
    assert(open[5]:receive "*l")
    child:kill "SIGTERM"
    assert.same({ "exited", 0 }, { child:wait(20) })
    assert.equal("", child:errors())
  end)

  it("gives its descriptor back when the peer has gone", function()
    local child, base = serving.start(HANDLER)
    local function count()
      local _, listing = helper.run { "ls", ("/proc/%d/fd"):format(child.pid) }
      return select(2, listing:gsub("\n", ""))
    end
    local before = count()
    for _, path in ipairs { "/delay=60", "/delay=60,ending=news", "/ending=stall", "/trickle=1" } do
      local connection = connect(base)
      ask(connection, path)
      helper.wait_until(function() return count() > before end)
      connection:close()
      helper.wait_until(function() return count() == before end, 5, path)
    end
  end)

  it("may be waited for by more than there is room for: the quietest make room", function()
    local _, base = serving.start(HANDLER, { "sh", "-c", 'ulimit -n 100; exec "$@"', "sh" })
    local open = {}
    for i = 1, 150 do
      open[i] = connect(base)
      ask(open[i], i % 2 == 0 and "/ending=stall" or "/trickle=1")
    end
    local quick = connect(base)
    ask(quick, "/")
    assert.is_true(select(2, read_reply(quick)) < SOON)
    assert.equal("closed", select(2, open[2]:receive "*a"))
  end)
end)

describe("the sandbox's server", function()
  helper.guard()

  it("may close a connection of which only the headers have come", function()
    local _, base = serving.start(HANDLER, nil, [[function(method, path, query, header)
      if path == "/raise" then error "oops" end
      return method == "POST" and path == "/away" and query "a" == "b" and header "x-y" == "z"
    end]])
    local connection = connect(base)
    ask(connection, "/raise") -- as if it had said nothing
    read_reply(connection)
    assert(connection:send "POST /away?a=b HTTP/1.1\r\nHost: localhost\r\nX-Y: z\r\nContent-Length: 100\r\n\r\n")
    assert.equal("", (read_all(connection)))
  end)
end)
