-- Where a post may wait, nginx is asked: in phases that it has now, and in those that it will have.
local where = require "support.where"
if not where.is "luajit" then -- nginx has a Lua of its own, whatever Lua runs the specs
  return
end
local cjson = require "cjson"
local helper = require "support.helper"
local pages = require "support.pages"
local site = require "support.site"

describe("in nginx, a post", function()
  helper.guard()
  local shared = site.new()

  local WORKER = [[init_worker_by_lua_block {
    client = new()
    posted = {}
    function try(phase)
      local ok, reply = pcall(client.post, client, event)
      posted[phase] = ok and reply.status.code or reply
    end
    try "init_worker"
  } ]]

  it("waits in a phase whose name it does not know, where nginx lets it", function()
    local nginx = shared:start {
      http = WORKER,
      server = [[location = /new { content_by_lua_block {
        local get_phase = ngx.get_phase
        ngx.get_phase = function() return "precontent" end
        try "precontent"
        ngx.get_phase = get_phase
        ngx.print(posted.precontent)
      } }
      location = /renamed { content_by_lua_block { ngx.print "ok" } log_by_lua_block {
        local get_phase = ngx.get_phase
        ngx.get_phase = function() return "a_new_one" end
        try "a_new_one"
        ngx.get_phase = get_phase
      } }
      location = /posted { content_by_lua_block { ]] .. site.answer "posted" .. [[ } }]],
    }
    assert.equal("1100", nginx:get("/new").body)
    nginx:get "/renamed"
    local posted = site.ask(nginx, "/posted")[2]
    assert.truthy(posted.a_new_one:find("post cannot wait for an answer in a_new_one_by_lua", 1, true))
    assert.equal("", nginx:complaints())
  end)

  it("waits where the page says so, and raises elsewhere", function()
    local certificates = require("support.certificates").get()
    local port = helper.free_port()
    local nginx = shared:start {
      values = { PORT = tostring(port), CERTIFICATE = certificates.server.cert, KEY = certificates.server.key },
      http = WORKER .. [[
        server {
          listen 127.0.0.1:${PORT} ssl;
          ssl_certificate ${CERTIFICATE};
          ssl_certificate_key ${KEY};
          ssl_certificate_by_lua_block { try "ssl_certificate" }
          location / { content_by_lua_block { ngx.print "ok" } }
        }]],
      server = [[
        server_rewrite_by_lua_block { if ngx.var.uri == "/phases" then try "server_rewrite" end }
        location /phases {
          set_by_lua_block $unused { try "set"; return 1 }
          rewrite_by_lua_block { try "rewrite" }
          access_by_lua_block { try "access" }
          content_by_lua_block {
            local done = require("ngx.semaphore").new(0)
            ngx.timer.at(0, function() try "timer"; done:post(1) end)
            try "content"
            done:wait(5)
            ngx.say "ok"
          }
          header_filter_by_lua_block { try "header_filter" }
          body_filter_by_lua_block { try "body_filter" }
          log_by_lua_block { try "log" }
        }
        location = /posted { content_by_lua_block { ]] .. site.answer "posted" .. [[ } }]],
    }
    assert.equal("ok\n", nginx:get("/phases").body)
    local _, body, why = helper.run { "curl", "-skS", ("https://127.0.0.1:%d/"):format(port) }
    assert.equal("ok", body, why)
    local posted = site.ask(nginx, "/posted")[2]
    local checked = 0
    for name, row in pairs(pages.rows_by_name("Phase", "`track`", "`post`")) do
      local got = posted[(name:gsub("_by_lua$", ""))]
      if got then
        checked = checked + 1
        assert.equal(row[3]:find "^yes" ~= nil, got == 1100, name .. ": " .. cjson.encode(got))
      end
    end
    assert.equal(10, checked)
    assert.equal(1100, posted.timer)
    assert.equal("", nginx:complaints())
  end)
end)
