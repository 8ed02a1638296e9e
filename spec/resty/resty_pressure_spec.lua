-- A hook whose events are refused as often as nginx can ask, some 60,000 times a second where the machine has cores for
-- it: the log has a line a second, and the counters say to the event how many those were.
local where = require "support.where"
if not where.is "luajit" then
  return
end
local helper = require "support.helper"
local site = require "support.site"

local has_wrk = helper.run { "sh", "-c", "command -v wrk" } == 0

describe("a hook in nginx whose events are refused with each request", function()
  helper.guard()
  local shared = site.new()

  local WORKER = [[lua_shared_dict postevent 1m;
    init_worker_by_lua_block {
      client = new { url = "http://127.0.0.1:1/", queue = { max_events = 10 } }
      refused, accepted = 0, 0
      function hook(attributes)
        local ticket = client:track(attributes)
        refused, accepted = refused + (ticket and 0 or 1), accepted + (ticket and 1 or 0)
        if not ticket then
          first, last = first or ngx.now(), ngx.now()
        end
      end
    }]]
  local SERVER = [[
    location = /full { return 204; log_by_lua_block { hook(event) } }
    location = /invalid { return 204; log_by_lua_block { hook { event_name = 5 } } }
    location = /own { content_by_lua_block { ]] .. site.answer "refused, accepted, last - first" .. [[ } }
    location = /metrics { content_by_lua_block { ngx.print(require("postevent.resty").metrics()) } }]]

  -- The lines of the log that say so, and how many refusals they tell of.
  local function told(nginx, text)
    local lines, events = 0, 0
    for line in nginx:errors():gmatch "[^\n]+" do
      local at = select(2, line:find("an event was refused: " .. text, 1, true))
      if at then
        lines = lines + 1
        events = events + 1 + (tonumber(line:match("^ %(and (%d+) more of the kind%)", at + 1)) or 0)
      end
    end
    return lines, events
  end

  for _, case in ipairs {
    { path = "/full", code = "queue_full", text = "the queue is full", accepted = 10 },
    { path = "/invalid", code = "invalid_event", text = "event_name: expected text", accepted = 0 },
  } do
    it("writes a line a second, and counts them all: " .. case.code, function()
      if not has_wrk then
        return pending "no wrk"
      end
      local nginx = shared:start { http = WORKER, server = SERVER }
      local status, output = helper.run { "wrk", "-t1", "-c64", "-d3s", nginx.url .. case.path }
      assert.equal(0, status, output)
      local _, refused, accepted, seconds = (table.unpack or unpack)(site.ask(nginx, "/own"))
      assert.is_true(refused > 10000, refused .. " refused")
      assert.equal(case.accepted, accepted)

      local page = nginx:get("/metrics").body
      local function sample(name)
        return tonumber(page:match("\npostevent_" .. name .. " (%d+)"))
      end
      assert.equal(refused, sample(('refused_total{code="%s"}'):format(case.code)))
      assert.equal(refused + accepted, sample "calls_total")
      assert.equal(accepted, sample "accepted_total")

      local lines, events = told(nginx, case.text)
      local most = math.floor(seconds + 0.1) + 1 -- nginx's own clock stands still while it works
      assert.is_true(lines >= most / 2 and lines <= most, ("%d lines in %.3f s"):format(lines, seconds))
      assert.is_true(events <= refused and events > refused / 3, events .. " told of " .. refused)
      assert.equal("", nginx:complaints())
    end)
  end
end)
