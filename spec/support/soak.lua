-- soak.lua SECONDS: clients of every kind for that long, against the server at POSTEVENT_URL; `make tsan` watches their
-- threads. Not a spec: no busted. Ends with 1 when the books of a client do not balance.
local postevent = require "postevent"

local seconds = assert(tonumber(arg[1]), "usage: soak.lua SECONDS")
local url = assert(os.getenv("POSTEVENT_URL"), "soak.lua: POSTEVENT_URL is not set")
local nowhere = "http://127.0.0.1:9/" -- discard: nothing listens there

local directory = os.tmpname() -- each kind of spool has one of its own beside it

local kinds = {
  { name = "plain", url = url },
  { name = "in order", url = url, max_in_flight = 1 },
  { name = "rejecting", url = url, queue = { max_events = 20 } },
  { name = "dropping", url = url, queue = { max_events = 20, overflow = "drop_oldest" }, results = 10 },
  { name = "waiting", url = url, queue = { max_events = 20, overflow = "wait", wait = 0.05 } },
  { name = "limited", url = url, rate_limit = { per_second = 500, burst = 5 } },
  { name = "spooling", url = url, queue = { max_events = 50 }, spool = { path = directory .. ".a" } },
  { name = "waiting for the disk", url = url, spool = { path = directory .. ".b", wait = true } },
  { name = "spooling in vain", url = url, spool = { path = "/proc/no/such" } },
  { name = "unreachable", url = nowhere, retry = { initial = 0.001, max = 0.01, max_age = 0.02 } },
}

local function sum(counts)
  local total = 0
  for _, count in pairs(counts) do
    total = total + count
  end
  return total
end

local function check(client, name)
  local stats = client:stats()
  local outcomes = stats.delivered + stats.rejected + stats.expired + stats.dropped + stats.unknown
  local balanced = stats.calls == stats.accepted + sum(stats.refused) + stats.filtered
    and stats.accepted + stats.restored == outcomes + stats.pending
    and stats.pending == stats.queued + stats.waiting + stats.in_flight
  if not balanced then
    io.stderr:write("the books of the client do not balance: ", name, "\n")
    os.exit(1)
  end
  return stats.accepted
end

local function read_results(client)
  for result in client:results() do
    assert(result.restored or result.ticket > 0)
  end
end

local function options_of(kind)
  local options = { authorization = "Basic dGVzdA==", timeout = 10 }
  for name, value in pairs(kind) do
    if name ~= "name" then
      options[name] = value
    end
  end
  return options
end

-- One life of a client; `life` decides how it ends. Returns how many events it accepted.
local function live(kind, life)
  local client = postevent.new(options_of(kind))
  for i = 1, 400 do
    client:track { event_name = "be_reserved", number = i, text = ("x"):rep(i) }
    if i % 50 == 0 then
      check(client, kind.name)
      read_results(client)
    elseif i == 120 then
      client:set_authorization("Basic b3RoZXI=")
    elseif i == 170 then
      client:post { event_name = "be_posted" }
    elseif i % 133 == 0 then
      client:flush(0.02)
    end
  end
  local accepted = check(client, kind.name)
  if life % 4 == 0 then
    client:close(2)
  elseif life % 4 == 1 then
    client:close(0.001)
  elseif life % 4 == 2 then
    client:flush(0.1)
  end -- what was not closed is collected
  check(client, kind.name)
  return accepted
end

local ends, life, events = os.time() + seconds, 0, 0
while os.time() < ends do
  local kind = kinds[life % #kinds + 1]
  events = events + live(kind, math.floor(life / #kinds))
  life = life + 1
  if life % 5 == 0 then
    collectgarbage()
  end
end
collectgarbage()
os.remove(directory)
os.execute(("rm -rf '%s.a' '%s.b'"):format(directory, directory))
print(("%d clients, %d events"):format(life, events))
