-- What deliverers do in Redis in one step each, in Redis's own Lua. Redis runs one at a time: between the look at whose
-- an entry is and what is done with it, nothing happens.
--
-- A Redis that has reached its maxmemory refuses a script whose first write needs memory. These give back more than
-- they take, and so begin with one that needs none, and does nothing.

local scripts = {}

-- What the consumer ARGV[2] of the group ARGV[1] has, as XPENDING tells it. A group that is not there has nothing; any
-- other error ends the script: who was not told whose an entry is must not take it for another's.
local PENDING = [[
local function pending(...)
  local list = redis.pcall('XPENDING', KEYS[1], ARGV[1], ...)
  if not list.err then return list end
  if list.err:find('NOGROUP', 1, true) then return {} end
  return redis.call('XPENDING', KEYS[1], ARGV[1], ...)
end
]]

-- Whether it has that entry.
local HAS = PENDING .. [[
local function has(id)
  local held = pending(id, id, 1)[1]
  return held ~= nil and held[2] == ARGV[2]
end
]]

-- Which commands the user may not call, of those that are tried, each in a way that does nothing; what else Redis says
-- of that is no matter. Of a script that fails Redis 7.0 and older do not say it.
scripts.missing = [[
local function missing(tries)
  local names = {}
  for _, words in ipairs(tries) do
    local reply = redis.pcall(unpack(words))
    local why = type(reply) == 'table' and reply.err or ''
    if why:find('run this command', 1, true) or why:find('no permissions to run', 1, true) then
      names[#names + 1] = words[1]:find('^X[GI]') and words[1] .. ' ' .. words[2] or words[1]
    end
  end
  return names
end
]]

-- Those that the scripts and the member call.
local TRIES = [[
local TRIES = {
  { 'XACK', KEYS[1], ARGV[1], '0-0' }, { 'XADD', KEYS[2], '0-0', '', '' },
  { 'XAUTOCLAIM', KEYS[1], ARGV[1], '', 'no', '0' }, { 'XCLAIM', KEYS[1], ARGV[1], '', '0', 'no' },
  { 'XDEL', KEYS[1], '0-0' }, { 'XPENDING', KEYS[1], ARGV[1] },
  { 'XRANGE', KEYS[1], '-', '-' }, { 'XREADGROUP', 'GROUP', ARGV[1], '', 'STREAMS', KEYS[1], 'no' },
  { 'XGROUP', 'CREATE', KEYS[1], ARGV[1], 'no' }, { 'XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], '' },
  { 'XINFO', 'CONSUMERS', KEYS[1], ARGV[1] }, { 'XINFO', 'GROUPS', KEYS[1] },
  { 'HINCRBY', KEYS[3], '', 'no' }, { 'HMGET', KEYS[4], '' }, { 'HSET', KEYS[4], '', '', '' },
  { 'GET', KEYS[6] }, { 'SET', KEYS[6], '', 'no' }, { 'PEXPIRE', KEYS[4], '60000' }, { 'PTTL', KEYS[5] }, { 'TIME' },
}
if ARGV[2] == '1' then TRIES[#TRIES + 1] = { 'XLEN', KEYS[1] } end
]]

-- Makes the group, and the stream, where they are not there. KEYS: the stream, and all that belong to it: a cluster in
-- which they lie apart says so here, before anything is read, and not when an event was posted. ARGV: group;
-- whether it is to survey the stream (1 or 0). Returns 1; or the names of the commands that the user may not call,
-- and nothing was done.
scripts.join = scripts.missing .. TRIES .. [[
local names = missing(TRIES)
if names[1] then return names end
redis.call('XACK', KEYS[1], ARGV[1], '0-0')
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if made.err and not made.err:find('BUSYGROUP', 1, true) then return made end
return 1
]]

-- Ends entries that were delivered. KEYS: the stream, its counts. ARGV: group, consumer, ids. Returns for each whether
-- it was ours: 1 or 0. One that is not in the stream any more (max_length) is counted as "trimmed": who has dropped it
-- has counted it, too. Each command is called once for all: most of what Redis has to do for a fleet is this.
-- What Redis may refuse stands before what counts: a script that ends early has done nothing.
scripts.deliver = HAS .. [[
redis.call('XACK', KEYS[1], ARGV[1], '0-0')
redis.call('XDEL', KEYS[1], '0-0')
local ours, ids = {}, {}
for at = 3, #ARGV do
  local mine = has(ARGV[at])
  if mine then ids[#ids + 1] = ARGV[at] end
  ours[#ours + 1] = mine and 1 or 0
end
if #ids == 0 then return ours end
redis.call('HINCRBY', KEYS[2], 'delivered', #ids)
redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
local there = redis.call('XDEL', KEYS[1], unpack(ids))
if there < #ids then
  redis.call('HINCRBY', KEYS[2], 'delivered', there - #ids)
  redis.call('HINCRBY', KEYS[2], 'trimmed', #ids - there)
end
return ours
]]

-- Ends the others. KEYS: the stream, its dead letters, its counts. ARGV: group, consumer; for each entry its id,
-- outcome, code, message, HTTP status, reply. Returns as `deliver` does. They are kept among the dead letters, with
-- what became of them; of fields that are not ours only the first hundred: a call of Lua takes no more than some
-- thousands of words, and one that fails keeps all others from their end.
scripts.finish = HAS .. [[
redis.call('XACK', KEYS[1], ARGV[1], '0-0')
redis.call('XDEL', KEYS[1], '0-0')
local ours = {}
local function letter_of(fields)
  local letter, known = {}, {}
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if name == 'body' or name == 'id' or name == 'name' or name == 'age' then
      known[name] = value
    elseif #letter < 200 then
      letter[#letter + 1] = name
      letter[#letter + 1] = value
    end
  end
  for name, value in pairs(known) do
    letter[#letter + 1] = name
    letter[#letter + 1] = value
  end
  return letter
end
local function bury(letter, id, at)
  local names = { 'outcome', 'code', 'message', 'http_status', 'reply' }
  for i, name in ipairs(names) do
    letter[#letter + 1] = name
    letter[#letter + 1] = ARGV[at + i]
  end
  letter[#letter + 1] = 'entry'
  letter[#letter + 1] = id
  letter[#letter + 1] = 'by'
  letter[#letter + 1] = ARGV[2]
  redis.call('XADD', KEYS[2], '*', unpack(letter))
end
for at = 3, #ARGV, 6 do
  local id, outcome = ARGV[at], ARGV[at + 1]
  if has(id) then
    local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
    local count = entry and outcome or 'trimmed'
    redis.call('HINCRBY', KEYS[3], count, 0) -- a letter that could not be counted would be written again and again
    if entry then bury(letter_of(entry[2]), id, at) end
    redis.call('HINCRBY', KEYS[3], count, 1)
    redis.call('XACK', KEYS[1], ARGV[1], id)
    redis.call('XDEL', KEYS[1], id)
    ours[#ours + 1] = 1
  else
    ours[#ours + 1] = 0
  end
end
return ours
]]

-- Says that entries are being worked on. ARGV: group, consumer, ids. Returns for each whether it is ours: 1 or 0.
scripts.refresh = HAS .. [[
local ours = {}
for at = 3, #ARGV do
  local mine = has(ARGV[at])
  if mine then redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[at], 'IDLE', 0, 'JUSTID') end
  ours[#ours + 1] = mine and 1 or 0
end
return ours
]]

-- Gives back entries: the next look of another takes them. ARGV: group, consumer, ids. Returns how many were ours.
scripts.give_back = HAS .. [[
local given = 0
for at = 3, #ARGV do
  if has(ARGV[at]) then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[at], 'IDLE', 2147483647, 'JUSTID')
    given = given + 1
  end
end
return given
]]

-- Gives back what the consumer has: the next look of another takes it. A consumer that has nothing goes. ARGV: group,
-- consumer. Returns how many entries it gave back.
scripts.leave = PENDING .. [[
local count, from = 0, '-'
while true do
  local held = pending(from, '+', 1000, ARGV[2])
  if #held == 0 then break end
  for _, each in ipairs(held) do
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, each[1], 'IDLE', 2147483647, 'JUSTID')
    count = count + 1
  end
  from = '(' .. held[#held][1]
end
if count == 0 then redis.pcall('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
return count
]]

-- Removes consumers that have nothing, and did nothing for so many milliseconds. ARGV: group, milliseconds.
scripts.sweep = [==[
local removed = 0
local list = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if list.err then return 0 end
for _, each in ipairs(list) do
  local about = {}
  for i = 1, #each, 2 do about[each[i]] = each[i + 1] end
  if about.pending == 0 and about.idle > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], about.name)
    removed = removed + 1
  end
end
return removed
]==]

-- What deliverers share about the platform. KEYS: the rate, the gate, the hold, the holds so far. ARGV: who asks;
-- attempts a second (0: no limit); how many at once after a pause; how many it wants; for how many milliseconds the
-- platform has asked it for silence; whether it would probe, and whether it has delivered lately (1 or 0); the lease of
-- who probes, in milliseconds. Returns how many attempts it may begin; for how many milliseconds all are silent; who
-- probes, or ''; in how many milliseconds there is more to be had, 0 where it was given what it wanted; and the times
-- in which one of them was held, the last ten, ' <since> <until> ...', milliseconds of Redis's clock. Two that are less
-- than a minute apart are one.
scripts.share = [==[
local function note_hold()
  local time, held = redis.call('TIME'), redis.call('GET', KEYS[4]) or ''
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local before, last = held:match('^(.*) (%d+)$')
  local is_new = not last or now - tonumber(last) > 60000
  before = is_new and string.format('%s %.0f', held, now) or before
  held = string.format('%s %.0f', before, now)
  if select(2, held:gsub('%d+', '')) > 20 then held = held:gsub('^ %d+ %d+', '') end
  redis.call('SET', KEYS[4], held)
  return held
end
redis.call('PEXPIRE', KEYS[1], 60000)
local gate, own = math.max(0, redis.call('PTTL', KEYS[2])), tonumber(ARGV[5])
if own > gate then
  redis.call('SET', KEYS[2], ARGV[1], 'PX', own)
  gate = own
end
local prober = redis.call('GET', KEYS[3])
local is_held = ARGV[6] == '1' or prober
if ARGV[6] == '1' and not prober then
  redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[8])
  prober = ARGV[1]
elseif ARGV[6] == '0' and prober == ARGV[1] then
  redis.call('PEXPIRE', KEYS[3], 0)
  prober = false
end
local held = is_held and note_hold() or redis.call('GET', KEYS[4]) or ''
local may = gate == 0 and (not prober or prober == ARGV[1] or ARGV[7] == '1')
local rate, burst, wanted = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local granted, again = 0, 0
if may and rate > 0 and wanted > 0 then
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
  local passed = math.max(0, now - (tonumber(bucket[2]) or now))
  local tokens = math.min(burst, (tonumber(bucket[1]) or burst) + passed * rate / 1000000)
  granted = math.min(wanted, math.floor(tokens))
  tokens = tokens - granted
  redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], 60000)
  if granted < wanted then again = math.ceil((1 - tokens) / rate * 1000) end
end
return { granted, gate, prober or '', again, held }
]==]

return scripts
