-- Out of file descriptors: nothing is lost, nothing comes twice, and delivery goes on when there are some again.
if not require("support.where").is("lua5.4") then
  return
end

local certificates = require "support.certificates"
local helper = require "support.helper"
local nginx = require "support.nginx"

local PRELUDE = [[
local postevent = require "postevent"
local process = require "support.process"
local tracking = require "support.tracking"
local url, ca_file = arg[1], arg[2]

-- From now on there are `spare` descriptors more than are in use: all below are taken. Returns a function that ends it.
local function limit(spare)
  local highest = 0
  for fd in pairs(process.fds()) do
    highest = math.max(highest, fd)
  end
  local fillers = {}
  for i = 1, highest + 1 - process.fd_count() do
    fillers[i] = assert(io.open "/dev/null")
  end
  local before = assert(process.limit_fds(highest + 1 + spare))
  return function()
    process.limit_fds(before)
    for _, file in ipairs(fillers) do
      file:close()
    end
  end
end

local function new(options)
  local all = { url = url, tls = { ca_file = ca_file }, id_attribute = "external_event_id",
    retry = { initial = 0.05, max = 0.1 } }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return postevent.new(all)
end

local function track(client, prefix, count)
  local accepted = 0
  for i = 1, count do
    local ticket, message, code = client:track { event_name = "e", external_event_id = prefix .. i }
    assert(ticket or code == "no_memory" and message:find("no file descriptors left", 1, true), message)
    accepted = accepted + (ticket and 1 or 0)
  end
  return accepted
end

local function finish(client, delivered)
  assert(client:flush(20))
  assert(client:close())
  local stats = tracking.assert_balanced(client:stats())
  assert(stats.delivered == delivered and stats.accepted == delivered and stats.maybe_sent == 0)
end
]]

-- With so many left at the start of the thread; then with enough.
local START = PRELUDE .. [[
local refused, reasons = 0, {}
for spare = 0, 12 do
  local client = new()
  local lift = limit(spare)
  local started, message, code = client:start()
  assert(started or code == "no_memory", code)
  assert(started or message:find("no file descriptors left", 1, true), message)
  local accepted = track(client, spare .. "-early-", 5)
  assert(started and accepted == 5 or accepted == 0)
  refused = refused + (started and 0 or 1)
  client:flush(0.05)
  local stats = tracking.assert_balanced(client:stats())
  if stats.last_error then
    reasons[stats.last_error.code] = stats.last_error.message
  end
  lift()
  finish(client, accepted + track(client, spare .. "-late-", 5))
  print(spare, accepted)
end
assert(refused > 0 and refused < 12, refused)
assert(reasons.unreachable:find("no file descriptors left", 1, true), reasons.unreachable)
assert(not reasons.no_memory, reasons.no_memory)
]]

-- None left for a post.
local POST = PRELUDE .. [[
for spare = 0, 2 do
  local client = new { attempts = 1 }
  local lift = limit(spare)
  local reply, message, code, detail = client:post { event_name = "e" }
  lift()
  assert(reply or code == "unreachable" and detail.sent == false, message)
  assert(reply or message:find("no file descriptors left", 1, true), message)
  assert(spare > 0 or not reply)
  assert(client:post { event_name = "e" })
  client:close()
end
]]

-- None left in the middle of deliveries whose every request takes a connection of its own.
local MIDDLE = PRELUDE .. [[
local client = new { max_in_flight = 3 }
local accepted = 0
for round = 1, 5 do
  accepted = accepted + track(client, round .. "-before-", 20)
  process.sleep(0.003 * round)
  local lift = limit(round - 1)
  accepted = accepted + track(client, round .. "-without-", 20)
  client:flush(0.1)
  tracking.assert_balanced(client:stats())
  lift()
  print(round, accepted)
end
assert(accepted == 200)
finish(client, accepted)
]]

describe("out of descriptors", function()
  helper.guard()
  local sandbox, server, ca_file

  setup(function()
    ca_file = certificates.get().ca_file
    sandbox = helper.start_sandbox()
    server = nginx.start {
      { proxy_to = sandbox.base, extra = "keepalive_requests 1;\n" },
      { tls = true, proxy_to = sandbox.base, extra = "keepalive_requests 1;\n" },
    }
  end)

  before_each(function()
    sandbox:reset()
  end)

  local function run(script, number)
    local status, output, errors = helper.run_lua({ code = script }, {
      server.urls[number] .. helper.documents.path, ca_file,
    }, { timeout = 60 })
    assert.equal(0, status, output .. errors)
    assert.equal("", errors)
    return output
  end

  it("A7: a post says so, and that nothing was sent", function()
    run(POST, 1)
    run(POST, 2)
  end)

  -- The series of events that came, each once: how many of each.
  local function arrived()
    local seen, series = {}, {}
    for _, record in ipairs(sandbox:events()) do
      local id = record.event.external_event_id
      local prefix = id:match "^(.*)%d+$":gsub("%d+$", "")
      assert.is_nil(seen[id], id .. " came twice")
      seen[id] = true
      series[prefix] = (series[prefix] or 0) + 1
    end
    return series
  end

  for number, kind in ipairs { "plain", "TLS, with a name to look up" } do
    it("at the start of the thread refuses or delays, and loses nothing: " .. kind, function()
      local output = run(START, number)
      local series = arrived()
      for spare, accepted in output:gmatch "(%d+)\t(%d+)" do
        assert.equal(tonumber(accepted), series[spare .. "-early-"] or 0)
        assert.equal(5, series[spare .. "-late-"])
      end
    end)

    it("in the middle of deliveries delays them, and loses nothing: " .. kind, function()
      run(MIDDLE, number)
      local series = arrived()
      for round = 1, 5 do
        assert.equal(20, series[round .. "-before-"])
        assert.equal(20, series[round .. "-without-"])
      end
    end)
  end
end)
