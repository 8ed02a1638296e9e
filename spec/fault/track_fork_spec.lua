-- Forks: both processes go on, nothing is delivered twice because of the fork, and the child leaves alone what is the
-- parent's: its threads, its events, its connections.
if not require("support.where").is("lua5.4", "luajit") then
  return
end

local certificates = require "support.certificates"
local helper = require "support.helper"
local nginx = require "support.nginx"

local PRELUDE = [[
local forking = require "support.forking"
local postevent = require "postevent"
local process = require "support.process"
local url, ca_file, stage, ending = arg[1], arg[2], arg[3], arg[4]

local function new(options)
  local all = { url = url, tls = { ca_file = ca_file }, id_attribute = "external_event_id", max_in_flight = 1 }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return postevent.new(all)
end
]]

local STAGES = PRELUDE .. [[
local client = new { max_event_bytes = 1000000 }
local before = 0
local function track_before(count)
  forking.track(client, "before", count)
  before = count
end
local stages = {
  new = function() end,
  start = function()
    assert(client:start())
  end,
  track = function()
    track_before(40)
  end,
  transfer = function()
    track_before(40)
    while client:stats().delivered < 3 do
      process.sleep(0)
    end
  end,
  idle = function()
    track_before(5)
    assert(client:flush())
  end,
  post = function()
    assert(client:post { event_name = "e", external_event_id = "posted before" })
  end,
}
stages[stage]()

local function work()
  forking.assert_nothing(client:stats())
  assert(client:results()(client) == nil, "the child has results of its parent")
  forking.track(client, "child", 20)
  if stage == "post" then
    assert(client:post { event_name = "e", external_event_id = "posted by child" })
  end
  if ending == "at_once" or ending == "exit" then
    forking.close(client, 20)
  else -- the end of the state or the collector does it
    client = nil
    collectgarbage()
    collectgarbage()
  end
end

local pid = forking.fork(work, ending)
forking.track(client, "meanwhile", 20)
forking.join(pid)
assert(client:flush())
forking.track(client, "after", 5)
if stage == "post" then
  assert(client:post { event_name = "e", external_event_id = "posted after" })
end
forking.close(client, before + 25)
]]

