-- A deliverer as a member of a stream's group: what it has in hand, and what it tells Redis of it. Redis decides whose
-- an entry is; here is only what was read, and not told yet.

local connection = require("postevent.relay.connection")
local scripts = require("postevent.relay.scripts")

local member = {}

local Member = {}
Member.__index = Member

local TOGETHER = 200 -- entries in one call: Redis does nothing else meanwhile
local KNOWN = { body = true, id = true, name = true, age = true } -- fields of an entry; others are nobody's business
local SWEEP_AFTER = 3600 * 1000 -- milliseconds

-- The keys that belong to a stream.
function member.keys(stream)
  return { stream = stream, dead = stream .. ":dead", counts = stream .. ":counts", rate = stream .. ":rate",
    gate = stream .. ":gate", hold = stream .. ":hold", held = stream .. ":held" }
end

-- options: url, files (of TLS), stream, group, name, connect_timeout, timeout, claim_after (seconds); listener:
-- who asks that will be told of the stream; nil: nobody
function member.new(options)
  return setmetatable({
    keys = member.keys(options.stream), group = options.group, name = options.name,
    claim_after = options.claim_after, cursor = "0-0", surveys = options.listener ~= nil,
    redis = connection.new(options.url, options.connect_timeout, options.timeout, options.files),
    entries = {}, -- by id: what is in hand
    count = 0,
    delivered = {}, ended = {}, -- entries whose outcome was not told to Redis yet: most need no words
  }, Member)
end

-- Makes the group, and the stream, where they are not there. Returns true; or nil, a message and a code: what the user
-- may not do is all said now, not when an event was posted.
function Member:join()
  local keys = self.keys
  local made, message, code = self.redis:call("EVAL", scripts.join, 7, keys.stream, keys.dead, keys.counts, keys.rate,
    keys.gate, keys.hold, keys.held, self.group, self.surveys and 1 or 0)
  if type(made) == "table" then
    return nil, self.redis:explain(table.concat(made, ", "), "NOPERM")
  elseif not made then
    return nil, message, code
  end
  return true
end

-- Runs a script, as connection:call. Redis does not say which command of it the user may not call: `join` finds out.
function Member:run(...)
  local reply, message, code, words = self.redis:call("EVAL", ...)
  if words and (words:find("run this command", 1, true) or words:find("no permissions to run", 1, true)) then
    local joined, named = self:join()
    message = joined and message or named
  end
  return reply, message, code
end

-- The words of the command that reads: what was handed to us before and never told, behind the entry `history`; or,
-- without it, what is new.
function Member:read_words(count, block, history)
  return "XREADGROUP", "GROUP", self.group, self.name, "COUNT", count, "BLOCK", block, "STREAMS", self.keys.stream,
    history or ">"
end

