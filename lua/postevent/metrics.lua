-- What client:stats() returns, as text that Prometheus reads (its text format, version 0.0.4). Pure: a table in, a text
-- out.
--
-- A counter `x` of the stats is `postevent_x_total`, a gauge `x` is `postevent_x`; a count by code or by class is one
-- metric with that label. What can be counted is there from the start, as 0: a rate is only right when its first step
-- was seen.

local is_utf8 = require("postevent.utf8").check
local words = require("postevent.options.words")

local STATES = { "idle", "sending", "cooling", "held", "closed" }
local SPOOL_STATES = { "works", "full", "fails" }
local QUANTILES = { { "0.5", "p50" }, { "0.9", "p90" }, { "0.99", "p99" }, { "1", "max" } }

-- The codes that each count by code begins with; what else the stats have comes too.
local REFUSED = { "closed", "invalid_event", "no_memory", "queue_full", "too_large" }
local REJECTED = { "bad_reply", "endpoint", "rejected", "unauthorized" }
local DROPPED = { "queue_full" }
local UNKNOWN = { "interrupted", "timeout", "tls" }
local CLASSES = { "1xx", "2xx", "3xx", "4xx", "5xx" }

local OWN_LABELS = { class = true, code = true, quantile = true, state = true }

-- ---- the format ----

local ESCAPED = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

-- A number as the format wants it, in every locale: string.format writes the locale's decimal point, which may be more
-- than one byte.
local function number(value)
  if value % 1 == 0 then
    return ("%.0f"):format(value)
  end
  return (("%.15g"):format(value):gsub("[^%d%-+e]+", "."))
end

local function label(name, value)
  return ('%s="%s"'):format(name, (value:gsub('[\\"\n]', ESCAPED)))
end

local Page = {}
Page.__index = Page

-- Begins a metric. No help text has anything to escape.
function Page:metric(name, kind, help)
  self.name = "postevent_" .. name
  self:line(("# HELP %s %s"):format(self.name, help))
  self:line(("# TYPE %s %s"):format(self.name, kind))
end

