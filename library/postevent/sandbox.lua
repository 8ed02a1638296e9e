---@meta postevent.sandbox

-- Types of the module `postevent.sandbox`, the platform on your own machine. Nothing here is ever run.

---A fault: what happens, to whom, for how long. See docs/reference/faults.md.
---@class postevent.sandbox.fault
---@field status? integer That HTTP status, 200 to 599.
---@field body? string With `status`: that body, of at most 4,096 bytes.
---@field retry_after? integer With `status`: that header, in seconds.
---@field code? integer 200, and that `status.code`.
---@field html? boolean 200, and a page that asks to sign in.
---@field unauthorized? boolean 401 for the credential that it meets first.
---@field delay? number The reply comes so many seconds later.
---@field drop? "before"|"after"|"reply" The connection ends before the event is read, behind it, or in the middle of the reply.
---@field stall? boolean Nothing comes.
---@field trickle? number The reply comes so many bytes a second.
---@field taken? boolean Whether the event has arrived all the same.
---@field event? string Events of that name.
---@field customer? string Events of that customer.
---@field webhook? string Requests to that webhook.
---@field one? boolean One event alone, each time that it comes: the first.
---@field above? integer Requests beyond so many in a second.
---@field every? integer Each Nth request.
---@field share? number That share of the requests, by chance: above 0 and up to 1.
---@field times? integer Until so many requests have met it.
---@field seconds? number Until so much time has passed since the first request that it is meant for.

---A scenario by its name, and what is to be otherwise: to whom and for how long. See docs/reference/scenarios.md.
---@class postevent.sandbox.scenario
---@field name "outage"|"slow"|"rate-limit"|"rotated-password"|"lost-replies"|"captive-portal"|"flaky"|"poison"
---@field event? string
---@field customer? string
---@field webhook? string
---@field one? boolean
---@field above? integer
---@field every? integer
---@field share? number
---@field times? integer
---@field seconds? number

---@class postevent.sandbox.options
---@field port? integer Default: a free one.
---@field authorization? string The value that the Authorization header must have.
---@field allow_hosts? string[] Names by which it may be called besides localhost and addresses of this machine.
---@field definitions? string|table|postevent.definitions Events are checked against them.
---@field unique? boolean Whether the platform's check for duplicates is on.
---@field faults? (string|postevent.sandbox.fault)[] What goes wrong from the beginning.
---@field scenario? string A bad day of the platform's from the beginning: "outage", "outage,seconds=5", ...
---@field seed? integer Of what is drawn for faults. Default: one of its own.
---@field memory? number MiB. Default: 256.

---An event that the sandbox has kept.
---@class postevent.sandbox.record
---@field event table As it was posted.
---@field webhook string
---@field requestId string
---@field received_at string In UTC.
---@field answer? integer The HTTP status; null where there was no answer.
---@field fault? string What it met.
---@field duplicate? boolean
---@field outcome? "good"|"bad" With definitions.
---@field problems? postevent.problem[]

---@class postevent.sandbox.counts
---@field requests integer To webhooks.
---@field taken integer
---@field processed integer
---@field duplicates integer
---@field faults integer Requests that met one.
---@field dropped integer Events that were forgotten for newer ones.

---A sandbox in a child process, which ends with this one.
---@class postevent.sandbox.process
---@field url string Of a webhook, for `postevent.new`.
---@field base string Of the sandbox: "http://127.0.0.1:8080".
---@field port integer
local Process = {}

---The events that it has taken, the oldest first.
---@return postevent.sandbox.record[]
function Process:events() end

---The same of each attempt that it has kept, taken or not.
---@return postevent.sandbox.record[]
function Process:attempts() end

---@return postevent.sandbox.counts
function Process:counts() end

---Turns a fault on. Raises on a mistake.
---@param given string|postevent.sandbox.fault
---@return integer id
function Process:fault(given) end

---Turns a scenario on, in place of all faults. Raises on a mistake.
---@param given string|postevent.sandbox.scenario
function Process:scenario(given) end

---Ends that fault; without an id, all.
---@param id? integer
function Process:heal(id) end

---It has received nothing, and has no faults.
function Process:reset() end

---Ends it.
function Process:stop() end

---@class postevent.sandbox
local sandbox = {}

---Starts a sandbox in a child process: for the tests of a program. Raises on a mistake in the options; returns nil and a
---message where it cannot listen.
---@param options? postevent.sandbox.options
---@return postevent.sandbox.process?
---@return string? message
function sandbox.start(options) end

return sandbox
