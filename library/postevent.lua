---@meta postevent

-- Types of the module `postevent`, for the Lua language server: put this directory into `workspace.library`. Nothing
-- here is ever run. A spec compares it with the module.

---An error code, for programs. What to do about each: docs/reference/codes.md.
---@alias postevent.code
---| "invalid_event" # refused here; `detail.problems` lists everything that is wrong
---| "too_large"     # the JSON is longer than `max_event_bytes`
---| "no_memory"     # memory ran out; nothing was sent
---| "queue_full"    # `track` alone: the queue is full
---| "spool"         # `track` alone: the event could not be written to disk
---| "closed"        # the client is closed
---| "filtered"      # `before_send` returned nil, or the mode changed meanwhile
---| "withdrawn"     # `set_mode` threw away what was pending
---| "unreachable"   # name, connection or proxy failed; nothing was sent
---| "tls"           # no secure connection; a certificate was not accepted
---| "timeout"       # time ran out; `detail.sent` says whether the event may have arrived
---| "interrupted"   # the connection broke after sending began: the event may have arrived
---| "unauthorized"  # HTTP 401, 403, 407
---| "endpoint"      # the address does not take events
---| "rejected"      # the platform refused this event
---| "rate_limited"  # HTTP 429; see `detail.retry_after`
---| "unavailable"   # the platform cannot take events now
---| "bad_reply"     # the answer is not the platform's

---What is wrong with an attribute. The first eight are of the event's definition.
---@alias postevent.rule
---| "missing"       # a required attribute, or the event_name, is absent, null or empty
---| "type"          # the definition asks for another type; or JSON does not have this one
---| "enum"          # not one of the definition's values
---| "date"          # not a date in one of the platform's formats
---| "regex"         # does not match the definition's pattern
---| "customer"      # not an identifier of a customer of this kind
---| "unknown"       # the definition does not have the attribute
---| "unknown_event" # no definition has the name of the event
---| "name"          # a name that is not text
---| "not_finite"    # NaN, infinity
---| "utf8"          # text that is not UTF-8
---| "depth"         # tables nested deeper than 32, or a table that contains itself
---| "too_large"     # the event does not fit into `max_event_bytes`

---@alias postevent.mode
---| "live"   # events are posted
---| "record" # nothing is sent; events are checked and kept for `client:recorded()`
---| "off"    # nothing is sent, checked or kept

---What became of a tracked event.
---@alias postevent.outcome
---| "delivered" # the platform took it
---| "relayed"   # the stream of a fleet took it, from which others deliver it
---| "rejected"  # the platform refused this event
---| "expired"   # it grew older than `retry.max_age`
---| "dropped"   # the queue was full, and it made room for a newer one; or `set_mode` threw it away
---| "unknown"   # it may have arrived, and `retry.ambiguous` is false

---What a client is about.
---@alias postevent.state
---| "idle"    # no tracked event is pending, or `set_mode` keeps them
---| "sending" # events are posted, or wait for another attempt
---| "cooling" # the platform fails, or asked to wait: one event at a time tries whether it is back
---| "held"    # the credentials or the address are wrong: nothing is given up until that is mended
---| "closed"

