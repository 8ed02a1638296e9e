-- Out of memory at every allocation of the sender's thread, in turn: nothing leaks, nothing crashes, and every accepted
-- event is delivered; twice at most where its answer was lost.
if not require("support.where").is("lua5.4") then
  return
end

local certificates = require "support.certificates"
local helper = require "support.helper"
local nginx = require "support.nginx"

local EVENTS = 6

local SCRIPT = [[
local url = ...
local postevent = require "postevent"
local EVENTS = 6
return function(n)
  local client = postevent.new {
    url = url, tls = { ca_file = os.getenv "CA_FILE" }, authorization = "Basic dGVzdA==",
    id_attribute = "external_event_id", max_in_flight = 2, results = 2, retry = { initial = 0.001, max = 0.002 },
  }
  for i = 1, EVENTS do
    assert(client:track { event_name = "e", external_event_id = n .. "-" .. i })
  end
  local flushed, message = client:flush(20)
  local stats = client:stats()
  local outcomes = stats.delivered + stats.rejected + stats.expired + stats.dropped + stats.unknown
  assert(stats.accepted == EVENTS and stats.accepted == outcomes + stats.pending)
  client:close(10)
  return ("%d delivered, %d retries: %s"):format(stats.delivered, stats.retries, flushed and "" or message)
end
]]

describe("out of memory on the sender's thread", function()
  helper.guard()
  local sandbox, server
  local name = os.getenv "POSTEVENT_LUA" or "lua5.4"
  local host = ("%s/%s/support/failing_host"):format(os.getenv "BUILD" or "build", name)
  local every = (name == "lua5.4" or name == "luajit") and 1 or 5 -- the thread is the same on every Lua

  setup(function()
    sandbox = helper.start_sandbox()
    server = nginx.start { { proxy_to = sandbox.base }, { tls = true, proxy_to = sandbox.base } }
  end)

  before_each(function()
    sandbox:reset()
  end)

  -- How often each event came.
  local function arrivals()
    local counts = {}
    for _, record in ipairs(sandbox:events()) do
      local id = record.event.external_event_id
      counts[id] = (counts[id] or 0) + 1
    end
    return counts
  end

  -- `failures` allocations in a row fail, from the first on, then from one that is `step` later ...
  local function try(url, failures, step, last)
    if not helper.file_exists(host) then
      return pending "no failing_host was built (a sanitizer's allocator cannot be replaced)"
    end
    local status, output, errors = helper.run(
      { host, helper.new_file(SCRIPT), url .. helper.documents.path, tostring(failures), tostring(step), last },
      { timeout = 120, env = { CA_FILE = certificates.get().ca_file } })
    assert.equal(0, status, errors .. output:sub(-300))
    local counts, runs, failed = arrivals(), 0, 0
    for n, delivered, retries, message in output:gmatch "(%d+) (%d+) delivered, (%d+) retries: ([^\n]*)\n" do
      runs = runs + 1
      failed = failed + (tonumber(retries) > 0 and 1 or 0)
      assert.equal(EVENTS, tonumber(delivered), n .. ": " .. message)
      local extra = 0
      for i = 1, EVENTS do
        local id = n .. "-" .. i
        assert.is_number(counts[id], id .. " did not come")
        extra = extra + (n == "0" and 0 or counts[id] - 1) -- 0: tried twice, to begin with
      end
      assert.is_true(extra <= tonumber(retries), ("%d came again after %s retries"):format(extra, retries))
    end
    assert.equal(select(2, output:gsub("\n", "")), runs, output)
    assert.is_true(failed >= 3, "only " .. failed .. " allocations hurt")
  end

  it("once, at any allocation, loses nothing", function()
    try(server.urls[1], 1, every)
  end)

  it("for a while loses nothing", function()
    try(server.urls[1], 3, 3 * every)
  end)

  it("in a TLS handshake loses nothing, and is not remembered", function()
    try(server.urls[2], 1, 41 * every, "3500")
  end)
end)
