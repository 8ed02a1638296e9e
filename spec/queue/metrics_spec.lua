-- client:metrics(): what Prometheus reads. promtool is its own parser and critic; the values are read by a few lines.
local helper = require "support.helper"
local locale = require "support.locale"
local metrics = require "postevent.metrics"
local postevent = require "postevent"
local rude = require "support.rude"

-- Every number is another, so that none can stand in another's place.
local function new_stats()
  return {
    calls = 1000, filtered = 3, refused = { queue_full = 4, invalid_event = 5 }, accepted = 987, restored = 1,
    delivered = 900,
    rejected = 13, rejected_by = { rejected = 6, endpoint = 7 }, expired = 8, dropped = 9,
    dropped_by = { queue_full = 9 }, unknown = 11, unknown_by = { timeout = 11 },
    pending = 47, queued = 12, waiting = 15, in_flight = 20,
    relayed = 17, trimmed = 16, pending_bytes = 2 ^ 45, maybe_sent = 2, attempts = 1234, retries = 300,
    bytes = 123456789012345, invalid_sent = 14,
    results_unread = 21, results_lost = 22,
    replies = { ["1xx"] = 23, ["2xx"] = 901, ["3xx"] = 24, ["4xx"] = 25, ["5xx"] = 26 },
    latency = { count = 900, sum = 45.25, p50 = 0.001, p90 = 0.0123456789, p99 = 0.5, max = 60 },
    state = "held",
    last_error = { code = "unauthorized", message = "\"secret\" words", at = 1712836800.25 },
  }
end

-- The samples of a page: { ['name{labels}'] = the text of its value }.
local function read(page)
  local samples = {}
  for line in page:gmatch "([^\n]*)\n" do
    if line:sub(1, 1) ~= "#" then
      local series, value = line:match "^(.-) (%S+)$"
      assert.is_nil(samples[series], line)
      samples[series] = value
    end
  end
  return samples
end

-- What Prometheus has to say about a page: nothing.
local function assert_good(page)
  local status, output, errors = helper.run({ "promtool", "check", "metrics" }, { stdin = page })
  assert.equal("", output .. errors)
  assert.equal(0, status)
end

describe("the metrics", function()
  helper.guard()

  it("say what the stats say", function()
    local page = metrics(new_stats())
    assert_good(page)
    assert.same({
      postevent_calls_total = "1000",
      postevent_filtered_total = "3",
      ['postevent_refused_total{code="closed"}'] = "0",
      ['postevent_refused_total{code="invalid_event"}'] = "5",
      ['postevent_refused_total{code="no_memory"}'] = "0",
      ['postevent_refused_total{code="queue_full"}'] = "4",
      ['postevent_refused_total{code="too_large"}'] = "0",
      postevent_accepted_total = "987",
      postevent_relayed_total = "17",
      postevent_trimmed_total = "16",
      postevent_restored_total = "1",
      postevent_delivered_total = "900",
      ['postevent_rejected_total{code="bad_reply"}'] = "0",
      ['postevent_rejected_total{code="endpoint"}'] = "7",
      ['postevent_rejected_total{code="rejected"}'] = "6",
      ['postevent_rejected_total{code="unauthorized"}'] = "0",
      postevent_expired_total = "8",
      ['postevent_dropped_total{code="queue_full"}'] = "9",
      ['postevent_unknown_total{code="interrupted"}'] = "0",
      ['postevent_unknown_total{code="timeout"}'] = "11",
      ['postevent_unknown_total{code="tls"}'] = "0",
      postevent_pending = "47",
      postevent_queued = "12",
      postevent_waiting = "15",
      postevent_in_flight = "20",
      postevent_pending_bytes = "35184372088832",
      postevent_maybe_sent = "2",
      postevent_attempts_total = "1234",
      postevent_retries_total = "300",
      postevent_sent_bytes_total = "123456789012345",
      ['postevent_replies_total{class="1xx"}'] = "23",
      ['postevent_replies_total{class="2xx"}'] = "901",
      ['postevent_replies_total{class="3xx"}'] = "24",
      ['postevent_replies_total{class="4xx"}'] = "25",
      ['postevent_replies_total{class="5xx"}'] = "26",
      postevent_invalid_sent_total = "14",
      postevent_results_unread = "21",
      postevent_results_lost_total = "22",
      ['postevent_latency_seconds{quantile="0.5"}'] = "0.001",
      ['postevent_latency_seconds{quantile="0.9"}'] = "0.0123456789",
      ['postevent_latency_seconds{quantile="0.99"}'] = "0.5",
      ['postevent_latency_seconds{quantile="1"}'] = "60",
      postevent_latency_seconds_sum = "45.25",
      postevent_latency_seconds_count = "900",
      ['postevent_state{state="idle"}'] = "0",
      ['postevent_state{state="sending"}'] = "0",
      ['postevent_state{state="cooling"}'] = "0",
      ['postevent_state{state="held"}'] = "1",
      ['postevent_state{state="closed"}'] = "0",
      ['postevent_last_error_timestamp_seconds{code="unauthorized"}'] = "1712836800.25",
    }, read(page))
    assert.is_nil(page:find("secret", 1, true))
  end)

  it("leave nothing out that the stats have", function()
    -- What is there twice, or is text.
    local left_out = { rejected = true, dropped = true, unknown = true, last_error = true }
    local names = { bytes = "sent_bytes", latency = "latency_seconds" }
    local client = postevent.new { mode = "record" }
    local page = client:metrics()
    for name in pairs(client:stats()) do
      name = names[name] or name:gsub("_by$", "")
      assert.truthy(left_out[name] or page:find("\n# TYPE postevent_" .. name .. "[_ ]"), name)
    end
    client:close()
  end)

  it("have codes that nobody foresaw", function()
    local stats = new_stats()
    stats.refused.other = 99
    local page = metrics(stats)
    assert_good(page)
    assert.equal("99", read(page)['postevent_refused_total{code="other"}'])
  end)

  it("know no latency before the first event was delivered, and no error before the first failed", function()
    local stats = new_stats()
    stats.latency = { count = 0, sum = 0, p50 = 0, p90 = 0, p99 = 0, max = 0 }
    stats.last_error = nil
    local page = metrics(stats)
    assert_good(page)
    assert.equal("NaN", read(page)['postevent_latency_seconds{quantile="0.5"}'])
    assert.equal("NaN", read(page)['postevent_latency_seconds{quantile="1"}'])
    assert.equal("0", read(page).postevent_latency_seconds_count)
    assert.is_nil(page:find("last_error", 1, true))
  end)

  it("are the same where numbers are written with a comma", function()
    local page, why = locale.with_decimal_comma(function()
      assert.equal(rawget(_G, "jit") and "0.5" or "0,5", ("%.1f"):format(0.5)) -- LuaJIT writes numbers by itself
      return metrics(new_stats())
    end)
    assert.equal(metrics(new_stats()), page, why)
  end)

  it("have a sample for what happened, as the client counts it", function()
    local sandbox = helper.start_sandbox()
    local client = postevent.new { url = sandbox.url }
    for number = 1, 5 do
      assert(client:track { event_name = "be_reserved", number = number })
    end
    client:track { event_name = 5 }
    assert.is_true(client:flush())
    local page = client:metrics { client = "shop" }
    assert_good(page)
    local samples = read(page)
    assert.equal("6", samples['postevent_calls_total{client="shop"}'])
    assert.equal("1", samples['postevent_refused_total{client="shop",code="invalid_event"}'])
    assert.equal("5", samples['postevent_delivered_total{client="shop"}'])
    assert.equal("5", samples['postevent_replies_total{client="shop",class="2xx"}'])
    assert.equal("5", samples['postevent_latency_seconds_count{client="shop"}'])
    assert.equal(("%.15g"):format(client:stats().latency.max),
      samples['postevent_latency_seconds{client="shop",quantile="1"}'])
    client:close()
    assert.equal("1", read(client:metrics())['postevent_state{state="closed"}'])
  end)

  it("show a queue that is held, and why", function()
    local server = rude.start("answer", { reply = { status = 401, body = "" } })
    local client = postevent.new { url = server.url }
    assert(client:track { event_name = "be_reserved" })
    helper.wait_until(function()
      return client:stats().state == "held"
    end)
    local page = client:metrics()
    assert_good(page)
    local samples = read(page)
    assert.equal("1", samples['postevent_state{state="held"}'])
    assert.equal("1", samples.postevent_pending)
    local at = samples['postevent_last_error_timestamp_seconds{code="unauthorized"}']
    assert.is_true(math.abs(tonumber(at) - os.time()) < 5, at)
    client:close(0.001)
  end)
end)