function Page:line(text)
  self[#self + 1] = text .. "\n"
end

-- A sample of the metric that was begun last; `suffix` is "", "_sum" or "_count"; `own` is a label, or nil. A value
-- that is nil is not a number yet.
function Page:sample(suffix, own, value)
  local labels = self.labels
  if own then
    labels = labels == "" and own or labels .. "," .. own
  end
  if labels ~= "" then
    labels = "{" .. labels .. "}"
  end
  self:line(("%s%s%s %s"):format(self.name, suffix, labels, value and number(value) or "NaN"))
end

function Page:counter(name, value, help)
  self:metric(name .. "_total", "counter", help)
  self:sample("", nil, value)
end

function Page:gauge(name, value, help)
  self:metric(name, "gauge", help)
  self:sample("", nil, value)
end

-- A counter with a label: a sample for each of `known`, and for what `counts` has besides.
function Page:counter_by(label_name, name, counts, known, help)
  local names, seen = {}, {}
  for i, value in ipairs(known) do
    names[i], seen[value] = value, true
  end
  for value in pairs(counts) do
    names[#names + 1] = not seen[value] and value or nil
  end
  table.sort(names)
  self:metric(name .. "_total", "counter", help)
  for _, value in ipairs(names) do
    self:sample("", label(label_name, value), counts[value] or 0)
  end
end

-- ---- the metrics ----

local function add_events(page, stats)
  page:counter("calls", stats.calls, "Calls of track: accepted, filtered and refused.")
  page:counter("filtered", stats.filtered, "Events that before_send kept back.")
  page:counter_by("code", "refused", stats.refused, REFUSED, "Events that track did not accept, by code.")
  page:counter("accepted", stats.accepted,
    "Events that track accepted; with those restored: delivered, relayed, rejected, expired, dropped, unknown and "
      .. "pending.")
  page:counter("restored", stats.restored, "Events of other processes that were found in the spool.")
  page:counter("delivered", stats.delivered, "Events that the platform accepted.")
  page:counter("relayed", stats.relayed, "Events that a stream of Redis took, from which others deliver.")
  page:counter("trimmed", stats.trimmed, "Entries of that stream that gave way to newer ones.")
  page:counter_by("code", "rejected", stats.rejected_by, REJECTED, "Events that the platform refused, by code.")
  page:counter("expired", stats.expired, "Events that grew too old before they could be delivered.")
  page:counter_by("code", "dropped", stats.dropped_by, DROPPED, "Events given up to make room for newer ones, by code.")
  page:counter_by("code", "unknown", stats.unknown_by, UNKNOWN,
    "Events that may have arrived and were not sent again, by code.")
end

local function add_queue(page, stats)
  page:gauge("pending", stats.pending, "Events without an outcome: queued, waiting and in flight.")
  page:gauge("queued", stats.queued, "Events that wait for their first attempt.")
  page:gauge("waiting", stats.waiting, "Events that wait for another attempt.")
  page:gauge("in_flight", stats.in_flight, "Events that are being posted.")
  page:gauge("pending_bytes", stats.pending_bytes, "Memory that the pending events take.")
  page:gauge("maybe_sent", stats.maybe_sent, "Pending events whose last attempt close cancelled after it was sent.")
end

local function add_sending(page, stats)
  page:counter("attempts", stats.attempts, "Posts that were begun.")
  page:counter("retries", stats.retries, "Posts of an event that had been posted before.")
  page:counter("sent_bytes", stats.bytes, "Bytes of JSON in all posts.")
  page:counter_by("class", "replies", stats.replies, CLASSES, "Replies, by the class of their HTTP status.")
  page:counter("invalid_sent", stats.invalid_sent, "Events that broke their definition and were sent all the same.")
  page:gauge("results_unread", stats.results_unread, "Results that the program has not read yet.")
  page:counter("results_lost", stats.results_lost, "Results that were overwritten before the program read them.")
end

local function add_spool(page, spool)
  page:metric("spool_state", "gauge", "1 for the state that the spool is in, 0 for the others.")
  for _, state in ipairs(SPOOL_STATES) do
    page:sample("", label("state", state), state == spool.state and 1 or 0)
  end
  page:gauge("spool_uncommitted", spool.uncommitted, "Pending events that are not on disk.")
  page:gauge("spool_on_disk", spool.on_disk, "Pending events that are on disk alone.")
  page:gauge("spool_bytes", spool.bytes, "Disk that the spool's files use.")
  page:gauge("spool_dead", spool.dead, "Rejected and expired events that are kept.")
  page:counter("spool_dead_dropped", spool.dead_dropped, "Those that gave way to newer events.")
  page:counter("spool_dead_lost", spool.dead_lost, "Those that were not kept: in damaged files, or not on disk.")
  page:counter("spool_failures", spool.failures, "Times that the spool ceased to work.")
  page:counter("spool_adopted", spool.adopted, "Files of other processes that were taken over.")
  page:counter("spool_damaged", spool.damaged, "Files that were damaged and set aside.")
  page:counter("spool_uncounted", spool.uncounted, "Those of which nobody knows how many events were in them.")
  page:gauge("spool_elsewhere", spool.elsewhere, "Files of other endpoints that nobody had when the spool was opened.")
  page:gauge("spool_barred", spool.barred, "Files that this process cannot open, which are left alone.")
  page:gauge("spool_newer", spool.newer, "Files of a newer version of postevent, which are left alone.")
end

-- What only the sum of many processes has.
local function add_processes(page, stats)
  page:gauge("workers", stats.workers, "Processes that these counters are the sum of, besides those that are no more.")
  page:counter("lost", stats.lost, "Events that a process held when it was killed.")
  page:counter("kept", stats.kept, "Events that were on disk when their process ended; they come back as restored.")
end

local function add_latency(page, latency)
  page:metric("latency_seconds", "summary", "From an event's acceptance to its delivery, since the client was made.")
  for _, quantile in ipairs(QUANTILES) do
    page:sample("", label("quantile", quantile[1]), latency.count > 0 and latency[quantile[2]] or nil)
  end
  page:sample("_sum", nil, latency.sum)
  page:sample("_count", nil, latency.count)
end

local function add_state(page, stats)
  page:metric("state", "gauge", "1 for the state that the sender is in, 0 for the others.")
  for _, state in ipairs(STATES) do
    page:sample("", label("state", state), state == stats.state and 1 or 0)
  end
  local last = stats.last_error
  if last then
    page:metric("last_error_timestamp_seconds", "gauge", "When a post last failed, and with which code.")
    page:sample("", label("code", last.code), last.at)
  end
end

-- ---- labels of the user's ----

-- Why these labels cannot be; nil when they can. No value is quoted: it may be there by mistake, and secret.
local function mistake_in(labels)
  if type(labels) ~= "table" then
    return words.refusal("labels", labels, nil, "a table")
  end
  for name, value in next, labels do
    if type(name) ~= "string" or not name:find("^[A-Za-z_][A-Za-z0-9_]*$") or name:find("^__") then
      return ("labels: the name of a label must be letters, digits and _, and not begin with a digit or __, got %s")
        :format(words.name(name))
    elseif OWN_LABELS[name] then
      return ("labels.%s: is a label of the metrics themselves"):format(name)
    elseif type(value) ~= "string" then
      return words.refusal("labels." .. name, value, nil, "text")
    elseif not is_utf8(value) then
      return ("labels.%s: expected text in UTF-8"):format(name)
    end
  end
end

local function constant_labels(labels)
  local written = {}
  for name, value in next, labels do
    written[#written + 1] = label(name, value)
  end
  table.sort(written)
  return table.concat(written, ",")
end

-- metrics(stats, labels) -> text; `labels`, a table or nil, go into every sample. Raises a message (without a position)
-- when they cannot.
return function(stats, labels)
  local mistake = labels ~= nil and mistake_in(labels)
  if mistake then
    error(mistake, 0)
  end
  local page = setmetatable({ labels = constant_labels(labels or {}) }, Page)
  add_events(page, stats)
  add_queue(page, stats)
  add_sending(page, stats)
  add_latency(page, stats.latency)
  add_state(page, stats)
  if stats.spool then
    add_spool(page, stats.spool)
  end
  if stats.workers then
    add_processes(page, stats)
  end
  return table.concat(page)
end
