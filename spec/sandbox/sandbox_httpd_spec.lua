-- postevent.sandbox.httpd: the HTTP server, with handlers that go wrong.
local helper = require "support.helper"

local serve = require("support.serving").start

describe("the sandbox's HTTP server", function()
  helper.guard()

  it("answers an error in the handler with 500 and goes on", function()
    local child, base = serve [[
      local wrong = {
        ["/raise"] = function() error "oops" end,
        ["/table"] = function() error {} end,
        ["/nothing"] = function() end,
        ["/status"] = function() return 99, "", {} end,
        ["/body"] = function() return 200, 1, {} end,
        ["/header"] = function() return 200, "", { ["X-Y"] = "a\r\nb" } end,
        ["/yield"] = function() coroutine.yield() end,
      }
      return function(_, path)
        return (wrong[path] or function() return 200, path, {} end)()
      end
    ]]
    local paths = { "/raise", "/table", "/nothing", "/status", "/body", "/header", "/yield" }
    for _, path in ipairs(paths) do
      local reply = assert(helper.http_request { url = base .. path })
      assert.equal(500, reply.status, path)
      assert.equal('{"message":"Internal server error"}', reply.body)
      assert.equal("/fine", assert(helper.http_request { url = base .. "/fine" }).body)
    end
    local errors = child:errors()
    assert.equal(#paths, select(2, errors:gsub("\n", "\n")))
    assert.truthy(errors:find("postevent.sandbox: [^\n]*oops\n"))
  end)

  it("hands over the request, and look-ups that end with it", function()
    local child, base = serve [[
      local kept
      return function(method, path, query, header, body)
        local late = kept and tostring(pcall(kept, "Host")) or "none"
        kept = header
        return 201, table.concat({ method, path, query "a", tostring(query "b"), header "x-y", body, late }, "|"),
          { ["X-Z"] = "z" }
      end
    ]]
    local reply = assert(helper.http_request {
      method = "PUT", url = base .. "/p%20q?a=1%202&b", headers = { ["X-Y"] = "y" }, body = "text",
    })
    assert.equal(201, reply.status)
    assert.equal("z", reply.headers["x-z"])
    assert.equal("PUT|/p q|1 2|nil|y|text|none", reply.body)
    child:stop()
    assert.equal("", child:errors())
  end)

  it("leaves signals and socket as they were, whatever happens in ready", function()
    local status, output = helper.run_lua({ code = [[
      local process = require "support.process"
      local serve = require("postevent.sandbox.httpd").serve
      local port = 0
      local function try(ready)
        print(pcall(serve, "127.0.0.1", port, function() end, function(chosen)
          port = chosen
          return ready()
        end))
      end
      try(function() error("raised", 0) end)
      try(function() return nil, "refused" end)
      for _, signal in ipairs { "SIGTERM", "SIGINT", "SIGTERM" } do
        try(function() return process.kill(process.getpid(), signal) end)
      end
      io.stdout:flush()
      process.kill(process.getpid(), "SIGTERM")
      print "not reached"
    ]] })
    assert.equal(128 + 15, status)
    assert.equal("false\traised\ntrue\tnil\trefused\n" .. ("true\ttrue\n"):rep(3), output)
  end)
end)
