-- A relay in nginx: a worker hands its events over on the sender's thread, and the sums tell so.
local where = require "support.where"
local postevent = require "postevent"
if not where.is "luajit" or not postevent.features.redis then
  return
end
local helper = require "support.helper"
local redis = require "support.redis"
local site = require "support.site"

local function init(url)
  return ([[init_worker_by_lua_block {
    client = require("postevent.resty").new { relay = { url = "%s" }, id_attribute = "external_event_id",
      retry = { initial = 0.01, max = 0.05 } }
  }]]):format(url)
end

local SERVER = [[
  location = /track { content_by_lua_block {
    ngx.print(client:track { event_name = "e", external_event_id = ngx.var.arg_id } and "ok")
  } }
  location = /post { content_by_lua_block { ngx.print(select(2, pcall(client.post, client, { event_name = "e" }))) } }
  location = /metrics { content_by_lua_block { ngx.print(require("postevent.resty").metrics()) } }]]

describe("nginx with a relay", function()
  helper.guard()
  local shared = site.new()

  it("hands over what its workers track, across a reload, and counts it", function()
    local server = redis.start()
    local nginx = shared:start { workers = 2, server = SERVER,
      http = "lua_shared_dict postevent 1m;\n" .. init(server.url) }
    for i = 1, 100 do
      assert.equal("ok", nginx:get("/track?id=e" .. i).body)
      if i == 50 then
        nginx:reload()
      end
    end
    helper.wait_until(function()
      return server:call("XLEN", "postevent") >= 100
    end)
    local ids = server:ids "postevent"
    for i = 1, 100 do
      assert.equal(1, ids["e" .. i], "e" .. i)
    end
    helper.wait_until(function()
      return tonumber(nginx:get("/metrics").body:match "\npostevent_relayed_total (%d+)") == 100
    end)
  end)

  it("does not post: nobody answers but Redis", function()
    local nginx = shared:start { server = SERVER, http = init(redis.start().url) }
    assert.truthy(nginx:get("/post").body:find("post: the client hands its events to a relay", 1, true))
  end)

  it("lets workers go on while Redis is away, and loses nothing", function()
    local server = redis.start()
    local nginx = shared:start { server = SERVER, http = init(server.url) }
    server:kill()
    for i = 1, 20 do
      assert.equal("ok", nginx:get("/track?id=e" .. i).body)
    end
    server:restart()
    helper.wait_until(function()
      return server:try("XLEN", "postevent") == 20
    end)
  end)
end)
