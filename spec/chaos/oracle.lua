-- What must be true of a program and of the server that misbehaved towards it: reads their two logs, lists of tables,
-- and loads nothing of the module, whose word it does not take.
--
-- The server's, a record a request, in the order of their coming: { id =, says =, closes =, is_lost = }, as kinds.lua
-- has it.
-- The program's, in the order of what happened, each with its `client` (a number), as program.lua writes them:
--   new {max_age, ambiguous, overflow, spools}   accepted {id, ticket}   refused {id, code, sent}   withdrawn
--   result {ticket or restored, id, outcome, code, attempts, latency}
--   posted {id, code, sent, attempts, off (the mode)}
--   stats {stats}   last {stats} (after all results were read)   wrong {words}   child {id}   close   dropped   end
local oracle = {}

local unpack = table.unpack or unpack -- luacheck: ignore

local HOLDS = 3 -- design.md: so many draw the suspicion to the event itself
local EARLY = 0.9 -- of max_age: clocks are read at two places

local function sum(counts)
  local total = 0
  for _, count in pairs(counts) do
    total = total + count
  end
  return total
end

-- By id: how often the server has said what, and in all.
local function heard(requests)
  local by_id = {}
  for _, request in ipairs(requests) do
    local said = by_id[request.id] or { count = 0 }
    said.count = said.count + 1
    said.came_again = said.came_again or said.is_lost -- after one whose answer was lost
    said.is_lost = said.is_lost or request.is_lost
    said[request.says] = (said[request.says] or 0) + 1
    by_id[request.id] = said
  end
  return by_id
end

-- Whether an outcome has a cause: f(client, what the server said to that id, the record, the world).
local causes = {}

function causes.delivered(_, said)
  return said.delivered
end

function causes.rejected(_, said)
  return said.rejected or (said.held or 0) >= HOLDS
end

function causes.expired(client, _, record)
  return record.latency >= client.max_age * EARLY
end

-- One that the server never saw was on its way over a connection that it closed at that moment.
function causes.unknown(client, said, record, world)
  local was_cut = world.closes and record.code == "interrupted"
  return client.ambiguous == false and (said.count > 0 or was_cut)
end

function causes.dropped(client, _, record)
  if record.code == "withdrawn" then
    return client.withdrawn
  end
  return client.overflow == "drop_oldest" and record.code == "queue_full"
end

local on = {}

function on.new(world, record)
  world.clients[record.client] = {
    tickets = {}, given = 0, results = 0, spools = record.spools, max_age = record.max_age,
    ambiguous = record.ambiguous, overflow = record.overflow,
  }
end

function on.child(world, record)
  world.accepted[record.id] = true
end

function on.close() end
function on.dropped() end
on["end"] = function(world)
  world.ended = true
end

function on.wrong(world, record)
  world.say("%s", record.words)
end

function on.withdrawn(_, _, client)
  client.withdrawn = true
end

function on.accepted(world, record, client)
  if client.tickets[record.ticket] then
    world.say("ticket %s was given twice", record.ticket)
  end
  client.tickets[record.ticket] = record.id
  client.given = client.given + 1
  world.accepted[record.id] = true
end

function on.refused(world, record)
  if world.said(record.id).count > 0 then
    world.say("%s was refused (%s), and received", record.id, record.code)
  end
  if record.sent ~= false then
    world.say("%s was refused (%s), and sent is %s", record.id, record.code, record.sent)
  end
end

local function judge_post(world, record, said)
  if not record.code and not said.delivered then
    world.say("post said that %s was delivered, the server did not", record.id)
  end
  if record.code == "rejected" and not said.rejected then
    world.say("post said that %s was rejected, the server did not", record.id)
  end
  if said.count > (record.attempts or 0) then
    world.say("%s was posted %s times, and received %d times", record.id, record.attempts, said.count)
  end
  if record.sent == false and said.delivered then
    world.say("post said that %s was not sent, and it was taken", record.id)
  end
end

function on.posted(world, record)
  local said = world.said(record.id)
  if not record.off then
    judge_post(world, record, said)
  elseif said.count > 0 then
    world.say("%s was posted in the mode off, and received", record.id)
  end
end

-- What came from disk was accepted by another client of the program; how often that had sent it, nobody knows.
local function judge_ticket(world, record, client, said)
  if record.restored then
    if not (world.accepted[record.id] and client.spools) then
      world.say("%s was restored, and never accepted", record.id)
    end
    return
  end
  if client.tickets[record.ticket] ~= record.id then
    world.say("a result of ticket %s for %s, which was given to %s", record.ticket, record.id,
      client.tickets[record.ticket])
  end
  if client.ambiguous == false and said.came_again then
    world.say("%s was sent again, though it may have arrived", record.id)
  end
  if said.count > record.attempts then
    world.say("%s was sent %s times, and received %d times", record.id, record.attempts, said.count)
  end
end

function on.result(world, record, client)
  local cause, said = causes[record.outcome], world.said(record.id)
  judge_ticket(world, record, client, said)
  client.results = client.results + 1
  if world.ended_ids[record.id] then
    world.say("a second result of %s", record.id)
  end
  world.ended_ids[record.id] = true
  if not (cause and cause(client, said, record, world)) then
    world.say("%s is %s (%s) without a cause", record.id, record.outcome, record.code)
  end
end

local function check_equations(world, s)
  local ends = s.delivered + s.rejected + s.expired + s.dropped + s.unknown
  if s.calls ~= s.accepted + s.filtered + sum(s.refused) then
    world.say "calls is not the sum of its parts"
  end
  if s.accepted + s.restored ~= ends + s.pending then
    world.say "accepted is not the sum of its parts"
  end
  if s.pending ~= s.queued + s.waiting + s.in_flight then
    world.say "pending is not the sum of its parts"
  end
end

function on.stats(world, record)
  check_equations(world, record.stats)
end

-- One result for each event, but for those that are pending still.
function on.last(world, record, client)
  local stats = record.stats
  check_equations(world, stats)
  if stats.results_lost > 0 then
    world.say "results were lost"
  end
  if client.given + stats.restored ~= client.results + stats.pending then
    world.say("%d tickets, %d restored, but %d results and %d pending", client.given, stats.restored, client.results,
      stats.pending)
  end
end

-- The contradictions, a list of text: empty when all is well.
function oracle.judge(requests, records)
  local found = {}
  local by_id = heard(requests)
  local world = { clients = {}, accepted = {}, ended_ids = {}, closes = false }
  for _, request in ipairs(requests) do
    world.closes = world.closes or request.closes
  end
  function world.said(id)
    return by_id[id] or { count = 0 }
  end
  function world.say(format, ...)
    local words = { ... }
    for i = 1, select("#", ...) do
      local value = (select(i, ...))
      words[i] = type(value) == "number" and value or tostring(value)
    end
    found[#found + 1] = format:format(unpack(words))
  end
  for _, record in ipairs(records) do
    on[record.what](world, record, world.clients[record.client])
  end
  if not world.ended then
    world.say "the program did not come to its end"
  end
  return found
end

return oracle
