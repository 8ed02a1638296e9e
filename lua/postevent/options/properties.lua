-- The options of postevent.new: the one table that says what there is. The checks, the defaults and the settings that
-- the core reads are made from it; the annotations (library/postevent.lua), the reference and the command's flags are
-- compared with it.
--
-- A list, in the order of the reference. Each property has
--   name     as messages and the reference write it: "timeout"; "queue.wait" is the field `wait` of the table `queue`
--   type     a check of check.lua: "text", "file" (or directory, that can be read), "boolean", "seconds", "number",
--            "integer", "codes", "attribute", "version", "table", "function", "log"; "group": a table whose fields are
--            properties of their own; "other": checked where it is read (credentials.lua, postevent.definitions)
--   text     what it is for: one line
-- and where they apply
--   default  the value where it is not given; absent: nothing is set
--   above    a number must be greater,
--   least    at least this,
--   most     and at most this
--   unit     of a number: "seconds", "bytes", "events", "results", "posts", "attempts", "attempts a second"
--   values   the texts that are taken, and no others; "log": beside what is no text
--   required true: must be given (in a group: where the group is)
--   needs    { name } or { name, value }: an option without which it does nothing
--   secret   true: its value is never shown
--   directory true: the "file" is one
--   lua      true: the core has no setting of that name
--   luatype  the type as the Lua language server writes it, where the type above does not say it

local core = require("postevent.native")("postevent.core")

-- Low, so that a slip is noticed: 15000 is in milliseconds.
local TEN_MINUTES = 600
local HOUR = 3600
local DAY = 86400
local YEAR = 366 * DAY
local MILLION = 1000000

