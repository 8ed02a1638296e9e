-- nginx refuses timers: more are pending than it allows, or more run. A post is answered all the same, and a worker's
-- end waits for none.
local where = require "support.where"
if not where.is "luajit" then
  return
end
local cjson = require "cjson"
local helper = require "support.helper"
local many = require "support.many"
local platform = require "support.slow_platform"
local site = require "support.site"

describe("a worker of nginx that has no timer to give", function()
  helper.guard()
  local shared = site.new()

  local POST = [[location = /post { content_by_lua_block {
    local reply, message = client:post(event)
    ngx.print(reply and "posted" or message)
  } }
  location = /block { content_by_lua_block {
    ngx.timer.at(0, function() ngx.sleep(4) end)
    ngx.print "ok"
  } }]]

  -- nginx's own lines about the timers that the tests have it refuse; no others may be there.
  local function complaints(nginx)
    local found = {}
    for line in nginx:complaints():gmatch "[^\n]+" do
      found[#found + 1] = not line:find("lua_max_running_timers are not enough", 1, true) and line or nil
    end
    return table.concat(found, "\n")
  end

  -- The three that hung: { what, http, INIT }
  local CASES = {
    { "because all may run that can, when it is to end", [[init_worker_by_lua_block {
      for _ = 1, 300 do ngx.timer.at(60, function() ngx.sleep(0.2) end) end
      client = new()
    }]], "" },
    { "because all are pending that can be, at the first post", [[init_worker_by_lua_block {
      for _ = 1, 1023 do ngx.timer.at(60, function() end) end
    }]], "client = new()" },
    { "because one is one too many", "lua_max_pending_timers 1;\n", "client = new()" },
    { "because the one that may run does", "lua_max_running_timers 1;\n", "client = new()" },
  }

  for _, case in ipairs(CASES) do
    it("answers posts, and ends within a second, " .. case[1], function()
      local nginx = shared:start { http = case[2], values = { INIT = case[3] }, server = POST }
      for _ = 1, 3 do
        assert.equal("posted", nginx:get("/post").body)
      end
      local took = nginx:quit()
      assert.is_true(took < 1.9, took) -- of a busy machine; else it is 2 s, or ten minutes
      assert.equal("", complaints(nginx))
    end)
  end

  it("answers posts at once while the program has the only timer that may run", function()
    local nginx = shared:start { http = "lua_max_running_timers 1;\n", values = { INIT = "client = new()" },
      server = POST }
    nginx:get "/block"
    for _ = 1, 3 do
      local begin = helper.process.now()
      for _, reply in ipairs(many.get(nginx.port, "/post", 20)) do
        assert.equal("posted", reply.body)
      end
      assert.is_true(helper.process.now() - begin < 1.9, helper.process.now() - begin)
    end
    assert.equal("", complaints(nginx))
  end)

  it("answers posts of a platform that takes longer than a second, and then ends", function()
    for _, http in ipairs { "lua_max_running_timers 1;\n", "lua_max_pending_timers 1;\n", "" } do
      local slow = platform.start(1.5)
      local nginx = shared:start { values = { URL = slow.url, INIT = "client = new()" }, http = http,
        server = POST:gsub("ngx.sleep%(4%)", "ngx.sleep(1)") }
      nginx:get "/block"
      local posts = {}
      for i = 1, 10 do
        posts[i] = many.begin(nginx.port, "/post")
      end
      helper.wait_until(function()
        return slow:count() == 10
      end)
      local took = nginx:quit()
      assert.is_true(took < 2.5, took)
      for _, post in ipairs(many.finish(posts)) do
        assert.equal("posted", post.body)
        assert.is_true(post.elapsed < 2.2, post.elapsed)
      end
      assert.equal("", complaints(nginx))
      slow.nginx:stop()
    end
  end)

  it("lets the program's timers run when no post waits any more", function()
    local nginx = shared:start {
      http = "lua_max_running_timers 1;\n", values = { INIT = "client = new()" },
      server = POST .. [[
        location = /timer { content_by_lua_block {
          ngx.timer.at(0, function() ran = (ran or 0) + 1 end)
          ngx.print(ran or 0)
        } }]],
    }
    assert.equal("posted", nginx:get("/post").body)
    helper.wait_until(function()
      return tonumber(nginx:get("/timer").body) > 0
    end, 5)
    assert.equal("", complaints(nginx))
  end)

  it("needs no place to write to, either", function()
    local nginx = shared:start {
      values = { INIT = [[
        client = new()
        local core = require "postevent.core"
        local waker = core.waker
        function core.waker()
          local made = waker()
          debug.getmetatable(made).__index.listen = function() return nil, "there is no place" end
          return made
        end]] },
      server = POST .. [[location = /json { content_by_lua_block { ]] .. site.answer "client:post(event)" .. [[ } }]],
    }
    for _, reply in ipairs(many.get(nginx.port, "/json", 20)) do
      assert.is_true(cjson.decode(reply.body)[1])
    end
    assert.equal("", nginx:complaints())
    local _, count = nginx:errors():gsub("%[warn%][^\n]*posts are waited for without a socket: there is no place", "")
    assert.equal(1, count, nginx:errors())
  end)
end)
