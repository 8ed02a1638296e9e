-- Lua in nginx's `stream`: connections that are no HTTP. What the page says of it, where nginx has that module.
if not require("support.where").is "luajit" then
  return
end
local cjson = require "cjson"
local helper = require "support.helper"
local openresty = require "support.openresty"
local pages = require "support.pages"
local site = require "support.site"
local socket = require "socket"

describe("in nginx's stream", function()
  helper.guard()
  local shared = site.new()

  local STREAM = [[
    lua_shared_dict postevent 1m;
    lua_shared_dict tried 1m;
    init_worker_by_lua_block {
      client = require("postevent.resty").new { url = "${URL}", id_attribute = "external_event_id" }
      function try(phase)
        for _, name in ipairs { "track", "post" } do
          local id = phase .. " " .. name
          local ok, done, message = pcall(client[name], client, { event_name = "e", external_event_id = id })
          ngx.shared.tried:set(id, ok and (done and "yes" or message) or done)
        end
      end
    }
    server {
      listen 127.0.0.1:${PORT};
      preread_by_lua_block { try "preread" }
      content_by_lua_block { try "content"; ngx.print "ok" }
      log_by_lua_block { try "log" }
    }
    server {
      listen 127.0.0.1:${ASK};
      content_by_lua_block {
        local tried = {}
        for _, id in ipairs(ngx.shared.tried:get_keys()) do tried[id] = ngx.shared.tried:get(id) end
        ngx.say(require("cjson").encode { tried = tried, metrics = require("postevent.resty").metrics() })
      }
    }]]

  local function read(port)
    local connection = assert(socket.connect("127.0.0.1", port))
    connection:settimeout(5)
    local text = connection:receive "*a"
    connection:close()
    return text
  end

  local function start()
    local port, ask = helper.free_port(), helper.free_port()
    local nginx = shared:start {
      bare = true, http = "", stream = STREAM, values = { PORT = tostring(port), ASK = tostring(ask) },
    }
    return nginx, port, ask
  end

  it("an event is tracked and posted where the page says so, counted, and delivered at the end", function()
    if not openresty.has_stream() then
      return pending "this nginx runs no Lua in `stream`"
    end
    local nginx, port, ask = start()
    assert.equal("ok", read(port))
    local told
    helper.wait_until(function()
      told = cjson.decode(read(ask))
      return told.tried["log post"]
    end)
    for name, row in pairs(pages.rows_by_name("Phase of `stream`", "`track`", "`post`")) do
      local phase = name:gsub("_by_lua$", "")
      for i, method in ipairs { "track", "post" } do
        local got = told.tried[phase .. " " .. method]
        assert.equal(row[i + 1]:find "^yes" ~= nil, got == "yes", phase .. " " .. method .. ": " .. tostring(got))
      end
    end
    helper.wait_until(function()
      return cjson.decode(read(ask)).metrics:find("\npostevent_delivered_total 3\n", 1, true)
    end)
    nginx:quit()
    assert.same({ "content post", "content track", "log track", "preread post", "preread track" }, shared:ids())
    assert.equal("", nginx:complaints())
  end)

  it("what a worker holds at its end is delivered, without a handler", function()
    if not openresty.has_stream() then
      return pending "this nginx runs no Lua in `stream`"
    end
    local nginx, port = start()
    for _ = 1, 20 do
      assert.equal("ok", read(port))
    end
    nginx:quit()
    assert.equal(100, #shared:ids())
  end)
end)