-- Takes entries in as Redis lists them, { { id, { name, value, ... } }, ... }. Returns those that are not in hand yet,
-- as { entry =, body =, id =, name =, age = }.
function Member:take(list)
  local taken = {}
  for _, each in ipairs(list or {}) do
    local id = each and each[1]
    if id and not self.entries[id] then
      local entry = { entry = id }
      for i = 1, #(each[2] or {}), 2 do
        local name = each[2][i]
        entry[name] = KNOWN[name] and each[2][i + 1] or entry[name]
      end
      self.entries[id] = entry
      self.count = self.count + 1
      taken[#taken + 1] = entry
    end
  end
  return taken
end

-- Takes over up to `most` entries that nobody has told anything of for claim_after. Returns them, as `take`; or nil, a
-- message and a code.
function Member:claim(most)
  local reply, message, code, words = self.redis:call("XAUTOCLAIM", self.keys.stream, self.group, self.name,
    math.floor(self.claim_after * 1000), self.cursor, "COUNT", most)
  if not reply and words and words:find("^NOGROUP") then
    return {} -- who reads will see it, too
  elseif not reply then
    return nil, message, code
  end
  self.cursor = reply[1]
  return self:take(reply[2])
end

-- An entry has its outcome: { outcome =, code =, message =, http_status =, reply = }.
function Member:finish(entry, ending)
  entry.ending = ending
  local list = ending.outcome == "delivered" and self.delivered or self.ended
  list[#list + 1] = entry
end

-- Whether Redis was not told of all outcomes.
function Member:has_news()
  return self.delivered[1] ~= nil or self.ended[1] ~= nil
end

local function forget(self, entry)
  if self.entries[entry.entry] then
    self.entries[entry.entry] = nil
    self.count = self.count - 1
  end
end

-- The next `TOGETHER` of a list, as the words of a call; `add(words, entry)` adds those of each.
local function words_for(self, list, from, add)
  local words = { self.group, self.name }
  local last = math.min(from + TOGETHER - 1, #list)
  for i = from, last do
    add(words, list[i])
  end
  return words, last
end

local unpack = rawget(_G, "unpack") or table.unpack

local function add_id(words, entry)
  words[#words + 1] = entry.entry
end

local function add_ending(words, entry)
  local ending, count = entry.ending, #words
  words[count + 1], words[count + 2], words[count + 3] = entry.entry, ending.outcome, ending.code or ""
  words[count + 4], words[count + 5] = ending.message or "", ending.http_status or ""
  words[count + 6] = ending.reply or ""
end

-- Tells of one of the two lists, by its name: call(words) -> as connection:call.
local function tell_of(self, name, call, add, told)
  while self[name][1] do
    local list, rest = self[name], {}
    local words, last = words_for(self, list, 1, add)
    local ours, message, code = call(words)
    if not ours then
      return nil, message, code
    end
    for i = last + 1, #list do
      rest[#rest + 1] = list[i]
    end
    for i = 1, last do
      forget(self, list[i])
      told(list[i], ours[i] == 1)
    end
    self[name] = rest
  end
  return true
end

-- Tells Redis of the outcomes, and calls told(entry, whether it was ours). Returns true; or nil, a message and a code,
-- and the rest is told the next time.
function Member:tell(told)
  local keys = self.keys
  local done, message, code = tell_of(self, "delivered", function(words)
    return self:run(scripts.deliver, 2, keys.stream, keys.counts, unpack(words))
  end, add_id, told)
  if not done then
    return nil, message, code
  end
  return tell_of(self, "ended", function(words)
    return self:run(scripts.finish, 3, keys.stream, keys.dead, keys.counts, unpack(words))
  end, add_ending, told)
end

-- Tells Redis that what is in hand is being worked on, so that nobody takes it. What is not ours any more is marked as
-- lost. Returns how many were; or nil, a message and a code.
function Member:refresh()
  local list, lost = {}, 0
  for _, entry in next, self.entries do
    list[#list + 1] = not entry.lost and entry or nil
  end
  for from = 1, #list, TOGETHER do
    local words, last = words_for(self, list, from, add_id)
    local ours, message, code = self:run(scripts.refresh, 1, self.keys.stream, unpack(words))
    if not ours then
      return nil, message, code
    end
    for i = from, last do
      list[i].lost = ours[i - from + 1] == 0
      lost = lost + (list[i].lost and 1 or 0)
    end
  end
  return lost
end

-- Gives entries back: whoever looks for some takes them. Returns how many were ours; or nil, a message and a code, and
-- all are in hand yet.
function Member:give_back(list)
  local given = 0
  for from = 1, #list, TOGETHER do
    local words = words_for(self, list, from, add_id)
    local ours, message, code = self:run(scripts.give_back, 1, self.keys.stream, unpack(words))
    if not ours then
      return nil, message, code
    end
    given = given + ours
  end
  for _, entry in ipairs(list) do
    forget(self, entry)
  end
  return given
end

-- Removes consumers that are long gone, and had nothing.
function Member:sweep()
  return self:run(scripts.sweep, 1, self.keys.stream, self.group, SWEEP_AFTER)
end

local function about_group(list, name)
  for _, each in ipairs(list or {}) do
    local about = {}
    for i = 1, #each, 2 do
      about[each[i]] = each[i + 1]
    end
    if about.name == name then
      return about
    end
  end
  return {}
end

-- How many entries none has read. Redis's own lag is wrong once it was started from an AOF; but here what has ended is
-- deleted, and all that is there is in hand or was not read. (What was dropped at max_length while it was in hand is
-- counted in hand until that deliverer tells of it.)
function member.lag(length, pending)
  return math.max(0, length - pending)
end

-- For how many seconds the oldest entry has been in the stream, 0 where it is empty; nil where Redis does not answer.
local function oldest(self)
  local first, now = self.redis:call("XRANGE", self.keys.stream, "-", "+", "COUNT", 1), self:time()
  if not (first and now) then
    return nil
  end
  return first[1] and math.max(0, now - tonumber((first[1][1]:match("^%d+"))) / 1000) or 0
end

-- What is in the stream: { length =, dead =, oldest =, lag =, pending = }; nil where Redis does not answer.
function Member:survey()
  local length = self.redis:call("XLEN", self.keys.stream)
  local dead = length and self.redis:call("XLEN", self.keys.dead)
  local age = dead and oldest(self)
  if not age then
    return nil
  end
  local group = about_group(self.redis:call("XINFO", "GROUPS", self.keys.stream), self.group)
  local pending = group.pending
  return { length = length, dead = dead, oldest = age, lag = pending and member.lag(length, pending),
    pending = pending }
end

-- Redis's clock, in seconds; nil where it does not answer.
function Member:time()
  local reply = self.redis:call("TIME")
  return reply and tonumber(reply[1]) + tonumber(reply[2]) / 1e6
end

-- Gives back what is in hand, and leaves. Returns how many that were; or nil, a message and a code.
function Member:leave()
  local count, message, code = self:run(scripts.leave, 1, self.keys.stream, self.group, self.name)
  self.redis:close()
  return count, message, code
end

return member
