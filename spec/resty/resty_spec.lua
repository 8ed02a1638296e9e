-- postevent.resty in a real nginx: track works in every phase, what would block raises, and what `new` takes. (post:
-- resty_post_spec.lua.)
local where = require "support.where"
if not where.is "luajit" then -- nginx has a Lua of its own, whatever Lua runs the specs
  return
end
local cjson = require "cjson"
local files = require "support.files"
local helper = require "support.helper"
local many = require "support.many"
local site = require "support.site"

describe("in nginx", function()
  helper.guard()
  local shared = site.new()

  local WORKER = "init_worker_by_lua_block { client = new() }"

  describe("track", function()
    for _, case in ipairs {
      { "in the master, before the workers are forked", INIT = "client = new()", http = "" },
      { "in each worker", INIT = "", http = WORKER },
    } do
      it("works in every phase, with a client made " .. case[1], function()
        local nginx = shared:start {
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
            location = /flushed { content_by_lua_block { ]] .. site.answer "client:stats().pending" .. [[ } }]],
        }
        assert.equal(200, nginx:get("/phases").status)
        local expected = { "access", "body_filter", "content", "header_filter", "log", "rewrite", "set", "timer" }
        helper.wait_until(function()
          return #shared.sandbox:events() >= #expected
        end)
        assert.same(expected, shared:ids())
        assert.equal("", nginx:complaints())
      end)
    end

    it("may be used in init_worker_by_lua itself", function()
      local nginx = shared:start {
        workers = 2, http = "init_worker_by_lua_block { client = new(); assert(client:track(event)) }",
      }
      helper.wait_until(function()
        return #shared.sandbox:events() == 2
      end)
      assert.equal("", nginx:complaints())
    end)
  end)

  describe("what would block the worker", function()
    local CALLS = {
      post = "client:post(event)", flush = "client:flush(1)", close = "client:close(1)",
      ["track, with queue.overflow = \"wait\","] = "waits:track(event)",
      ["track, with spool.wait,"] = "spools:track(event)",
    }
    local PLAIN = [[
      init_worker_by_lua_block {
        local options = { url = "${URL}", allow_blocking = %s }
        client = require("postevent").new(options)
        options.queue = { overflow = "wait" }
        waits = require("postevent").new(options)
        options.queue, options.spool = nil, { path = "${SPOOL}", wait = true }
        spools = require("postevent").new(options)
        assert(client:post(event))
      }]]

    it("raises in a request, and names postevent.resty", function()
      local server = {}
      local paths = {}
      for name, call in pairs(CALLS) do
        for _, phase in ipairs { "rewrite", "access", "content" } do
          local path = ("/%s-%s"):format(phase, name:gsub("%W", ""))
          paths[path] = { name = name, phase = phase }
          server[#server + 1] = ("location = %s { %s_by_lua_block { %s } }"):format(path, phase, site.answer(call))
        end
      end
      local nginx = shared:start { http = PLAIN:format "false", server = table.concat(server, "\n"),
        values = { SPOOL = files.new_directory "spool" } }
      for path, case in pairs(paths) do
        local ok, message = (table.unpack or unpack)(site.ask(nginx, path))
        assert.is_false(ok)
        local words = case.name .. " would block the worker, and every request in it, in " .. case.phase .. "_by_lua"
        assert.truthy(message:find(words, 1, true), message)
        assert.truthy(message:find("postevent.resty", 1, true))
      end
      assert.equal(1, #shared.sandbox:events()) -- init_worker_by_lua may wait
    end)

    it("may block where that is allowed", function()
      local nginx = shared:start {
        http = PLAIN:format "true", values = { SPOOL = files.new_directory "spool" },
        server = [[location = /all { content_by_lua_block { ]]
          .. site.answer("client:post(event).status.code, waits:track(event), spools:track(event), waits:flush(5), "
            .. "client:close()") .. " } }",
      }
      assert.same({ true, 1100, 1, 1, true, true }, site.ask(nginx, "/all"))
    end)

    it("is no matter in a client that sends nothing", function()
      local nginx = shared:start {
        http = [[init_worker_by_lua_block { client = require("postevent").new { mode = "record" } }]],
        server = [[location = /all { content_by_lua_block { ]]
          .. site.answer "client:post(event).status.code, client:flush(), client:close()" .. [[ } }]],
      }
      assert.same({ true, 1100, true, true }, site.ask(nginx, "/all"))
    end)
  end)

  describe("resty.new", function()
    it("names what is wrong with the options, as its own", function()
      local nginx = shared:start {
        values = { INIT = "resty = require 'postevent.resty'" },
        server = [[
          location = /unknown { content_by_lua_block { ]] .. site.answer "new { timeot = 5 }" .. [[ } }
          location = /none { content_by_lua_block { ]] .. site.answer "resty.new()" .. [[ } }
          location = /env { content_by_lua_block { ]] .. site.answer "resty.from_env 'x'" .. [[ } }
          location = /close { content_by_lua_block { ]] .. site.answer "resty.close 'soon'" .. [[ } }
          location = /metrics { content_by_lua_block { ]] .. site.answer "resty.metrics(nil, 7)" .. [[ } }
          location = /compiled { content_by_lua_block { ]] .. site.answer [[tostring(resty.new(resty.from_env {
            url = "http://h/x", definitions = require("postevent").definitions { e = { who = "customer" } } }))]]
            .. [[ } }
          location = /shared { content_by_lua_block { ]] .. site.answer "new { shared = 'nowhere' }" .. [[ } }]],
      }
      local prefix = "postevent.resty.new: "
      assert.truthy(site.ask(nginx, "/env")[2]:find("from_env: expected a table of options, got text", 1, true))
      assert.truthy(site.ask(nginx, "/close")[2]:find("close: expected a number of seconds, 0 to 86400", 1, true))
      local function says(path, text)
        local message = site.ask(nginx, path)[2]
        assert.truthy(message:find(text, 1, true), message)
      end
      says("/metrics", "metrics: name: expected the name of a lua_shared_dict")
      assert.equal("postevent.client (live, http://h)", site.ask(nginx, "/compiled")[2])
      says("/unknown", prefix .. "unknown option: timeot, did you mean timeout?")
      assert.truthy(site.ask(nginx, "/none")[2]:find(prefix .. "expected a table of options, got nil", 1, true))
      assert.truthy(site.ask(nginx, "/shared")[2]:find("it needs `lua_shared_dict nowhere 1m;`", 1, true))
    end)

    it("says in nginx's log what a worker lost that nobody asked, and nothing where somebody did", function()
      local function lose(options, question)
        local nginx = shared:start {
          values = { URL = "http://127.0.0.1:9/x", OPTIONS = options, QUESTION = question },
          http = [[
            lua_shared_dict postevent 1m;
            init_worker_by_lua_block { client = new(${OPTIONS}) }
            exit_worker_by_lua_block { ${QUESTION} }]],
          server = [[
            location = /track { content_by_lua_block { assert(client:track(event)) ngx.say "ok" } }
            location = /metrics { content_by_lua_block { ngx.say(require("postevent.resty").metrics()) } }]],
        }
        nginx:get "/track"
        helper.wait_until(function() -- the timer that publishes has looked at the counters
          return nginx:get("/metrics").body:find "\npostevent_pending 1\n"
        end)
        nginx:quit()
        return select(2, nginx:errors():gsub("postevent: 1 event was lost when", ""))
      end
      assert.equal(1, lose("{ drain = 0.2 }", ""))
      assert.equal(1, lose("{ drain = 0.2, log = 'stderr' }", ""))
      assert.equal(0, lose("{ drain = 0.2, log = false }", ""))
      assert.equal(0, lose("{}", "require('postevent.resty').close(0)"))
    end)

    it("logs to nginx's log unless it is told otherwise", function()
      local nginx = shared:start {
        values = { URL = "http://127.0.0.1:9/x" },
        http = [[init_worker_by_lua_block {
          logged = {}
          quiet = new { log = function(level, message) logged[#logged + 1] = message end }
          client = new()
        }]],
        server = [[
          location = /track { content_by_lua_block {
            for _ = 1, 8 do client:track(event); quiet:track(event) end
            ]] .. site.answer "logged" .. [[ } }]],
      }
      helper.wait_until(function()
        return #site.ask(nginx, "/track")[2] > 0
      end, 15)
      helper.wait_until(function()
        nginx:get "/track"
        return nginx:errors():find("%[warn%].-postevent: delivery is cooling, %d+ pending: the platform could not be")
      end, 15)
    end)
  end)

  it("posts and tracks over TLS, and ends while it does", function()
    local certificates = require("support.certificates").get()
    local server = require("support.nginx").start { { tls = true, proxy_to = shared.sandbox.base } }
    local nginx = shared:start {
      values = { URL = server.url .. helper.documents.path, CA = certificates.ca_file },
      http = [[
        init_worker_by_lua_block { client = new { tls = { ca_file = "${CA}" } } }
        exit_worker_by_lua_block { require("postevent.resty").close(5) }]],
      server = [[
        location = /post { content_by_lua_block { ]] .. site.answer "client:post(event).status.code" .. [[ } }
        location = /track { content_by_lua_block { ]] .. site.answer "client:track(event)" .. [[ } }
        location = /tls { content_by_lua_block { ]] .. site.answer "require('postevent').features.tls" .. [[ } }]],
    }
    local flavour = os.getenv "POSTEVENT_NGINX_TLS" or "OpenSSL"
    assert.truthy(site.ask(nginx, "/tls")[2]:find("^" .. flavour), flavour)
    for _, reply in ipairs(many.get(nginx.port, "/post", 20)) do
      assert.same({ true, 1100 }, cjson.decode(reply.body))
    end
    many.get(nginx.port, "/track", 50)
    nginx:quit()
    assert.equal("", nginx:complaints())
    assert.equal(70, #shared.sandbox:events())
  end)

  it("from_env takes the address and the credentials from the environment", function()
    local SERVER = [[location = /env { content_by_lua_block { ]]
      .. site.answer "require('postevent.resty').from_env { timeout = 3 }" .. [[ } }]]
    local nginx = shared:start {
      main = "env POSTEVENT_URL=http://h/x;\nenv POSTEVENT_AUTHORIZATION=Basic;", server = SERVER,
    }
    assert.same({ true, { url = "http://h/x", authorization = "Basic", timeout = 3 } }, site.ask(nginx, "/env"))
    nginx = shared:start { server = SERVER }
    local _, message = (table.unpack or unpack)(site.ask(nginx, "/env"))
    assert.truthy(message:find("POSTEVENT_URL is not set here", 1, true), message)
    assert.truthy(message:find("`env POSTEVENT_URL;`", 1, true), message)
  end)

  it("without nginx, the module says what it needs", function()
    local ok, message = pcall(require, "postevent.resty")
    assert.is_false(ok)
    assert.truthy(message:find("postevent.resty needs nginx with its Lua module (OpenResty)", 1, true), message)
  end)
end)
