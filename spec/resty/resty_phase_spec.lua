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

  -- try(phase): calls each method once; done[phase][method] is true, or what it raised. "plain post": a plain client's.
  local TRY = [[
    client, plain, done = new(), require("postevent").new { url = "${URL}" }, {}
    function try(phase)
      local said = {}
      local function call(name, method, of, ...)
        local ok, why = pcall(of[method], of, ...)
        said[name] = ok or tostring(why)
      end
      if done[phase] then return end
      done[phase] = said
      call("track", "track", client, event)
      call("post", "post", client, event)
      call("flush", "flush", client, 0)
      call("close", "close", new(), 0)
      call("plain post", "post", plain, event)
      call("plain flush", "flush", plain, 0)
      call("plain close", "close", require("postevent").new { url = "${URL}" }, 0)
    end
    try "init"]]

  local HTTP = [[
    init_worker_by_lua_block { try "init_worker" }
    exit_worker_by_lua_block {
      try "exit_worker"
      local file = io.open("${FILE}", "w")
      file:write(require("cjson").encode(done))
      file:close()
    }
    upstream balanced {
      server 127.0.0.1:1;
      balancer_by_lua_block { try "balancer" }
    }
    server {
      listen 127.0.0.1:${PORT} ssl;
      ssl_certificate ${CERTIFICATE};
      ssl_certificate_key ${KEY};
      ssl_certificate_by_lua_block { try "ssl_certificate" }
      location / { content_by_lua_block { ngx.print "ok" } }
    }]]

  local SERVER = [[
    server_rewrite_by_lua_block { if ngx.var.uri == "/phases" then try "server_rewrite" end }
    location /balanced { proxy_pass http://balanced; }
    location /phases {
      set_by_lua_block $unused { try "set"; return 1 }
      rewrite_by_lua_block { try "rewrite" }
      access_by_lua_block { try "access" }
      content_by_lua_block {
        local ended = require("ngx.semaphore").new(0)
        ngx.timer.at(0, function() try "timer"; ended:post(1) end)
        try "content"
        ended:wait(5)
        ngx.say "ok"
      }
      header_filter_by_lua_block { try "header_filter" }
      body_filter_by_lua_block { try "body_filter" }
      log_by_lua_block { try "log" }
    }]]

  -- What every method did in each phase of an nginx that lived and quit.
  local function all_phases()
    local certificates = require("support.certificates").get()
    local port, file = helper.free_port(), helper.new_directory() .. "/done"
    local nginx = shared:start {
      values = {
        PORT = tostring(port), CERTIFICATE = certificates.server.cert, KEY = certificates.server.key, FILE = file,
        INIT = TRY:gsub("%${URL}", shared.sandbox.url),
      },
      http = HTTP, server = SERVER,
    }
    assert.equal("ok\n", nginx:get("/phases").body)
    nginx:get "/balanced"
    local _, body, why = helper.run { "curl", "-skS", ("https://127.0.0.1:%d/"):format(port) }
    assert.equal("ok", body, why)
    nginx:quit()
    return cjson.decode(helper.read_file(file))
  end

  it("and every other method waits where the page says so, and raises elsewhere", function()
    local done = all_phases()
    local rows = pages.rows_by_name("Phase", "`track`", "`post`", "`close`", "`flush`")
    rows.timer = rows.content_by_lua
    local columns, checked = { track = 2, post = 3, close = 4, flush = 5 }, 0
    for name, row in pairs(rows) do
      local phase = name:gsub("_by_lua$", "")
      local said = done[phase]
      for method, column in pairs(said and columns or {}) do
        checked = checked + 1
        local says = row[column]:find "^yes" ~= nil
        assert.equal(says, said[method] == true, ("%s, %s: %s"):format(phase, method, tostring(said[method])))
      end
      for _, method in ipairs(said and { "post", "flush", "close" } or {}) do
        local of_plain = said["plain " .. method]
        assert.equal(said.flush == true, of_plain == true, phase .. ", plain " .. method)
        assert.truthy(of_plain == true or of_plain:find(phase == "timer" and "a timer" or name, 1, true), of_plain)
      end
    end
    assert.equal(4 * 14, checked)
  end)
end)
