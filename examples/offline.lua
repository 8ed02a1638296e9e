-- Events that outlive the program: it tracks while the network is away, is killed, is started again when the network is
-- back, and nothing is missing.
--
--   lua examples/offline.lua: plays it all, against POSTEVENT_URL (tools/with-sandbox has one)
local postevent = require("postevent")

local EVENTS = 20
io.stdout:setvbuf("no") -- three programs write to it
local life, directory = arg[1], arg[2] -- "first" or "second", and where its files are; nothing: it plays both

local function new_client(proxy)
  return postevent.new {
    url = os.getenv("POSTEVENT_URL"), -- the address of your webhook
    authorization = os.getenv("POSTEVENT_AUTHORIZATION"), -- the Authorization header's value, if it asks for one
    id_attribute = "external_event_id", -- your own id: by it we see what arrives
    proxy = proxy,
    spool = { path = directory .. ".spool", wait = true }, -- wait: what track accepted is on disk
  }
end

-- ---- the first life: no network, and no end of its own ----

local function first()
  local client = new_client("http://127.0.0.1:1") -- no way out: nothing listens there
  local tracked = assert(io.open(directory .. ".tracked", "w"))
  tracked:setvbuf("no")
  for i = 1, EVENTS do
    local id = ("coin-%d"):format(i)
    assert(client:track { event_name = "coin_found", customer_id = "player-1", external_event_id = id, coins = i })
    tracked:write(id, "\n")
  end
  local stats = client:stats()
  print(("   %d tracked, %d delivered, and now kill -9"):format(stats.accepted, stats.delivered))
  os.execute("kill -9 $PPID") -- the parent of that shell is this program: no close, no handler, no goodbye
end

-- ---- the second life: the network is back ----

-- The ids of the first life, and what became of each.
local function missing_after(outcomes)
  local missing, count = {}, 0
  for id in io.lines(directory .. ".tracked") do
    count = count + 1
    if outcomes[id] ~= "delivered" then
      missing[#missing + 1] = id
    end
  end
  return missing, count
end

local function second()
  local client = new_client()
  client:start() -- what an earlier run has left goes out from now on
  local done, message = client:flush(10)
  local outcomes, reply = {}, nil
  for result in client:results() do
    outcomes[result.event_id] = result.outcome
    reply = reply or result.reply
  end
  local stats = client:stats()
  local missing, count = missing_after(outcomes)
  print(("   %d found on disk, %d delivered"):format(stats.restored, stats.delivered))
  if reply then
    print(("   the platform says: %d, %s"):format(reply.status.code, reply.status.message))
  end
  client:close()
  if not done or count < EVENTS or missing[1] then
    print("   missing: " .. (table.concat(missing, ", ")) .. (done and "" or " (" .. message .. ")"))
    os.exit(1)
  end
  print(("   of the %d that the first life tracked, missing: none"):format(count))
end

-- ---- both ----

-- Runs this program again, as that life; true when it ended by itself, and well.
local function live(name)
  local lua = 0
  while arg[lua - 1] do
    lua = lua - 1
  end
  local ok = os.execute(("exec '%s' '%s' %s '%s'"):format(arg[lua], arg[0], name, directory))
  return ok == true or ok == 0
end

local function both()
  if not os.getenv("POSTEVENT_URL") then
    io.stderr:write("set POSTEVENT_URL to the address of your webhook; in a checkout, a sandbox is one:\n",
      "  tools/with-sandbox lua examples/offline.lua\n")
    os.exit(2)
  end
  directory = os.tmpname()
  print("1  The network is away. A program tracks events, and is killed.")
  local survived = live("first")
  print("2  The network is back. The program is started again.")
  local delivered = not survived and live("second")
  for _, suffix in ipairs { "", ".tracked", ".spool" } do
    os.remove(directory .. suffix)
  end
  os.exit(delivered and 0 or 1)
end

local lives = { first = first, second = second };
(lives[life] or both)()
