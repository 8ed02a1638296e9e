-- The metrics of a deliverer, for Prometheus: those of its client, its own, and what it sees of the stream.

local metrics = require("postevent.metrics")

local ENDS = { "delivered", "rejected", "expired", "unknown", "taken" }

local function add(lines, name, kind, help)
  lines[#lines + 1] = ("# HELP postevent_relay_%s %s"):format(name, help)
  lines[#lines + 1] = ("# TYPE postevent_relay_%s %s"):format(name, kind)
end

local function add_gauge(lines, name, value, help)
  add(lines, name, "gauge", help)
  lines[#lines + 1] = ("postevent_relay_%s %.0f"):format(name, value)
end

local function add_ends(lines, counts)
  add(lines, "ended_total", "counter", "Entries whose outcome this deliverer told; taken: they were another's by then.")
  for _, outcome in ipairs(ENDS) do
    lines[#lines + 1] = ('postevent_relay_ended_total{outcome="%s"} %.0f'):format(outcome, counts[outcome])
  end
end

-- page(stats, counts, in_hand, stream) -> text. stats: of the client; counts: of the deliverer, by outcome; in_hand:
-- how many entries it has; stream: { length =, dead =, oldest =, lag =, pending = } as Redis has just told it, the
-- last two nil where it does not know; nil: Redis does not answer.
return function(stats, counts, in_hand, stream)
  local lines = {}
  add_ends(lines, counts)
  add_gauge(lines, "in_hand", in_hand, "Entries that this deliverer has.")
  add_gauge(lines, "redis_up", stream and 1 or 0, "Whether Redis answers.")
  if stream then
    add_gauge(lines, "stream_length", stream.length, "Entries without an outcome, of all deliverers.")
    add_gauge(lines, "stream_dead", stream.dead, "Dead letters.")
    add_gauge(lines, "stream_oldest_seconds", stream.oldest, "For how long the oldest entry has been in the stream.")
  end
  if stream and stream.pending then
    add_gauge(lines, "stream_pending", stream.pending, "Entries that some deliverer has.")
  end
  if stream and stream.lag then
    add_gauge(lines, "stream_lag", stream.lag, "Entries that none has read yet.")
  end
  return metrics(stats) .. table.concat(lines, "\n") .. "\n"
end
