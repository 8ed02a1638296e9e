-- post of postevent.resty in a real nginx: it lets the worker go on until the answer is there.
local where = require "support.where"
if not where.is "luajit" then -- nginx has a Lua of its own, whatever Lua runs the specs
  return
end
local cjson = require "cjson"
local helper = require "support.helper"
local many = require "support.many"
local platform = require "support.slow_platform"
local site = require "support.site"

describe("in nginx,", function()
  helper.guard()
  local shared = site.new()

  local WORKER = "init_worker_by_lua_block { client = new() }"

  describe("post", function()
    it("returns the reply in every phase that can wait", function()
      local nginx = shared:start {
        http = WORKER,
        server = [[
          location = /rewrite { rewrite_by_lua_block { ]] .. site.answer "client:post(event)" .. [[ } }
          location = /access { access_by_lua_block { ]] .. site.answer "client:post(event)" .. [[ } }
          location = /content { content_by_lua_block { ]] .. site.answer "client:post(event)" .. [[ } }
          location = /timer { content_by_lua_block {
            local done = require("ngx.semaphore").new(0)
            ngx.timer.at(0, function() posted = client:post(event); done:post(1) end)
            done:wait(5)
            ]] .. site.answer "posted" .. [[ } }
          location = /thread { content_by_lua_block {
            local thread = ngx.thread.spawn(function() return client:post(event) end)
            ]] .. site.answer "select(2, ngx.thread.wait(thread))" .. [[ } }
          location = /coroutine { content_by_lua_block {
            local post = coroutine.wrap(function() return client:post(event) end)
            ]] .. site.answer "post()" .. [[ } }]],
      }
      for i, path in ipairs { "/rewrite", "/access", "/content", "/timer", "/thread", "/coroutine" } do
        local returned = site.ask(nginx, path)
        assert.is_true(returned[1], cjson.encode(returned))
        local reply = returned[2]
        assert.equal(1100, reply.status.code)
        assert.equal("Event is pushed to transformation state", reply.status.message)
        assert.equal(36, #reply.requestId)
        assert.equal("RAND121", reply.event_id)
        assert.equal(200, reply.http_status)
        assert.equal(1, reply.attempts)
        assert.is_true(reply.elapsed > 0 and reply.elapsed < 5)
        assert.equal(i, #shared.sandbox:events())
      end
      assert.equal("", nginx:complaints())
    end)

    it("leaves plain clients their own post, made before or after postevent.resty was loaded", function()
      local nginx = shared:start {
        bare = true,
        http = [[init_by_lua_block {
          local postevent = require "postevent"
          local function plain() return postevent.new { mode = "record" } end
          before = plain()
          post = before.post
          resty = require("postevent.resty").new { mode = "record" }
          after = plain()
        }]],
        server = "location = / { content_by_lua_block { "
          .. site.answer("before.post == post, after.post == post, resty.post == post, "
            .. "resty:track { event_name = 'e' } and resty.track == before.track")
          .. " } }",
      }
      assert.same({ true, true, true, false, true }, site.ask(nginx, "/"))
    end)

    it("follows set_mode and set_common", function()
      local nginx = shared:start {
        http = "init_worker_by_lua_block { client = new { mode = 'off' } }",
        server = [[
          location = /off { content_by_lua_block { ]] .. site.answer "client:post(event).status.message" .. [[ } }
          location = /live { log_by_lua_block { client:set_common { shop = "s" } }
            content_by_lua_block { ]] .. site.answer "client:set_mode 'live'" .. [[ } }
          location = /post { content_by_lua_block { ]] .. site.answer "client:post(event).attempts" .. [[ } }
          location = /withdrawn { content_by_lua_block { ]] .. site.answer [[
            client:track(event) > 0, client:set_mode("off", "send"), client:track(event), client:post(event).attempts]]
            .. [[ } }]],
      }
      assert.same({ true, 'not sent (mode = "off")' }, site.ask(nginx, "/off"))
      assert.same({ true, true }, site.ask(nginx, "/live"))
      helper.wait_until(function()
        assert.same({ true, 1 }, site.ask(nginx, "/post"))
        local events = shared.sandbox:events()
        return events[#events].event.shop == "s"
      end)
      assert.same({ true, true, true, 0, 0 }, site.ask(nginx, "/withdrawn"))
    end)

    it("returns what a plain client's post would when it fails", function()
      local nginx = shared:start {
        http = [[init_worker_by_lua_block {
          client = new { definitions = "${DEFINITIONS}" }
          refused = new { url = "http://127.0.0.1:9/x", attempts = 2, retry = { initial = 0.001 } }
          locked = new { url = "${LOCKED}" }
          record = new { mode = "record" }
        }]],
        server = [[
          location = /invalid { content_by_lua_block { ]]
            .. site.answer "client:post { event_name = 'be_reserved' }" .. [[ } }
          location = /unreachable { content_by_lua_block { ]] .. site.answer "refused:post(event)" .. [[ } }
          location = /unauthorized { content_by_lua_block { ]] .. site.answer "locked:post(event)" .. [[ } }
          location = /record { content_by_lua_block { ]] .. site.answer "record:post(event)" .. [[ } }
          location = /number { content_by_lua_block { ]] .. site.answer "client:post(7)" .. [[ } }]],
        values = {
          LOCKED = helper.start_sandbox({ authorization = "Basic other" }).url,
          DEFINITIONS = helper.process.current_directory() .. "/spec/vectors/definitions.json",
        },
      }
      local _, value, message, code, detail = (table.unpack or unpack)(site.ask(nginx, "/invalid"))
      assert.equal(cjson.null, value)
      assert.equal("invalid_event", code)
      assert.truthy(message:find("customer_id", 1, true))
      assert.is_false(detail.sent)
      assert.is_true(#detail.problems > 0)

      _, value, message, code, detail = (table.unpack or unpack)(site.ask(nginx, "/unreachable"))
      assert.equal(cjson.null, value)
      assert.equal("unreachable", code)
      assert.is_string(message)
      assert.same({ sent = false, arrived = false, attempts = 2, event_id = "RAND121", elapsed = detail.elapsed },
        detail)
      assert.truthy(nginx:errors():find("postevent: a post took 2 attempts and ended unreachable", 1, true))

      _, value, message, code, detail = (table.unpack or unpack)(site.ask(nginx, "/unauthorized"))
      assert.equal(cjson.null, value)
      assert.equal("unauthorized", code, message)
      assert.equal(401, detail.http_status)

      assert.equal(1100, site.ask(nginx, "/record")[2].status.code)
      assert.truthy(site.ask(nginx, "/number")[2]:find("post: event: expected a table of attributes, got 7", 1, true))
      assert.equal(0, #shared.sandbox:events())
    end)

    it("of many requests at once is as quick as one", function()
      local slow = platform.start(0.3)
      local nginx = shared:start {
        values = { URL = slow.url },
        connections = 1024,
        http = "init_worker_by_lua_block { client = new { max_posts = 200 } }",
        server = "location = /post { content_by_lua_block { " .. site.answer "client:post(event)" .. " } }",
      }
      local begin = helper.process.now()
      for _, reply in ipairs(many.get(nginx.port, "/post", 200)) do
        assert.equal(200, reply.status)
        assert.is_true(cjson.decode(reply.body)[1], reply.body)
      end
      assert.is_true(helper.process.now() - begin < 3, helper.process.now() - begin)
      assert.equal(200, slow:count())
      assert.equal("", nginx:complaints())
    end)

    it("stands in line behind max_posts, and no longer than its time-out", function()
      local slow = platform.start(0.5)
      local nginx = shared:start {
        values = { URL = slow.url },
        http = "init_worker_by_lua_block { client = new { max_posts = 2, timeout = 1.3, attempts = 1 } }",
        server = "location = /post { content_by_lua_block { " .. site.answer "client:post(event)" .. " } }",
      }
      local delivered, unsent = 0, 0
      for _, reply in ipairs(many.get(nginx.port, "/post", 8)) do
        local _, value, _, code, detail = (table.unpack or unpack)(cjson.decode(reply.body))
        if value ~= cjson.null then
          delivered = delivered + 1
        elseif code == "timeout" and detail.sent == false and detail.attempts == 0 then
          unsent = unsent + 1
        end
        assert.is_true(reply.elapsed < 3)
      end
      assert.is_true(delivered >= 2 and delivered <= 4, delivered)
      assert.is_true(unsent >= 1, unsent)
      assert.is_true(slow:count() <= 8 - unsent)
    end)

    it("does not stand behind tracked events that are held", function()
      local nginx = shared:start {
        http = [[init_worker_by_lua_block { client = new { authorization = "Basic wrong" } }]],
        server = [[
          location = /track { content_by_lua_block { for _ = 1, 100 do client:track(event) end } }
          location = /state { content_by_lua_block { ]] .. site.answer "client:stats().state" .. [[ } }
          location = /post { content_by_lua_block { ]] .. site.answer "client:post(event)" .. [[ } }]],
        values = { URL = helper.start_sandbox({ authorization = "Basic other" }).url },
      }
      nginx:get "/track"
      helper.wait_until(function()
        return site.ask(nginx, "/state")[2] == "held"
      end)
      assert.equal("unauthorized", site.ask(nginx, "/post")[4])
    end)

    it("lets other requests pass while the platform takes two seconds", function()
      local slow = platform.start(2)
      local nginx = shared:start {
        values = { URL = slow.url },
        http = WORKER,
        server = [[location = /post { content_by_lua_block { ]] .. site.answer "client:post(event)" .. [[ } }
          location = /other { content_by_lua_block { ngx.say "ok" } }]],
      }
      local posts = {}
      for i = 1, 20 do
        posts[i] = many.begin(nginx.port, "/post")
      end
      helper.wait_until(function()
        return slow:count() == 20
      end)
      local worst = 0
      for _ = 1, 200 do
        local begin = helper.process.now()
        assert.equal(200, nginx:get("/other").status)
        worst = math.max(worst, helper.process.now() - begin)
      end
      assert.is_true(worst < 0.2, worst) -- 2 s and more where one of them blocks
      for _, reply in ipairs(many.finish(posts)) do
        assert.is_true(reply.elapsed >= 1.9)
        assert.is_true(cjson.decode(reply.body)[1])
      end
    end)

    it("that its request gives up leaves nothing behind", function()
      local slow = platform.start(1)
      local nginx = shared:start {
        values = { URL = slow.url },
        http = [[init_worker_by_lua_block {
          client = new()
          function waiting() -- how many light threads the waker knows of
            for i = 1, 20 do
              local name, value = debug.getupvalue(require("postevent.resty.waker").post, i)
              if name == "waiting" then
                local count = 0
                for _ in pairs(value) do count = count + 1 end
                return count
              end
            end
          end
        }]],
        server = [[lua_check_client_abort on;
          location = /waiting { content_by_lua_block { ]] .. site.answer "waiting()" .. [[ } }
          location = /post { content_by_lua_block { ]] .. site.answer "client:post(event)" .. [[ } }]],
      }
      local posts = {}
      for i = 1, 30 do
        posts[i] = many.begin(nginx.port, "/post")
      end
      helper.wait_until(function()
        return slow:count() == 30
      end)
      assert.equal(30, site.ask(nginx, "/waiting")[2])
      for _, post in ipairs(posts) do
        post:abort()
      end
      assert.is_true(cjson.decode(many.get(nginx.port, "/post", 1)[1].body)[1]) -- the waker goes on
      assert.equal(0, site.ask(nginx, "/waiting")[2])
      assert.is_true(nginx:quit() < 3)
      assert.equal("", nginx:complaints())
    end)

    it("raises in a phase that cannot wait, names it, and points to track", function()
      local nginx = shared:start {
        http = [[init_worker_by_lua_block {
            client = new()
            raised = {}
            function try(phase) local _, message = pcall(client.post, client, event); raised[phase] = message end
            try "init_worker"
          }]],
        server = [[
          location = /phases {
            set_by_lua_block $unused { try "set"; return 1 }
            content_by_lua_block { ngx.say "ok" }
            header_filter_by_lua_block { try "header_filter" }
            body_filter_by_lua_block { try "body_filter" }
            log_by_lua_block { try "log" }
          }
          location = /raised { content_by_lua_block { ]] .. site.answer "raised" .. [[ } }]],
      }
      assert.equal(200, nginx:get("/phases").status)
      local raised
      helper.wait_until(function()
        raised = site.ask(nginx, "/raised")[2]
        return raised.log
      end)
      for _, phase in ipairs { "init_worker", "set", "header_filter", "body_filter", "log" } do
        assert.truthy(raised[phase]:find("post cannot wait for an answer in " .. phase .. "_by_lua; track works in "
          .. "every phase", 1, true), raised[phase])
      end
      assert.equal(0, #shared.sandbox:events())
    end)
  end)

  describe("a post where Lua cannot yield", function()
    it("raises before anything is sent, and harms no other", function()
      local slow = platform.start(0.3)
      local nginx = shared:start {
        values = { URL = slow.url },
        http = [[init_worker_by_lua_block {
          client = new()
          inner = new { mode = "live" }
          before = new { before_send = function(event)
            message = select(2, pcall(inner.post, inner, event))
            return event
          end }
        }]],
        server = [[
          location = /post { content_by_lua_block { ]] .. site.answer "client:post(event)" .. [[ } }
          location = /gsub { content_by_lua_block {
            local _, message = pcall(string.gsub, "x", "x", function() client:post(event) end)
            local reply = client:post(event)
            ngx.say(require("cjson").encode { message, reply.status.code })
            ngx.exit(200)
          } }
          location = /before { content_by_lua_block {
            before:post(event)
            ngx.say(require("cjson").encode { message })
            ngx.exit(200)
          } }]],
      }
      local posts = {}
      for i = 1, 20 do
        posts[i] = many.begin(nginx.port, i % 2 == 0 and "/post" or "/gsub")
      end
      for i, reply in ipairs(many.finish(posts)) do
        local body = cjson.decode(reply.body)
        if i % 2 == 0 then
          assert.equal(1100, body[2].status.code)
        else
          assert.truthy(body[1]:find("post cannot wait for an answer inside a function of C", 1, true), body[1])
          assert.equal(1100, body[2])
        end
      end
      assert.equal(20, slow:count())
      assert.truthy(site.ask(nginx, "/before")[1]:find("inside a function of C", 1, true))
      assert.equal(21, slow:count())
      assert.equal("", nginx:complaints())
    end)
  end)
end)
