-- examples/openresty/nginx.conf runs as it stands: what `make demo-nginx` does.
local where = require "support.where"
if not where.is "luajit" then
  return
end
local helper = require "support.helper"
local openresty = require "support.openresty"
local pages = require "support.pages"

describe("the example of nginx", function()
  helper.guard()

  local function demonstrate(port, nginx)
    return helper.run({ "tools/with-sandbox", "tools/demo-nginx" }, {
      env = {
        LUA = helper.lua(), PORT = tostring(port), KEEP = false, POSTEVENT_URL = false, POSTEVENT_AUTHORIZATION = false,
        NGINX = nginx,
      },
    })
  end

  it("tracks an event for each request, posts and waits, and counts", function()
    local port = helper.free_port()
    local status, output, errors = demonstrate(port)
    assert.equal(0, status, output .. errors)
    assert.equal("", errors)
    for _, text in ipairs {
      ("$ curl 'http://127.0.0.1:%d/rooms?customer=9988776655'\nhello\n"):format(port),
      "\nreserved: 1100 Event is pushed to transformation state, as 01",
      "\npostevent_accepted_total 1\npostevent_delivered_total 1\n", "\npostevent_lost_total 0\n",
      '{"count":2,', '"event_name":"page_viewed"', '"event_name":"be_reserved"',
    } do
      assert.truthy(output:find(text, 1, true), text .. " is not in\n" .. output)
    end
  end)

  it("is run by the program that NGINX names, as OpenResty's", function()
    local directory = helper.new_directory()
    local program = directory .. "/openresty"
    helper.write_file(program, ([[#!/bin/sh
      echo "$*" >>%s/used
      PATH=$PATH:/usr/sbin exec nginx "$@"
    ]]):format(directory))
    helper.run { "chmod", "755", program }
    local status, output, errors = demonstrate(helper.free_port(), program)
    assert.equal(0, status, output .. errors)
    assert.truthy(helper.read_file(directory .. "/used"):find("nginx.conf", 1, true))
  end)

  it("listens elsewhere when the port is taken", function()
    local sandbox = helper.start_sandbox()
    local status, output, errors = demonstrate(sandbox.port)
    assert.equal(0, status, output .. errors)
    assert.truthy(output:find("http://127.0.0.1:%d?8080/rooms"), output)
  end)
end)

describe("the pages' nginx", function()
  helper.guard()

  it("serves, tracks, posts and counts", function()
    local sandbox = helper.start_sandbox()
    local blocks = {}
    for _, block in ipairs(pages.blocks "nginx") do
      blocks[#blocks + 1] = not pages.file_name(block) and block.text or nil
    end
    assert.equal(1, #blocks)
    local port = helper.free_port()
    local nginx = openresty.start {
      bare = true,
      main = ("env POSTEVENT_URL=%s;"):format(sandbox.url),
      http = blocks[1]:gsub("127%.0%.0%.1:8080", "127.0.0.1:" .. port),
    }
    local function ask(path)
      return helper.http_request { url = ("http://127.0.0.1:%d%s"):format(port, path) }.body
    end
    assert.equal("hello\n", ask "/rooms")
    assert.equal("reserved\n", ask "/reserve")
    helper.wait_until(function()
      return ask("/metrics"):find("\npostevent_delivered_total 1\n", 1, true)
    end)
    local names = {}
    for _, record in ipairs(sandbox:events()) do
      names[record.event.event_name] = true
    end
    assert.same({ page_viewed = true, be_reserved = true }, names)
    nginx:quit()
    assert.equal("", nginx:complaints())
  end)

  it("has the functions of the module, and so have the annotations", function()
    local nginx = openresty.start {
      server = [[location = /names { content_by_lua_block {
        local names = {}
        for name, value in pairs(require "postevent.resty") do names[#names + 1] = name end
        table.sort(names)
        ngx.print(table.concat(names, " "))
      } }]],
      values = { URL = "http://127.0.0.1:9/" },
    }
    local names = nginx:get("/names").body
    local told, annotated = {}, {}
    for name in pairs(pages.rows_by_name("Function of `postevent.resty`", "What it does")) do
      told[#told + 1] = name:match "^%l[%l_]*"
    end
    for name in helper.read_file("library/postevent/resty.lua"):gmatch "\nfunction resty%.([%l_]+)%(" do
      annotated[#annotated + 1] = name
    end
    table.sort(told)
    table.sort(annotated)
    assert.equal(names, table.concat(told, " "))
    assert.equal(names, table.concat(annotated, " "))
  end)
end)