describe("the labels that are given to metrics", function()
  helper.guard()
  local client

  setup(function()
    client = postevent.new { mode = "record" }
  end)
  teardown(function()
    client:close()
  end)

  it("are in every sample, in one order", function()
    local page = client:metrics { worker = "3", client = "shop" }
    assert_good(page)
    for series in pairs(read(page)) do
      assert.truthy(series:find('{client="shop",worker="3"', 1, true), series)
    end
  end)

  it("are escaped", function()
    local page = client:metrics { client = 'a "b" \\ c\nd {}=, é €' }
    assert_good(page)
    local expected = [[postevent_calls_total{client="a \"b\" \\ c\nd {}=, é €"}]]
    assert.equal("0", read(page)[expected])
  end)

  it("may be empty", function()
    assert.equal(client:metrics(), client:metrics {})
    assert_good(client:metrics { client = "" })
  end)

  local NAME = "labels: the name of a label must be letters, digits and _, and not begin with a digit or __, got "
  local mistakes = {
    { "shop", "labels: expected a table, got text" },
    { { "shop" }, NAME .. "1" }, { { ["a-b"] = "x" }, NAME .. '"a-b"' }, { { ["1a"] = "x" }, NAME .. '"1a"' },
    { { ["a\n"] = "x" }, NAME .. "text" }, { { __name__ = "x" }, NAME .. '"__name__"' },
    { { code = "x" }, "labels.code: is a label of the metrics themselves" },
    { { class = "x" }, "labels.class: is a label of the metrics themselves" },
    { { quantile = "x" }, "labels.quantile: is a label of the metrics themselves" },
    { { state = "x" }, "labels.state: is a label of the metrics themselves" },
    { { worker = 3 }, "labels.worker: expected text, got 3" },
    { { worker = "\255" }, "labels.worker: expected text in UTF-8" },
    { { worker = "\237\160\128" }, "labels.worker: expected text in UTF-8" },
  }
  for i, mistake in ipairs(mistakes) do
    it(("are checked: %d, %s"):format(i, mistake[2]), function()
      local ok, message = pcall(client.metrics, client, mistake[1])
      assert.is_false(ok)
      assert.equal("metrics: " .. mistake[2], (message:gsub("^[^:]+:%d+: ", "")))
    end)
  end

  it("come from a client", function()
    local ok, message = pcall(client.metrics, {})
    assert.is_false(ok)
    assert.truthy(message:find("metrics: expected a client", 1, true))
  end)
end)