---The attributes of an event: text, finite numbers, booleans, null (lua-cjson's), arrays and tables of these.
---@class postevent.event
---@field event_name? string The name of the event's definition. Mandatory, here or in `common`.
---@field eventDateTime? string|number When it happened: `yyyy-MM-dd HH:mm:ss`, or seconds since 1970. Absent: now.
---@field [string] any

---An attribute in the short form of definitions, where its type alone ("string", "customer:mobile", "double?") or an
---enum ({ "enum", "1", "2" }) does not say enough.
---@class postevent.attribute
---@field type? string "string", "double", "date", ...; "customer:mobile"; with "?" behind it, optional.
---@field required? boolean In place of the "?". Default: `true`.
---@field sensitive? boolean Its values are never quoted in a message. Default: `false`.
---@field unique? boolean Part of the key by which the platform tells a repeat. Not checked. Default: `false`.
---@field regex? string A pattern, in Java's syntax, for the whole text.
---@field values? string[] Of an enum.
---@field identifier? string Of a customer, in place of the ":mobile": "mobile", "email", ...

---The events of the short form, by name; each has its attributes, by name.
---@alias postevent.short_form table<string, table<string, string|string[]|postevent.attribute>>

---A source of definitions: a file's name, JSON, or a table: the platform's download, or the short form.
---@alias postevent.source string|postevent.short_form|table|postevent.definitions

---Definitions, read and compiled. For any number of clients.
---@class postevent.definitions
---@field warnings string[] What breaks the platform's limits in its own download, and patterns that are not checked.

---The field `relay` of the options, in place of `url`: tracked events go to a stream of Redis.
---@class postevent.relay
---@field url string Where it is: "redis://user:password@host:6379/0", "rediss://...", "unix:///run/redis.sock".
---@field stream? string The name of the stream. Default: `"postevent"`.
---@field max_length? integer How many events the stream holds. Absent: as many as Redis has memory for. 1 to 1099511627776.
---@field overflow? "reject"|"drop_oldest" At that length: events wait in the client, or the oldest of the stream go. Default: `"reject"`.
---@field wait_replicas? integer How many replicas must have an event before it counts as relayed. 0 to 100. Default: `0`.
---@field tls? postevent.relay.tls The same of a rediss:// that the relay has.

---The field `tls` of `relay`: of a rediss://.
---@class postevent.relay.tls
---@field ca_file? string A file (PEM) of the authorities to trust, and no others.
---@field ca_path? string The same as a directory, prepared with `openssl rehash`.
---@field cert_file? string The client's own certificate (PEM).
---@field key_file? string Its private key (PEM), where that is not in `cert_file`.
---@field key_password? string What the key is encrypted with.
---@field verify? boolean `false` accepts any certificate: for experiments. Default: `true`.

---The field `tls` of the options.
---@class postevent.tls
---@field ca_file? string A file (PEM) of the authorities to trust, and no others.
---@field ca_path? string The same as a directory, prepared with `openssl rehash`.
---@field cert_file? string The client's own certificate (PEM).
---@field key_file? string Its private key (PEM), where that is not in `cert_file`.
---@field key_password? string What the key is encrypted with.
---@field verify? boolean `false` accepts any certificate: for experiments. Default: `true`.

---The field `queue` of the options: the tracked events that have no outcome yet.
---@class postevent.queue
---@field max_events? integer How many of them. 1 to 2147483648. Default: `10000`.
---@field max_bytes? integer And how much memory; it must hold `max_event_bytes` and 1024 more. 1024 to 1099511627776. Default: `33554432`.
---@field overflow? "reject"|"drop_oldest"|"wait" What `track` does when it is full. Default: `"reject"`.
---@field wait? number Seconds that it waits at most, with "wait". Default: `1`.

---The field `retry` of the options: when an event is tried again.
---@class postevent.retry
---@field initial? number Seconds, the longest wait before the second attempt; then twice as long. Default: `0.5`.
---@field max? number Seconds, the longest wait of all. Default: `30`.
---@field max_age? number Seconds after which a tracked event is not sent any more, a year at most. Default: `86400`.
---@field ambiguous? boolean Sends a tracked event again that may have arrived. Default: `true`.

---The field `spool` of the options: keeps accepted events on disk, so that they outlive the process.
---@class postevent.spool
---@field path string The directory, of this machine's programs that send to the same `url`. It is made at need.
---@field max_bytes? integer How much disk the events of one process may take. 1048576 to 1099511627776. Default: `268435456`.
---@field max_age? number In place of `retry.max_age`: seconds after which an event is not sent any more. Default: `604800`.
---@field wait? boolean `track` returns when the event is on disk: it then survives even `kill -9`. Default: `false`.
---@field required? boolean With `spool.wait`: an event that cannot be written is refused. `false`: it is kept in memory. Default: `true`.
---@field sync? "normal"|"full" "full": what is on disk survives a power cut, too; each write then takes a disk's time. Default: `"normal"`.
---@field dead_letters? integer How many rejected and expired events are kept to be looked at. 0 to 1000000. Default: `10000`.
---@field endpoint? string In place of `url`: whose events these are. They were for that address, and go to `url`, where it is now.

---The field `rate_limit` of the options, for tracked events.
---@class postevent.rate_limit
---@field per_second number Attempts a second, at most.
---@field burst? integer How many at once after a silence. Absent: as many as in a second. 1 to 1000000.

---The options of `postevent.new`. Durations are seconds.
---@class postevent.options
---@field url? string The address of the webhook. Required, except with `relay` and in the modes "record" and "off".
---@field relay? postevent.relay In place of `url`: tracked events go to a stream of Redis, from which others deliver them.
---@field authorization? string The value of the Authorization header: "Basic dGVzdF9kaXY2OWZmZmRkYg==".
---@field user? string In place of `authorization`: the user of Basic authentication.
---@field password? string The password that goes with `user`; may be empty.
---@field headers? table<string, string> More headers. Those that the client sets itself are refused.
---@field timeout? number Seconds that a post may take, its retries included; tracked: each attempt. Default: `15`.
---@field connect_timeout? number Seconds until an attempt is connected: name, proxy, connection, TLS. Default: `5`.
---@field attempts? integer How often at most `post` posts an event. 1 to 100. Default: `3`.
---@field tls? postevent.tls Certificates, and whether the server's is verified.
---@field proxy? string The URL of a proxy; or "environment", read once in `new`. Not set: none.
---@field http_version? "1.1" HTTP/1.1 is what is spoken. HTTP/2 is not offered.
---@field allow_http? boolean Lets credentials go over http:// to another machine. Default: `false`.
---@field allow_blocking? boolean Lets what waits block a worker of nginx in its request phases. Default: `false`.
---@field user_agent? string The User-Agent header. Default: `"postevent/0.1.0"`.
---@field accept_codes? integer[] The values of `status.code` that mean delivered. Default: `{ 1100 }`.
---@field max_event_bytes? integer The longest JSON that is sent. 2 to 10485760. Default: `32768`.
---@field definitions? postevent.source Event definitions: the name of a file, JSON, a table, ...
---@field validation? "strict"|"warn"|"off" What becomes of an event that breaks its definition. Default: `"strict"`.
---@field unknown_events? "error"|"allow" What becomes of an event that has no definition. Default: `"error"`.
---@field unknown_attributes? "error"|"allow" And of an attribute that is not in it. Default: `"error"`.
---@field invalid_utf8? "error"|"replace" What becomes of text that is not UTF-8. Default: `"error"`.
---@field common? postevent.event Attributes that every event gets unless it has its own; those of its definition.
---@field stamp? boolean Gives an event without `eventDateTime` the time of the call, in UTC. Default: `true`.
---@field id_attribute? string The attribute that identifies an event, filled with a UUID where it is absent.
---@field before_send? fun(event: postevent.event): postevent.event? Is given a copy; what it returns is sent.
---@field mode? postevent.mode Whether events are sent, only kept (for tests), or neither. Default: `"live"`.
---@field log? fun(level: string, message: string)|"stderr"|false Is told of what is odd, or in trouble, or lost.
---@field max_in_flight? integer How many tracked events are posted at once; 1: in order. 1 to 1000. Default: `16`.
---@field queue? postevent.queue How many events `track` may keep, and what when there are more.
---@field retry? postevent.retry When events are tried again.
---@field spool? postevent.spool Keeps accepted events on disk, so that they outlive the process. Absent: in memory alone.
---@field rate_limit? postevent.rate_limit How fast tracked events are posted. Absent: as fast as they can be.
---@field results? integer How many results are kept until they are read. 0 to 1000000. Default: `1024`.
---@field drain? number With postevent.resty: seconds that events have when their worker ends. Default: `5`.
---@field max_posts? integer With postevent.resty: how many posts are under way at once. 1 to 10000. Default: `100`.

---What the platform said.
---@class postevent.status
---@field code integer 1100: queued.
---@field message? string

---An event was delivered (or, in the modes "record" and "off", would have been).
---@class postevent.reply
---@field status postevent.status
---@field requestId? string The platform's id of the request.
---@field http_status integer
---@field attempts integer How often the event was posted; 0 when nothing was sent.
---@field elapsed number Seconds, all of the post.
---@field event_id? string The value of `id_attribute`, or of `external_event_id` where that option is not set.

---What an answer that is not a delivery said, as far as it could be read.
---@class postevent.answer
---@field status { code: integer?, message: string? }
---@field requestId? string

---One thing that is wrong with an event.
---@class postevent.problem
---@field attribute string
---@field rule postevent.rule
---@field message string

---What is known about a failure.
---@class postevent.detail
---@field sent boolean|"maybe" false: never left; "maybe": left, no answer; true: answered. Over all attempts.
---@field arrived false|"maybe" Whether the event may have arrived: then only the same id keeps it from counting twice.
---@field attempts? integer Absent when the event was refused before any attempt.
---@field elapsed? number Seconds.
---@field event_id? string
---@field http_status? integer Of the last attempt; absent when no answer came.
---@field reply? postevent.answer
---@field retry_after? number Seconds that the platform asks to wait, at most 300.
---@field problems? postevent.problem[]

---What became of a tracked event.
---@class postevent.result
---@field ticket? integer What `track` returned; absent where the event was restored.
---@field restored? true Another process had accepted the event; it was found in the spool.
---@field event_id? string The value of `id_attribute`, or of `external_event_id` where that option is not set.
---@field event_name? string
---@field outcome postevent.outcome
---@field code? postevent.code Why; absent when it was delivered, relayed or expired.
---@field message? string The same for people; absent when it was delivered.
---@field http_status? integer Of the last attempt; absent when no answer came.
---@field reply? postevent.answer What the last answer said.
---@field attempts integer
---@field latency number Seconds from `track` to the outcome.

---How long tracked events took to be delivered, in seconds.
---@class postevent.latency
---@field count integer
---@field sum number
---@field p50 number
---@field p90 number
---@field p99 number
---@field max number

---The last attempt to deliver a tracked event that failed.
---@class postevent.last_error
---@field code postevent.code
---@field message string
---@field at number Seconds since 1970.

---@alias postevent.spool_state
---| "works"
---| "full"  # the disk, or the share of it; in memory meanwhile
---| "fails" # in memory meanwhile

---How the spool is.
---@class postevent.spool_stats
---@field state postevent.spool_state
---@field uncommitted integer Pending events that are not on disk.
---@field on_disk integer Pending events that are on disk alone.
---@field bytes integer Used in the files.
---@field dead integer Rejected and expired events that are kept.
---@field dead_dropped integer Those that gave way to newer ones.
---@field dead_lost integer Those that could not be read in damaged files.
---@field failures integer How often it ceased to work.
---@field adopted integer Files of other processes that were taken over.
---@field damaged integer Files that were set aside.
---@field uncounted integer Those of them of which nobody knows how many events were in them.
---@field newer integer Files of a newer version of postevent, which are left alone.
---@field elsewhere integer Files of events for another url that nobody had at the first look, which are left alone.
---@field barred integer Files that this process cannot open, which are left alone.
---@field last_error? { message: string, at: number }

---The counters of tracked events. `calls` is the sum of accepted, filtered and all of refused; `accepted` and
---`restored` that of delivered, relayed, rejected, expired, dropped, unknown and pending; `pending` that of queued, in_flight and waiting.
---@class postevent.stats
---@field calls integer Calls of `track` that returned.
---@field accepted integer Those that returned a ticket.
---@field filtered integer Those whose event `before_send` kept back; in the mode "off", all.
---@field refused table<postevent.code, integer> The others.
---@field delivered integer
---@field relayed integer
---@field rejected integer
---@field expired integer
---@field dropped integer
---@field unknown integer
---@field rejected_by table<postevent.code, integer>
---@field dropped_by table<postevent.code, integer>
---@field unknown_by table<postevent.code, integer>
---@field restored integer Events of other processes, found in the spool.
---@field pending integer Events without an outcome.
---@field queued integer Not tried yet.
---@field in_flight integer
---@field waiting integer For another attempt.
---@field pending_bytes integer The memory of what is pending.
---@field trimmed integer Entries that the stream of a fleet dropped for `relay.max_length`.
---@field maybe_sent integer Pending, but sent before `close` cancelled them.
---@field attempts integer
---@field retries integer Attempts that were not an event's first.
---@field bytes integer Of JSON, in all attempts.
---@field replies table<string, integer> By the class of their status: "1xx" to "5xx".
---@field latency postevent.latency
---@field state postevent.state
---@field last_error? postevent.last_error
---@field spool? postevent.spool_stats
---@field invalid_sent integer Events that broke their definition and were sent all the same.
---@field results_unread integer
---@field results_lost integer Results that made room unread.

---What `flush` and `close` say when time ran out.
---@class postevent.remaining
---@field remaining integer Events without an outcome.
---@field kept? integer How many of them are on disk.

---A client: keeps its connections alive. Belongs to one Lua state and one thread.
---@class postevent.client
local client = {}

---Posts an event and waits for the outcome. Raises when `event` is not a table, and when `before_send` raises.
---@param event postevent.event Never changed.
---@return postevent.reply? reply
---@return string? message
---@return postevent.code? code
---@return postevent.detail? detail
function client:post(event) end

---Takes an event over and returns at once; a thread in the background delivers it. Raises as `post` does.
---@param event postevent.event Never changed.
---@return integer? ticket 1, 2, 3, ...; 0 in the mode "off".
---@return string? message
---@return postevent.code? code
---@return postevent.detail? detail
function client:track(event) end

---For a loop: the outcomes of tracked events since the last one, each once, oldest first.
---@param max? number How many at most.
---@return fun(client: postevent.client): postevent.result? next
---@return postevent.client
function client:results(max) end

---Waits until every event tracked so far has its outcome.
---@param seconds? number At most so long. Default: 10.
---@return true? done
---@return string? message
---@return "timeout"? code
---@return postevent.remaining? detail
function client:flush(seconds) end

---The counters of tracked events.
---@return postevent.stats
function client:stats() end

---The counters as text for Prometheus. Raises when the labels cannot be.
---@param labels? table<string, string> Labels for every sample.
---@return string
function client:metrics(labels) end

---Starts the thread, which otherwise the first `track` does.
---@return true? done
---@return string? message
---@return postevent.code? code
---@return postevent.detail? detail
function client:start() end

---The JSON that would be sent. Checks as `post` does; sends nothing.
---@param event postevent.event Never changed.
---@return string? json
---@return string? message
---@return postevent.code? code
---@return postevent.detail? detail
function client:encode(event) end

---The events so far, oldest first, as they would have been sent. Raises unless the mode is "record", or was.
---@return postevent.event[]
function client:recorded() end

---The credentials of every later post: the header's value, or a user and a password. Events that were held for want
---of them go out. Raises on a mistake.
---@param value string The value of the Authorization header, or the user.
---@param password? string
---@return true? done
---@return string? message
---@return postevent.code? code
---@return postevent.detail? detail
function client:set_authorization(value, password) end

---The attributes that every later event gets unless it has its own, in place of those before. What was tracked keeps
---what it had. Raises on a mistake, and those before stay.
---@param common postevent.event? None: no attributes.
---@return true? done
---@return string? message
---@return postevent.code? code
---@return postevent.detail? detail
function client:set_common(common) end

---The mode of every later event, and what becomes of those that were tracked and have no outcome: they stay unsent until
---the mode is "live" again, are delivered all the same, or are thrown away (`dropped`, `withdrawn`). Raises on a
---mistake.
---@param mode postevent.mode
---@param pending? "keep"|"send"|"drop" Default: "keep".
---@return true? done
---@return string? message
---@return postevent.code? code
---@return postevent.detail? detail
function client:set_mode(mode, pending) end

---Flushes, then ends the thread and closes the connections. May be called twice.
---@param seconds? number How long it flushes at most. Default: 5.
---@return true? done
---@return string? message
---@return "timeout"? code
---@return postevent.remaining? detail
function client:close(seconds) end

---What this build has.
---@class postevent.features
---@field curl string libcurl's version.
---@field tls string Its TLS library and version, or "".
---@field http2 boolean false: it is not offered.
---@field pcre2 boolean Whether the patterns of definitions are checked.
---@field sqlite string|false The version of SQLite; false: there is no spool.
---@field redis string|false The version of hiredis; false: there is no relay.
---@field redis_tls boolean Whether a relay can go by rediss://.

---@class postevent
---@field version string
---@field features postevent.features
local postevent = {}

---Makes a client; opens no connection. Raises on a mistake in the options, and names the option.
---@param options postevent.options
---@return postevent.client
function postevent.new(options) end

---Reads and compiles definitions, once for any number of clients. Raises when they cannot be read.
---@param source postevent.source
---@return postevent.definitions
function postevent.definitions(source) end

return postevent
