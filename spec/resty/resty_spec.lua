-- postevent.resty in a real nginx: a post lets the worker go on; track works in every phase; what would block raises.
local where = require "support.where"
if not where.is "luajit" then -- nginx has a Lua of its own, whatever Lua runs the specs
  return
end
local cjson = require "cjson"
local helper = require "support.helper"
local many = require "support.many"
local openresty = require "support.openresty"
local platform = require "support.slow_platform"

-- Answers with what `expression`, whose values come from pcall, returned or raised.
local function answer(expression)
  return ([[
    local function pack(...) return { n = select("#", ...), ... } end
    local returned = pack(pcall(function() return %s end))
    for i = 1, returned.n do if returned[i] == nil then returned[i] = ngx.null end end
    returned.n = nil
    ngx.say(require("cjson").encode(returned))
    ngx.exit(200)]]):format(expression)
end

describe("in nginx", function()
  helper.guard()
  local sandbox

  setup(function()
    sandbox = helper.start_sandbox()
  end)
  before_each(function()
    sandbox:reset()
  end)

  local function start(options)
    options.values = options.values or {}
    options.values.URL = options.values.URL or sandbox.url
    return openresty.start(options)
  end

  local function ids()
    local list = {}
    for _, record in ipairs(sandbox:events()) do
      list[#list + 1] = record.event.external_event_id
    end
    table.sort(list)
    return list
  end

  local WORKER = "init_worker_by_lua_block { client = new() }"

  -- What the location answers, decoded.
  local function ask(nginx, path)
    local reply = assert(nginx:get(path))
    assert.equal(200, reply.status, nginx:errors())
    return cjson.decode(reply.body)
  end

  describe("post", function()
    it("returns the reply in every phase that can wait", function()
      local nginx = start {
        http = WORKER,
        server = [[
          location = /rewrite { rewrite_by_lua_block { ]] .. answer "client:post(event)" .. [[ } }
          location = /access { access_by_lua_block { ]] .. answer "client:post(event)" .. [[ } }
          location = /content { content_by_lua_block { ]] .. answer "client:post(event)" .. [[ } }
          location = /timer { content_by_lua_block {
            local done = require("ngx.semaphore").new(0)
            ngx.timer.at(0, function() posted = client:post(event); done:post(1) end)
            done:wait(5)
            ]] .. answer "posted" .. [[ } }
          location = /thread { content_by_lua_block {
            local thread = ngx.thread.spawn(function() return client:post(event) end)
            ]] .. answer "select(2, ngx.thread.wait(thread))" .. [[ } }
          location = /coroutine { content_by_lua_block {
            local post = coroutine.wrap(function() return client:post(event) end)
            ]] .. answer "post()" .. [[ } }]],
      }
      for i, path in ipairs { "/rewrite", "/access", "/content", "/timer", "/thread", "/coroutine" } do
        local returned = ask(nginx, path)
        assert.is_true(returned[1], cjson.encode(returned))
        local reply = returned[2]
        assert.equal(1100, reply.status.code)
        assert.equal("Event is pushed to transformation state", reply.status.message)
        assert.equal(36, #reply.requestId)
        assert.equal("RAND121", reply.event_id)
        assert.equal(200, reply.http_status)
        assert.equal(1, reply.attempts)
        assert.is_true(reply.elapsed > 0 and reply.elapsed < 5)
        assert.equal(i, #sandbox:events())
      end
      assert.equal("", nginx:complaints())
    end)

    it("leaves plain clients their own post, made before or after postevent.resty was loaded", function()
      local nginx = start {
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
          .. answer "before.post == post, after.post == post, resty.post == post, resty.track == before.track"
          .. " } }",
      }
      assert.same({ true, true, true, false, true }, ask(nginx, "/"))
    end)

    it("returns what a plain client's post would when it fails", function()
      local nginx = start {
        http = [[init_worker_by_lua_block {
          client = new { definitions = "${DEFINITIONS}" }
          refused = new { url = "http://127.0.0.1:9/x", attempts = 2, retry = { initial = 0.001 } }
          locked = new { url = "${LOCKED}" }
          record = new { mode = "record" }
        }]],
        server = [[
          location = /invalid { content_by_lua_block { ]]
            .. answer "client:post { event_name = 'be_reserved' }" .. [[ } }
          location = /unreachable { content_by_lua_block { ]] .. answer "refused:post(event)" .. [[ } }
          location = /unauthorized { content_by_lua_block { ]] .. answer "locked:post(event)" .. [[ } }
          location = /record { content_by_lua_block { ]] .. answer "record:post(event)" .. [[ } }
          location = /number { content_by_lua_block { ]] .. answer "client:post(7)" .. [[ } }]],
        values = {
          LOCKED = helper.start_sandbox({ authorization = "Basic other" }).url,
          DEFINITIONS = helper.process.current_directory() .. "/spec/vectors/definitions.json",
        },
      }
      local _, value, message, code, detail = (table.unpack or unpack)(ask(nginx, "/invalid"))
      assert.equal(cjson.null, value)
      assert.equal("invalid_event", code)
      assert.truthy(message:find("customer_id", 1, true))
      assert.is_false(detail.sent)
      assert.is_true(#detail.problems > 0)

      _, value, message, code, detail = (table.unpack or unpack)(ask(nginx, "/unreachable"))
      assert.equal(cjson.null, value)
      assert.equal("unreachable", code)
      assert.is_string(message)
      assert.same({ sent = false, attempts = 2, event_id = "RAND121", elapsed = detail.elapsed }, detail)
      assert.truthy(nginx:errors():find("postevent: a post took 2 attempts and ended unreachable", 1, true))

      _, value, message, code, detail = (table.unpack or unpack)(ask(nginx, "/unauthorized"))
      assert.equal(cjson.null, value)
      assert.equal("unauthorized", code, message)
      assert.equal(401, detail.http_status)

      assert.equal(1100, ask(nginx, "/record")[2].status.code)
      assert.truthy(ask(nginx, "/number")[2]:find("table expected, got number", 1, true))
      assert.equal(0, #sandbox:events())
    end)

    it("of many requests at once is as quick as one", function()
      local slow = platform.start(0.3)
      local nginx = start {
        values = { URL = slow.url },
        connections = 1024,
        http = "init_worker_by_lua_block { client = new { max_posts = 200 } }",
        server = "location = /post { content_by_lua_block { " .. answer "client:post(event)" .. " } }",
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
      local nginx = start {
        values = { URL = slow.url },
        http = "init_worker_by_lua_block { client = new { max_posts = 2, timeout = 1.3, attempts = 1 } }",
        server = "location = /post { content_by_lua_block { " .. answer "client:post(event)" .. " } }",
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
      local nginx = start {
        http = [[init_worker_by_lua_block { client = new { authorization = "Basic wrong" } }]],
        server = [[
          location = /track { content_by_lua_block { for _ = 1, 100 do client:track(event) end } }
          location = /state { content_by_lua_block { ]] .. answer "client:stats().state" .. [[ } }
          location = /post { content_by_lua_block { ]] .. answer "client:post(event)" .. [[ } }]],
        values = { URL = helper.start_sandbox({ authorization = "Basic other" }).url },
      }
      nginx:get "/track"
      helper.wait_until(function()
        return ask(nginx, "/state")[2] == "held"
      end)
      assert.equal("unauthorized", ask(nginx, "/post")[4])
    end)

    it("lets other requests pass while the platform takes two seconds", function()
      local slow = platform.start(2)
      local nginx = start {
        values = { URL = slow.url },
        http = WORKER,
        server = [[location = /post { content_by_lua_block { ]] .. answer "client:post(event)" .. [[ } }
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
      local nginx = start {
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
          location = /waiting { content_by_lua_block { ]] .. answer "waiting()" .. [[ } }
          location = /post { content_by_lua_block { ]] .. answer "client:post(event)" .. [[ } }]],
      }
      local posts = {}
      for i = 1, 30 do
        posts[i] = many.begin(nginx.port, "/post")
      end
      helper.wait_until(function()
        return slow:count() == 30
      end)
      assert.equal(30, ask(nginx, "/waiting")[2])
      for _, post in ipairs(posts) do
        post:abort()
      end
      assert.is_true(cjson.decode(many.get(nginx.port, "/post", 1)[1].body)[1]) -- the waker goes on
      assert.equal(0, ask(nginx, "/waiting")[2])
      assert.is_true(nginx:quit() < 3)
      assert.equal("", nginx:complaints())
    end)

    it("raises in a phase that cannot wait, names it, and points to track", function()
      local nginx = start {
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
          location = /raised { content_by_lua_block { ]] .. answer "raised" .. [[ } }]],
      }
      assert.equal(200, nginx:get("/phases").status)
      local raised
      helper.wait_until(function()
        raised = ask(nginx, "/raised")[2]
        return raised.log
      end)
      for _, phase in ipairs { "init_worker", "set", "header_filter", "body_filter", "log" } do
        assert.truthy(raised[phase]:find("post cannot wait for an answer in " .. phase .. "_by_lua; track works in "
          .. "every phase", 1, true), raised[phase])
      end
      assert.equal(0, #sandbox:events())
    end)
  end)

  describe("a post where Lua cannot yield", function()
    it("raises before anything is sent, and harms no other", function()
      local slow = platform.start(0.3)
      local nginx = start {
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
          location = /post { content_by_lua_block { ]] .. answer "client:post(event)" .. [[ } }
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
      assert.truthy(ask(nginx, "/before")[1]:find("inside a function of C", 1, true))
      assert.equal(21, slow:count())
      assert.equal("", nginx:complaints())
    end)
  end)

  it("a post that nginx has no timer for fails soon, and later ones do not", function()
    local nginx = start {
      http = "lua_max_running_timers 1;\n" .. WORKER,
      server = [[
        location = /block { content_by_lua_block { ngx.timer.at(0, function() ngx.sleep(3) end) ngx.print "ok" } }
        location = /post { content_by_lua_block { ]] .. answer "client:post(event)" .. [[ } }]],
    }
    nginx:get "/block"
    local _, value, message, code, detail = (table.unpack or unpack)(ask(nginx, "/post"))
    assert.equal(cjson.null, value)
    assert.equal("no_memory", code)
    assert.truthy(message:find("the waker of posts did not start", 1, true), message)
    assert.same({ sent = false }, detail)
    assert.equal(0, #sandbox:events())
    helper.wait_until(function()
      return ask(nginx, "/post")[2] ~= cjson.null
    end, 10)
  end)

  describe("track", function()
    for _, case in ipairs {
      { "in the master, before the workers are forked", INIT = "client = new()", http = "" },
      { "in each worker", INIT = "", http = WORKER },
    } do
      it("works in every phase, with a client made " .. case[1], function()
        local nginx = start {
          workers = 2,
          values = { INIT = case.INIT .. [[
            function track(phase)
              local copy = {}
              for name, value in pairs(event) do copy[name] = value end
              copy.external_event_id = phase
              assert(client:track(copy))
            end]] },
          http = case.http,
          server = [[
            location = /phases {
              set_by_lua_block $unused { track "set"; return 1 }
              rewrite_by_lua_block { track "rewrite" }
              access_by_lua_block { track "access" }
              content_by_lua_block { track "content"; ngx.timer.at(0, function() track "timer" end) ngx.say "ok" }
              header_filter_by_lua_block { track "header_filter" }
              body_filter_by_lua_block { if ngx.arg[2] then track "body_filter" end }
              log_by_lua_block { track "log" }
            }
            location = /flushed { content_by_lua_block { ]] .. answer "client:stats().pending" .. [[ } }]],
        }
        assert.equal(200, nginx:get("/phases").status)
        local expected = { "access", "body_filter", "content", "header_filter", "log", "rewrite", "set", "timer" }
        helper.wait_until(function()
          return #sandbox:events() >= #expected
        end)
        assert.same(expected, ids())
        assert.equal("", nginx:complaints())
      end)
    end

    it("may be used in init_worker_by_lua itself", function()
      local nginx = start {
        workers = 2, http = "init_worker_by_lua_block { client = new(); assert(client:track(event)) }",
      }
      helper.wait_until(function()
        return #sandbox:events() == 2
      end)
      assert.equal("", nginx:complaints())
    end)
  end)

  describe("what would block the worker", function()
    local CALLS = {
      post = "client:post(event)", flush = "client:flush(1)", close = "client:close(1)",
      ["track, with queue.overflow = \"wait\","] = "waits:track(event)",
    }
    local PLAIN = [[
      init_worker_by_lua_block {
        local options = { url = "${URL}", allow_blocking = %s }
        client = require("postevent").new(options)
        options.queue = { overflow = "wait" }
        waits = require("postevent").new(options)
        assert(client:post(event))
      }]]

    it("raises in a request, and names postevent.resty", function()
      local server = {}
      local paths = {}
      for name, call in pairs(CALLS) do
        for _, phase in ipairs { "rewrite", "access", "content" } do
          local path = ("/%s-%s"):format(phase, name:match "%a+")
          paths[path] = { name = name, phase = phase }
          server[#server + 1] = ("location = %s { %s_by_lua_block { %s } }"):format(path, phase, answer(call))
        end
      end
      local nginx = start { http = PLAIN:format "false", server = table.concat(server, "\n") }
      for path, case in pairs(paths) do
        local ok, message = (table.unpack or unpack)(ask(nginx, path))
        assert.is_false(ok)
        local words = case.name .. " would block the worker, and every request in it, in " .. case.phase .. "_by_lua"
        assert.truthy(message:find(words, 1, true), message)
        assert.truthy(message:find("postevent.resty", 1, true))
      end
      assert.equal(1, #sandbox:events()) -- init_worker_by_lua may wait
    end)

    it("may block where that is allowed", function()
      local nginx = start {
        http = PLAIN:format "true",
        server = [[location = /all { content_by_lua_block { ]]
          .. answer "client:post(event).status.code, waits:track(event), waits:flush(5), client:close()" .. [[ } }]],
      }
      assert.same({ true, 1100, 1, true, true }, ask(nginx, "/all"))
    end)

    it("is no matter in a client that sends nothing", function()
      local nginx = start {
        http = [[init_worker_by_lua_block { client = require("postevent").new { mode = "record" } }]],
        server = [[location = /all { content_by_lua_block { ]]
          .. answer "client:post(event).status.code, client:flush(), client:close()" .. [[ } }]],
      }
      assert.same({ true, 1100, true, true }, ask(nginx, "/all"))
    end)
  end)

  describe("resty.new", function()
    it("names what is wrong with the options, as its own", function()
      local nginx = start {
        values = { INIT = "resty = require 'postevent.resty'" },
        server = [[
          location = /unknown { content_by_lua_block { ]] .. answer "new { timeot = 5 }" .. [[ } }
          location = /none { content_by_lua_block { ]] .. answer "resty.new()" .. [[ } }
          location = /env { content_by_lua_block { ]] .. answer "resty.from_env 'x'" .. [[ } }
          location = /close { content_by_lua_block { ]] .. answer "resty.close 'soon'" .. [[ } }
          location = /metrics { content_by_lua_block { ]] .. answer "resty.metrics(nil, 7)" .. [[ } }
          location = /compiled { content_by_lua_block { ]] .. answer [[tostring(resty.new(resty.from_env {
            url = "http://h/x", definitions = require("postevent").definitions { e = { who = "customer" } } }))]]
            .. [[ } }
          location = /shared { content_by_lua_block { ]] .. answer "new { shared = 'nowhere' }" .. [[ } }]],
      }
      local prefix = "postevent.resty.new: "
      assert.truthy(ask(nginx, "/env")[2]:find("from_env: expected a table of options, got a string", 1, true))
      assert.truthy(ask(nginx, "/close")[2]:find("close: expected a number of seconds, 0 to 86400", 1, true))
      assert.truthy(ask(nginx, "/metrics")[2]:find("metrics: name: expected the name of a lua_shared_dict", 1, true))
      assert.equal("postevent.client (live, http://h)", ask(nginx, "/compiled")[2])
      assert.truthy(ask(nginx, "/unknown")[2]:find(prefix .. "unknown option: timeot, did you mean timeout?", 1, true))
      assert.truthy(ask(nginx, "/none")[2]:find(prefix .. "expected a table of options, got a nil", 1, true))
      assert.truthy(ask(nginx, "/shared")[2]:find("it needs `lua_shared_dict nowhere 1m;`", 1, true))
    end)

    it("logs to nginx's log unless it is told otherwise", function()
      local nginx = start {
        values = { URL = "http://127.0.0.1:9/x" },
        http = [[init_worker_by_lua_block {
          logged = {}
          quiet = new { log = function(level, message) logged[#logged + 1] = message end }
          client = new()
        }]],
        server = [[
          location = /track { content_by_lua_block {
            for _ = 1, 8 do client:track(event); quiet:track(event) end
            ]] .. answer "logged" .. [[ } }]],
      }
      helper.wait_until(function()
        return #ask(nginx, "/track")[2] > 0
      end, 15)
      helper.wait_until(function()
        nginx:get "/track"
        return nginx:errors():find("%[warn%].-postevent: delivery is cooling, %d+ pending: the platform could not be")
      end, 15)
    end)
  end)

  it("posts and tracks over TLS, and ends while it does", function()
    local certificates = require("support.certificates").get()
    local server = require("support.nginx").start { { tls = true, proxy_to = sandbox.base } }
    local nginx = start {
      values = { URL = server.url .. helper.documents.path, CA = certificates.ca_file },
      http = [[
        init_worker_by_lua_block { client = new { tls = { ca_file = "${CA}" } } }
        exit_worker_by_lua_block { require("postevent.resty").close(5) }]],
      server = [[
        location = /post { content_by_lua_block { ]] .. answer "client:post(event).status.code" .. [[ } }
        location = /track { content_by_lua_block { ]] .. answer "client:track(event)" .. [[ } }
        location = /tls { content_by_lua_block { ]] .. answer "require('postevent').features.tls" .. [[ } }]],
    }
    local flavour = os.getenv "POSTEVENT_NGINX_TLS" or "OpenSSL"
    assert.truthy(ask(nginx, "/tls")[2]:find("^" .. flavour), flavour)
    for _, reply in ipairs(many.get(nginx.port, "/post", 20)) do
      assert.same({ true, 1100 }, cjson.decode(reply.body))
    end
    many.get(nginx.port, "/track", 50)
    nginx:quit()
    assert.equal("", nginx:complaints())
    assert.equal(70, #sandbox:events())
  end)

  it("from_env takes the address and the credentials from the environment", function()
    local SERVER = [[location = /env { content_by_lua_block { ]]
      .. answer "require('postevent.resty').from_env { timeout = 3 }" .. [[ } }]]
    local nginx = start { main = "env POSTEVENT_URL=http://h/x;\nenv POSTEVENT_AUTHORIZATION=Basic;", server = SERVER }
    assert.same({ true, { url = "http://h/x", authorization = "Basic", timeout = 3 } }, ask(nginx, "/env"))
    nginx = start { server = SERVER }
    local _, message = (table.unpack or unpack)(ask(nginx, "/env"))
    assert.truthy(message:find("POSTEVENT_URL is not set here", 1, true), message)
    assert.truthy(message:find("`env POSTEVENT_URL;`", 1, true), message)
  end)

  it("without nginx, the module says what it needs", function()
    local ok, message = pcall(require, "postevent.resty")
    assert.is_false(ok)
    assert.truthy(message:find("postevent.resty needs nginx with its Lua module (OpenResty)", 1, true), message)
  end)
end)