local LOG = PRELUDE .. [[
local lines = {}
local client = new {
  queue = { max_events = 3, overflow = "drop_oldest" }, rate_limit = { per_second = 0.01, burst = 1 },
  log = function(level, message) lines[#lines + 1] = level .. " " .. message end,
}
local lenient = new { definitions = { e = { who = "customer:mobile" } }, validation = "warn", stamp = false }
assert(lenient:track { event_name = "e" }) -- invalid, and sent all the same
forking.track(client, "before", 10)
client:stats()
forking.join(forking.fork(function()
  lines = {}
  forking.assert_nothing(lenient:stats())
  assert(#lines == 0, lines[1])
  forking.track(client, "child", 5)
  assert(client:stats().dropped > 0)
  assert(#lines == 1 and lines[1]:find "^warn not delivered since the last line of the kind: 1;.* 1 dropped", lines[1])
end))
assert(lenient:stats().invalid_sent == 1)
]]

local MANY = PRELUDE .. [[
local one, two, closed, posted, never = new(), new(), new(), new(), new()
local counted = new { mode = "record" }
counted:track { event_name = "e" }
forking.track(one, "one", 30)
forking.track(two, "two", 30)
forking.track(closed, "closed", 3)
forking.close(closed, 3)
assert(posted:post { event_name = "e", external_event_id = "posted" })
forking.track(new(), "collected", 10)
collectgarbage()
collectgarbage()

-- Each process in the line forks the next, in the middle of its own transfers.
local function go_on(depth)
  local prefix = "depth" .. depth .. "-"
  for i, client in ipairs { one, two, posted, never } do
    forking.assert_nothing(client:stats())
    forking.track(client, prefix .. i .. "-", 10)
  end
  assert(closed:close() and select(3, closed:track { event_name = "e" }) == "closed")
  if depth < 3 then
    forking.join(forking.fork(function()
      go_on(depth + 1)
    end, depth % 2 == 0 and "exit" or "close_state"))
  end
  for _, client in ipairs { one, two, posted, never } do
    forking.close(client, 10)
  end
end

local children = {
  forking.fork(function()
    go_on(1)
  end),
  forking.fork(function()
    assert(one:close(0) and two:close(0)) -- nothing of its own
  end, "exit"),
  forking.fork(function() end, "close_state"),
  forking.fork(function() end, "exit"),
}
for _, pid in ipairs(children) do
  forking.join(pid)
end
forking.close(one, 30)
forking.close(two, 30)
]]

-- Forks again and again while senders shake hands: a lock that one of them holds then stays locked in the child.
local HAMMER = PRELUDE .. [[
local clients = { new(), new(), new() }
local tracked = 0
for round = 1, tonumber(stage) do
  for i, client in ipairs(clients) do
    forking.track(client, ("round%d-%d-"):format(round, i), 3)
  end
  tracked = tracked + 3
  process.sleep(round % 40 * 1e-4)
  forking.join(forking.fork(function()
    forking.track(clients[1], "child" .. round .. "-", 1)
    forking.close(clients[1], 1)
  end, round % 10 == 0 and "exit" or "at_once"))
end
for _, client in ipairs(clients) do
  forking.close(client, tracked)
end
]]

describe("a fork", function()
  helper.guard()
  local sandbox, server, ca_file

  setup(function()
    ca_file = certificates.get().ca_file
    sandbox = helper.start_sandbox()
    server = nginx.start {
      { tls = true, proxy_to = sandbox.base }, { proxy_to = sandbox.base },
      { tls = true, proxy_to = sandbox.base, extra = "keepalive_requests 1;\n" },
    }
  end)

  before_each(function()
    sandbox:reset()
  end)

  local function run(script, number, ...)
    local url = server.urls[number] .. helper.documents.path
    local status, output, errors = helper.run_lua({ code = script }, { url, ca_file, ... }, {
      timeout = 60, -- what OpenSSL keeps for each thread, nobody knows any more in a child
      leaks = false,
    })
    assert.equal(0, status, output .. errors)
    assert.equal("", errors)
  end

  -- How often each event came; each must have come once.
  local function arrived()
    local ids, count = {}, 0
    for _, record in ipairs(sandbox:events()) do
      local id = record.event.external_event_id
      assert.is_nil(ids[id], id .. " came twice")
      ids[id] = true
      count = count + 1
    end
    return ids, count
  end

  local function assert_series(ids, prefix, count)
    for number = 1, count do
      assert.is_true(ids[prefix .. number], prefix .. number .. " did not come")
    end
  end

  -- The connections of the requests whose events match `pattern`, since the `from`th.
  local function connections(pattern, from)
    local seen, count = {}, 0
    for i, request in ipairs(server:requests()) do
      local id = request.body:match '"external_event_id":"([^"]*)"'
      if i > from and id and id:find(pattern) and not seen[request.connection] then
        seen[request.connection] = true
        count = count + 1
      end
    end
    return seen, count
  end

  local BEFORE = { new = 0, start = 0, track = 40, transfer = 40, idle = 5, post = 0 }
  local KINDS = { "TLS", "plain" }

  local function try(stage, number, ending)
    local from = #server:requests()
    run(STAGES, number, stage, ending)
    local ids, count = arrived()
    assert_series(ids, "before", BEFORE[stage])
    assert_series(ids, "child", 20)
    assert_series(ids, "meanwhile", 20)
    assert_series(ids, "after", 5)
    assert.equal(BEFORE[stage] + 45 + (stage == "post" and 3 or 0), count)
    server:requests(from + count)
    local parents, of_parent = connections("^[bma]", from)
    local childs, of_child = connections("^child", from)
    assert.same({ 1, 1 }, { of_parent, of_child })
    assert.is_nil(parents[next(childs)])
    if stage == "post" then
      local posts, of_posts = connections("^posted [ba][ef]", from)
      assert.equal(1, of_posts)
      assert.is_nil(connections("^posted by", from)[next(posts)])
    end
  end

  for stage in pairs(BEFORE) do
    it("leaves both processes whole, and the parent's connection what it was: after " .. stage, function()
      for number in ipairs(KINDS) do
        for _, ending in ipairs { "at_once", "exit", "close_state" } do
          sandbox:reset()
          try(stage, number, ending)
        end
      end
    end)
  end

  it("leaves the child's log with its own counts", function()
    run(LOG, 1)
  end)

  it("of a program with several clients, and of its children, mixes nothing up", function()
    for number in ipairs(KINDS) do
      sandbox:reset()
      run(MANY, number)
      local ids, count = arrived()
      assert_series(ids, "one", 30)
      assert_series(ids, "two", 30)
      assert_series(ids, "closed", 3)
      assert_series(ids, "collected", 10)
      for depth = 1, 3 do
        for client = 1, 4 do
          assert_series(ids, ("depth%d-%d-"):format(depth, client), 10)
        end
      end
      assert.equal(30 + 30 + 3 + 1 + 10 + 3 * 40, count)
    end
  end)

  it("in the middle of TLS handshakes never leaves a lock behind on which the child would hang", function()
    local rounds = 300
    run(HAMMER, 3, tostring(rounds))
    local ids, count = arrived()
    for round = 1, rounds do
      assert.is_true(ids["child" .. round .. "-1"])
      for client = 1, 3 do
        assert_series(ids, ("round%d-%d-"):format(round, client), 3)
      end
    end
    assert.equal(rounds * 10, count)
  end)
end)
