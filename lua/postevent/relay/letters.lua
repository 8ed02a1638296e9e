-- The dead letters of a stream, for the command: read a few at a time, so that a million of them take no memory.

local member = require("postevent.relay.member")
local scripts = require("postevent.relay.scripts")

local letters = {}

local TOGETHER = 200

-- A letter goes back into the stream, as a new entry, which is young: what made it old has ended with its outcome.
-- KEYS: the dead letters, the stream, the counts. ARGV: ids of letters. Returns how many that were.
local RETRY = scripts.missing .. [==[
local names = missing { { 'XADD', KEYS[2], '0-0', '', '' }, { 'XDEL', KEYS[1], '0-0' }, { 'XRANGE', KEYS[1], '-', '-' },
  { 'HINCRBY', KEYS[3], '', 'no' } }
if names[1] then return redis.error_reply('NOPERM this user may not call ' .. table.concat(names, ', ')) end
redis.call('XDEL', KEYS[1], '0-0') -- see scripts.lua
local count = 0
for _, id in ipairs(ARGV) do
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  if entry then
    local fields = {}
    for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
    redis.call('HINCRBY', KEYS[3], 'retried', 0) -- what cannot be counted is not sent again
    redis.call('XADD', KEYS[2], '*', 'body', fields.body or '', 'id', fields.id or '', 'name', fields.name or '',
      'age', '0')
    redis.call('HINCRBY', KEYS[3], 'retried', 1)
    redis.call('XDEL', KEYS[1], id)
    count = count + 1
  end
end
return count
]==]

local function nothing_for_empty(text)
  return text ~= "" and text or nil
end

local function seconds_of(entry)
  return tonumber((entry:match("^%d+"))) / 1000
end

-- An entry of Redis's -> an event as event_view.lua has it, and `row`: the letter's own id.
local function read(entry)
  local fields = {}
  for i = 1, #entry[2], 2 do
    fields[entry[2][i]] = nothing_for_empty(entry[2][i + 1])
  end
  local added = fields.entry and seconds_of(fields.entry) or seconds_of(entry[1])
  return {
    row = entry[1], id = fields.id, name = fields.name, body = fields.body or "", ended_at = seconds_of(entry[1]),
    accepted_at = added - (tonumber(fields.age) or 0) / 1000, outcome = fields.outcome or "unknown",
    code = fields.code, message = fields.message, reply = fields.reply, by = fields.by,
    http_status = tonumber(fields.http_status),
  }
end

-- letters.each(call, stream): for a loop over all letters, oldest first. call(...) asks Redis, and ends the command
-- where it does not answer.
function letters.each(call, stream)
  local key, from, list, at = member.keys(stream).dead, "-", {}, 0
  return function()
    if at == #list and from then
      list, at = call("XRANGE", key, from, "+", "COUNT", TOGETHER), 0
      from = #list == TOGETHER and "(" .. list[#list][1] or nil
    end
    at = at + 1
    return list[at] and read(list[at])
  end
end

-- Counts the newest letters, at most so many, by code; by outcome where there is none. Returns { [code] = count }, and
-- how many that were.
function letters.reasons(call, stream, most)
  local key, from, codes, count = member.keys(stream).dead, "+", {}, 0
  while from and count < most do
    local list = call("XREVRANGE", key, from, "-", "COUNT", math.min(TOGETHER, most - count))
    for _, entry in ipairs(list) do
      local letter = read(entry)
      local code = letter.code or letter.outcome
      codes[code] = (codes[code] or 0) + 1
    end
    count = count + #list
    from = list[1] and "(" .. list[#list][1]
  end
  return codes, count
end

local unpack = rawget(_G, "unpack") or table.unpack

-- Calls act(rows) for a list, a few at a time, and adds up what it returns.
local function in_pieces(rows, act)
  local count = 0
  for first = 1, #rows, TOGETHER do
    count = count + act({ unpack(rows, first, math.min(first + TOGETHER - 1, #rows)) })
  end
  return count
end

-- Puts letters, by their `row`, back into the stream. Returns how many that were.
function letters.retry(call, stream, rows)
  local keys = member.keys(stream)
  return in_pieces(rows, function(piece)
    return call("EVAL", RETRY, 3, keys.dead, keys.stream, keys.counts, unpack(piece))
  end)
end

-- Removes them for good.
function letters.remove(call, stream, rows)
  return in_pieces(rows, function(piece)
    return call("XDEL", member.keys(stream).dead, unpack(piece))
  end)
end

return letters
