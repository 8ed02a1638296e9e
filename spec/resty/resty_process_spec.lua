-- nginx's processes beside its workers, as the page has them: what a client can do there, and that what it holds in the
-- end is delivered.
if not require("support.where").is "luajit" then
  return
end
local helper = require "support.helper"
local pages = require "support.pages"
local site = require "support.site"
local slow_platform = require "support.slow_platform"

describe("of nginx's processes", function()
  helper.guard()
  local shared = site.new()

  -- Made where the process begins; what came of it is in the dictionary, for a worker to tell.
  local TRY = [[
    lua_shared_dict tried 1m;
    init_worker_by_lua_block {
      local place = ${PLACE}
      if not place then return end
      local mine = new { results = 0 }
      local function named(id)
        return { event_name = "e", external_event_id = place .. " " .. id }
      end
      local function try()
        local tried = ngx.shared.tried
        local reply, message = mine:post(named "posted")
        tried:set("post", reply and "1100" or message)
        for i = 1, ${COUNT} do
          local ticket, why = mine:track(named(("%02d"):format(i)))
          tried:set("track", ticket and "yes" or why)
        end
        tried:set("done", true)
        ${END}
      end
      assert(ngx.timer.at(0, try))
    }
  ]]

  local TELL = [[
    location = /tried { content_by_lua_block {
      local tried = ngx.shared.tried
      ngx.print(tried:get "done" and tried:get "post" .. " " .. tried:get "track" or "")
    } }]]

  local function cells(process)
    for _, row in ipairs(pages.table("Process", "Where Lua runs there")) do
      if row[1] == process then
        return row[3] == "yes", row[4] == "yes", row[5]
      end
    end
    error(process .. " is not on the page")
  end

  local function assert_all_arrived(place)
    local wanted = {}
    for i = 1, 20 do
      wanted[i] = ("%s %02d"):format(place, i)
    end
    wanted[21] = place .. " posted"
    assert.same(wanted, shared:ids())
  end

  -- Runs TRY where `options.place` says, and holds the page against it.
  local function try(process, options)
    options.values = { PLACE = options.place, COUNT = 20, END = options.at_end or "", INIT = options.init or "" }
    options.http, options.server = TRY, TELL
    local nginx = shared:start(options)
    helper.wait_until(function()
      local reply = nginx:get "/tried"
      return reply and reply.body == "1100 yes"
    end, 10, process)
    nginx:quit()
    assert.equal("", nginx:complaints())
    local tracks, posts, left = cells(process)
    assert.is_true(tracks and posts)
    assert.truthy(left:find("delivered", 1, true))
    return nginx
  end

  local function has_agents()
    local nginx = shared:start { values = {
      INIT = [[agent = { require("ngx.process").enable_privileged_agent() }]] },
      server = "location = /agent { content_by_lua_block { ngx.print(tostring(agent[1])) } }" }
    return nginx:get("/agent").body == "true"
  end

  it("a worker posts and tracks", function()
    try("a worker", { place = [["worker"]] })
    assert_all_arrived "worker"
  end)

  it("the only one does, where there is no master", function()
    try("the only process, with `master_process off`", { place = [["single"]], main = "master_process off;" })
    assert_all_arrived "single"
  end)

  it("the privileged agent does", function()
    if not has_agents() then
      return pending "this nginx has no privileged agent: it lacks OpenResty's patches"
    end
    try("the privileged agent, where nginx has OpenResty's patches", {
      init = [[assert(require("ngx.process").enable_privileged_agent())]],
      place = [[require("ngx.process").type() == "privileged agent" and "agent"]],
    })
    assert_all_arrived "agent"
  end)

  -- As the command has it: one process, no server, the script in a timer, and nginx told to quit behind it.
  it("that of OpenResty's command does, and ends with its script", function()
    local nginx = shared:start {
      main = "master_process off;", http = TRY, server = TELL,
      values = {
        PLACE = [["resty"]], COUNT = 20,
        END = [[ngx.timer.at(0.2, function() -- not before the test has seen it up
          require("ffi").cdef "int raise(int signal);"
          require("ffi").C.raise(3)
        end)]],
      },
    }
    helper.wait_until(function() return not nginx.child:running() end, 10, "the end")
    assert.equal("", nginx:complaints())
    assert_all_arrived "resty"
    assert.truthy((cells "OpenResty's command `resty`"))
  end)

  it("each has the time of `drain` for what it holds, and is not cut off sooner", function()
    local slow = slow_platform.start(0.5)
    local nginx = shared:start { main = "master_process off;", http = TRY, server = TELL,
      values = { PLACE = [["single"]], COUNT = 80, END = "", URL = slow.url } }
    helper.wait_until(function()
      return nginx:get("/tried").body == "1100 yes"
    end, 10, "the events")
    nginx:quit()
    assert.equal("", nginx:complaints())
    assert.equal(81, slow:count())
    slow.nginx:stop()
  end)

  it("the cache manager and the loader run no Lua", function()
    local nginx = shared:start {
      main = "env POSTEVENT_UNUSED;",
      http = [[
        proxy_cache_path cache keys_zone=zone:1m loader_threshold=10;
        init_worker_by_lua_block {
          ngx.log(ngx.NOTICE, "Lua begins in ", ngx.worker.pid(), " ", require("ngx.process").type())
        } ]],
      server = "",
    }
    for _, kind in ipairs { "manager", "loader" } do
      helper.wait_until(function()
        return nginx:errors():find(("start cache %s process"):format(kind), 1, true)
      end, 10, kind)
    end
    nginx:quit()
    local seen = 0
    for kind in nginx:errors():gmatch "Lua begins in %d+ (%a+)" do
      assert.equal("worker", kind)
      seen = seen + 1
    end
    assert.equal(1, seen)
    assert.is_false((cells "the cache manager and loader"))
  end)

  it("the master is no place for events, and says so", function()
    local nginx = shared:start {
      values = { INIT = [[
        client = new()
        said = {}
        for _, name in ipairs { "track", "start" } do
          local ok, message = pcall(client[name], client, event)
          said[#said + 1] = ok and name or message
        end ]] },
      server = [[
        location = /said { content_by_lua_block { ngx.print(table.concat(said, "\\n")) } }
        location = /track { content_by_lua_block { ngx.print(client:start() and client:track(event)) } }]],
    }
    local said = nginx:get("/said").body
    for _, name in ipairs { "track", "start" } do
      assert.truthy(said:find(name .. ": init_by_lua is no place for events", 1, true), said)
    end
    assert.equal("1", nginx:get("/track").body)
    assert.is_false((cells "the master"))
  end)
end)
