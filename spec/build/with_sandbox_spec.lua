-- tools/with-sandbox: a command beside a sandbox, wherever it is called, and however it ends.
if not require("support.where").is "lua5.4" then -- the shell is the same for all
  return
end
local files = require "support.files"
local helper = require "support.helper"

local root = helper.process.current_directory()

describe("with-sandbox", function()
  helper.guard()

  local function run(directory, ...)
    return helper.run({ "sh", "-c", 'cd "$1" && shift && "$@"', "sh", directory, ... }, {
      env = { LUA = helper.lua(), POSTEVENT = false, POSTEVENT_URL = false },
    })
  end

  it("works in any directory, and by a path with a blank", function()
    local directory = helper.new_directory() .. "/a b"
    helper.run { "ln", "-s", root, directory }
    for _, path in ipairs { root, directory } do
      local status, output, errors = run("/", path .. "/tools/with-sandbox", "sh", "-c", 'pwd; echo "$POSTEVENT_URL"')
      assert.equal(0, status, errors)
      assert.truthy(output:find "^/\nhttp://127%.0%.0%.1:%d+/eucrm/webhooks/demo\n$", output)
    end
  end)

  it("hands the command what it is given, and ends as that does", function()
    local status, output = run(root, "sh", "-c", "echo hello there | tools/with-sandbox cat")
    assert.same({ 0, "hello there\n" }, { status, output })
    for _, wanted in ipairs { 0, 1, 7 } do
      assert.equal(wanted, (run(root, "tools/with-sandbox", "sh", "-c", "exit " .. wanted)))
    end
    assert.equal(127, (run(root, "tools/with-sandbox", "/no/such/command")))
  end)

  -- A command that says where it is, and when it ends.
  local COMMAND = [[
    trap 'echo ended >>"$1"; exit' HUP TERM
    echo $$ $POSTEVENT_URL >"$1.new"; mv "$1.new" "$1"
    while :; do sleep 0.05; done]]

  for name, wanted in pairs { TERM = 143, INT = 130, HUP = 129 } do
    it("ends the command and the sandbox when it gets " .. name, function()
      local file = helper.new_directory() .. "/said"
      local child = helper.spawn {
        "tools/with-sandbox", "sh", "-c", COMMAND, "sh", file, env = { LUA = helper.lua(), POSTEVENT = false },
      }
      local pid, url
      helper.wait_until(function()
        pid, url = files.read_if_there(file):match "^(%d+) (%S+)\n"
        return pid
      end)
      child:kill("SIG" .. name)
      local how, status = child:wait(10)
      assert.same({ "exited", wanted }, { how, status }, child:errors())
      assert.truthy(helper.read_file(file):find "\nended\n$")
      assert.is_false(helper.file_exists("/proc/" .. pid))
      assert.is_nil((helper.http_request { url = url })) -- nobody listens
    end)
  end
end)
