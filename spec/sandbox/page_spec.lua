-- The sandbox's page: how it is served, and what somebody sees who looks at it. The latter by spec/page/run.mjs in a
-- real Chromium, once for all its checks; each is reported here by its name.
local cjson = require "cjson"
local helper = require "support.helper"
local process = require "support.process"
local where = require "support.where"

local MODULES, PICTURES = "build/page", "build/screenshots"
local LONGEST = 300 -- seconds, of all checks

describe("the sandbox's page", function()
  helper.guard()

  it("is served with a policy that lets nothing in from elsewhere", function()
    local sandbox = helper.start_sandbox()
    local reply = helper.http_request { url = sandbox.base .. "/" }
    assert.equal(200, reply.status)
    assert.truthy(reply.headers["content-security-policy"]:find("default-src 'self'", 1, true))
    assert.equal("nosniff", reply.headers["x-content-type-options"])
    local count = 0
    for file in reply.body:gmatch '"(/page/[^"]+)"' do
      reply, count = helper.http_request { url = sandbox.base .. file }, count + 1
      assert.equal(200, reply.status, file)
      assert.truthy(reply.headers["content-type"]:find "^[a-z]+/%S+; charset=utf%-8$")
    end
    assert.equal(3, count)
  end)

  it("is served from its folder alone", function()
    local sandbox = helper.start_sandbox()
    for _, path in ipairs { "/page", "/page/", "/page/none.js", "/page/main.lua", "/page/../page.lua", "/page//main.js",
      "/page/%2e%2e/page.lua", "/page/..%2fpage.js", "/page/Main.js" } do
      assert.equal(403, helper.http_request { url = sandbox.base .. path }.status, path)
    end
    assert.equal(405, helper.http_request { url = sandbox.base .. "/", method = "POST", body = "{}" }.status)
    assert.equal(403, helper.http_request { url = sandbox.base .. "/", headers = { host = "example.com" } }.status)
  end)
end)

if not where.is "lua5.4" then -- the page is the same for all
  return
end

local function command(name)
  local pipe = io.popen(name)
  local text = pipe:read "*a"
  pipe:close()
  return text
end

-- Runs all checks. Returns their results by name.
local function run()
  local sandbox = helper.start_sandbox { definitions = "examples/events.json" }
  helper.run { "mkdir", "-p", PICTURES }
  local here = process.current_directory()
  local status, output, errors = helper.run({ "node", "spec/page/run.mjs", sandbox.base, here .. "/" .. MODULES,
    PICTURES }, { timeout = LONGEST, env = { CHROMIUM = command("command -v chromium"):match "%S+",
    HOME = helper.new_directory "home" } })
  local results = {}
  for line in output:gmatch "[^\n]+" do
    local result = cjson.decode(line)
    results[result.name] = result
  end
  return results, status ~= 0 and errors
end

describe("the sandbox's page, in a browser,", function()
  helper.guard()
  local is_here = helper.file_exists(MODULES .. "/node_modules") and command "command -v chromium" ~= ""
  local results, problem

  it("is looked at where there are Node.js, Chromium, and what spec/page/package.json names", function()
    if not is_here then
      return pending "one of them is not here"
    end
    assert.equal(0, (helper.run { "node", "spec/page/run.mjs", "--list" }))
  end)

  for name in command("node spec/page/run.mjs --list 2>/dev/null"):gmatch "[^\n]+" do
    it(name, function()
      if not is_here then
        return pending "Chromium, or what spec/page/package.json names, is not here"
      end
      if not results then
        results = {} -- once: one that hangs is not repeated for each check
        results, problem = run()
      end
      local result = results[name] or { message = problem or "it was not made" }
      assert.is_nil(result.message, result.message)
    end)
  end
end)