local properties = {
  { name = "url", type = "text", secret = true,
    text = "The address of the webhook. Required, except with `relay` and in the modes \"record\" and \"off\"." },
  { name = "relay", type = "group",
    text = "In place of `url`: tracked events go to a stream of Redis, from which others deliver them." },
  { name = "relay.url", type = "text", required = true, secret = true,
    text = "Where it is: \"redis://user:password@host:6379/0\", \"rediss://...\", \"unix:///run/redis.sock\"." },
  { name = "relay.stream", type = "text", default = "postevent",
    text = "The name of the stream." },
  { name = "relay.max_length", type = "integer", least = 1, most = 2 ^ 40, unit = "events",
    text = "How many events the stream holds. Absent: as many as Redis has memory for." },
  { name = "relay.overflow", type = "text", default = "reject", values = { "reject", "drop_oldest" },
    needs = { "relay.max_length" },
    text = "At that length: events wait in the client, or the oldest of the stream go." },
  { name = "relay.wait_replicas", type = "integer", default = 0, least = 0, most = 100,
    text = "How many replicas must have an event before it counts as relayed." },
  { name = "authorization", type = "other", luatype = "string", secret = true,
    text = "The value of the Authorization header: \"Basic dGVzdF9kaXY2OWZmZmRkYg==\"." },
  { name = "user", type = "other", luatype = "string", secret = true,
    text = "In place of `authorization`: the user of Basic authentication." },
  { name = "password", type = "other", luatype = "string", secret = true,
    text = "The password that goes with `user`; may be empty." },
  { name = "headers", type = "table", secret = true, luatype = "table<string, string>",
    text = "More headers. Those that the client sets itself are refused." },
  { name = "timeout", type = "seconds", default = 15, above = 0, most = TEN_MINUTES,
    text = "Seconds that a post may take, its retries included; tracked: each attempt." },
  { name = "connect_timeout", type = "seconds", default = 5, above = 0, most = TEN_MINUTES,
    text = "Seconds until an attempt is connected: name, proxy, connection, TLS." },
  { name = "attempts", type = "integer", default = 3, least = 1, most = 100, unit = "attempts",
    text = "How often at most `post` posts an event." },
  { name = "tls", type = "group",
    text = "Certificates, and whether the server's is verified." },
  { name = "tls.ca_file", type = "file",
    text = "A file (PEM) of the authorities to trust, and no others." },
  { name = "tls.ca_path", type = "file", directory = true,
    text = "The same as a directory, prepared with `openssl rehash`." },
  { name = "tls.cert_file", type = "file",
    text = "The client's own certificate (PEM)." },
  { name = "tls.key_file", type = "file", needs = { "tls.cert_file" },
    text = "Its private key (PEM), where that is not in `cert_file`." },
  { name = "tls.key_password", type = "text", secret = true, needs = { "tls.cert_file" },
    text = "What the key is encrypted with." },
  { name = "tls.verify", type = "boolean", default = true,
    text = "`false` accepts any certificate: for experiments." },
  { name = "relay.tls", type = "group",
    text = "The same of a rediss:// that the relay has." },
  { name = "proxy", type = "text", secret = true,
    text = "The URL of a proxy; or \"environment\", read once in `new`. Not set: none." },
  { name = "http_version", type = "version", values = { "1.1" }, lua = true,
    text = "HTTP/1.1 is what is spoken. HTTP/2 is not offered." },
  { name = "allow_http", type = "boolean", default = false, lua = true,
    text = "Lets credentials go over http:// to another machine." },
  { name = "allow_blocking", type = "boolean", default = false, lua = true,
    text = "Lets what waits block a worker of nginx in its request phases." },
  { name = "user_agent", type = "text", default = "postevent/" .. core.version,
    text = "The User-Agent header." },
  { name = "accept_codes", type = "codes", default = { 1100 },
    text = "The values of `status.code` that mean delivered." },
  { name = "max_event_bytes", type = "integer", default = 32768, unit = "bytes",
    least = 2, most = 10 * 1024 * 1024, -- the gateway refuses more than 10 MB (platform.md)
    text = "The longest JSON that is sent." },
  { name = "definitions", type = "other", luatype = "postevent.source",
    text = "Event definitions: the name of a file, JSON, a table, ..." },
  { name = "validation", type = "text", default = "strict", values = { "strict", "warn", "off" },
    text = "What becomes of an event that breaks its definition." },
  { name = "unknown_events", type = "text", default = "error", values = { "error", "allow" },
    text = "What becomes of an event that has no definition." },
  { name = "unknown_attributes", type = "text", default = "error", values = { "error", "allow" },
    text = "And of an attribute that is not in it." },
  { name = "invalid_utf8", type = "text", default = "error", values = { "error", "replace" },
    text = "What becomes of text that is not UTF-8." },
  { name = "common", type = "table", luatype = "postevent.event",
    text = "Attributes that every event gets unless it has its own; those of its definition." },
  { name = "stamp", type = "boolean", default = true,
    text = "Gives an event without `eventDateTime` the time of the call, in UTC." },
  { name = "id_attribute", type = "attribute",
    text = "The attribute that identifies an event, filled with a UUID where it is absent." },
  { name = "before_send", type = "function", lua = true,
    luatype = "fun(event: postevent.event): postevent.event?",
    text = "Is given a copy; what it returns is sent." },
  { name = "mode", type = "text", default = "live", values = { "live", "record", "off" }, luatype = "postevent.mode",
    text = "Whether events are sent, only kept (for tests), or neither." },
  { name = "log", type = "log", values = { "stderr" }, luatype = 'fun(level: string, message: string)|"stderr"|false',
    text = "Is told of what is odd, or in trouble, or lost." },
  { name = "max_in_flight", type = "integer", default = 16, least = 1, most = 1000, unit = "events",
    text = "How many tracked events are posted at once; 1: in order." },
  { name = "queue", type = "group",
    text = "How many events `track` may keep, and what when there are more." },
  { name = "queue.max_events", type = "integer", default = 10000, least = 1, most = 2 ^ 31, unit = "events",
    text = "How many of them." },
  { name = "queue.max_bytes", type = "integer", default = 32 * 1024 * 1024, least = 1024, most = 2 ^ 40, unit = "bytes",
    text = "And how much memory; it must hold `max_event_bytes` and 1024 more." },
  { name = "queue.overflow", type = "text", default = "reject", values = { "reject", "drop_oldest", "wait" },
    text = "What `track` does when it is full." },
  { name = "queue.wait", type = "seconds", default = 1, above = 0, most = HOUR, needs = { "queue.overflow", "wait" },
    text = "Seconds that it waits at most, with \"wait\"." },
  { name = "retry", type = "group",
    text = "When events are tried again." },
  { name = "retry.initial", type = "seconds", default = 0.5, above = 0, most = HOUR,
    text = "Seconds, the longest wait before the second attempt; then twice as long." },
  { name = "retry.max", type = "seconds", default = 30, above = 0, most = HOUR,
    text = "Seconds, the longest wait of all." },
  { name = "retry.max_age", type = "seconds", default = DAY, above = 0, most = YEAR,
    text = "Seconds after which a tracked event is not sent any more, a year at most." },
  { name = "retry.ambiguous", type = "boolean", default = true,
    text = "Sends a tracked event again that may have arrived." },
  { name = "spool", type = "group",
    text = "Keeps accepted events on disk, so that they outlive the process. Absent: in memory alone." },
  { name = "spool.path", type = "text", required = true,
    text = "The directory, of this machine's programs that send to the same `url`. It is made at need." },
  { name = "spool.max_bytes", type = "integer", default = 256 * 1024 * 1024, least = 1024 * 1024, most = 2 ^ 40,
    unit = "bytes",
    text = "How much disk the events of one process may take." },
  { name = "spool.max_age", type = "seconds", default = 7 * DAY, above = 0, most = YEAR, lua = true,
    text = "In place of `retry.max_age`: seconds after which an event is not sent any more." },
  { name = "spool.wait", type = "boolean", default = false,
    text = "`track` returns when the event is on disk: it then survives even `kill -9`." },
  { name = "spool.required", type = "boolean", default = true, needs = { "spool.wait", true },
    text = "With `spool.wait`: an event that cannot be written is refused. `false`: it is kept in memory." },
  { name = "spool.sync", type = "text", default = "normal", values = { "normal", "full" },
    text = "\"full\": what is on disk survives a power cut, too; each write then takes a disk's time." },
  { name = "spool.dead_letters", type = "integer", default = 10000, least = 0, most = MILLION, unit = "events",
    text = "How many rejected and expired events are kept to be looked at." },
  { name = "spool.endpoint", type = "text", secret = true, lua = true,
    text = "In place of `url`: whose events these are. They were for that address, and go to `url`, where it is now." },
  { name = "rate_limit", type = "group",
    text = "How fast tracked events are posted. Absent: as fast as they can be." },
  { name = "rate_limit.per_second", type = "number", required = true, above = 0, most = MILLION,
    unit = "attempts a second",
    text = "Attempts a second, at most." },
  { name = "rate_limit.burst", type = "integer", least = 1, most = MILLION, unit = "attempts",
    text = "How many at once after a silence. Absent: as many as in a second." },
  { name = "results", type = "integer", default = 1024, least = 0, most = MILLION, unit = "results",
    text = "How many results are kept until they are read." },
  { name = "drain", type = "seconds", default = 5, above = 0, most = HOUR, lua = true,
    text = "With postevent.resty: seconds that events have when their worker ends." },
  { name = "max_posts", type = "integer", default = 100, least = 1, most = 10000, unit = "posts",
    text = "With postevent.resty: how many posts are under way at once." },
}

-- The options of `tls` once more, of the relay.
local function relay_tls(property)
  local copy = {}
  for key, value in pairs(property) do
    copy[key] = value
  end
  copy.name = "relay." .. property.name
  copy.needs = property.needs and { "relay." .. property.needs[1] }
  return copy
end

local at
for i, property in ipairs(properties) do
  at = property.name == "relay.tls" and i or at
end
for _, property in ipairs { (table.unpack or unpack)(properties) } do
  if property.name:find "^tls%." then
    at = at + 1
    table.insert(properties, at, relay_tls(property))
  end
end

return properties
