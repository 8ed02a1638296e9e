-- The command `postevent`: the real one, against the real sandbox. Wrong usage is in cli_usage_spec.lua.
local certificates = require "support.certificates"
local cjson = require "cjson"
local command = require "support.command"
local documents = require "support.documents"
local helper = require "support.helper"
local nginx = require "support.nginx"
local postevent = require "postevent"
local proxy = require "support.proxy"
local rude = require "support.rude"

local COMMAND, CREDENTIAL, SECRET, NOWHERE = command.path, command.credential, command.secret, command.nowhere
local expect = command.expect

describe("postevent post", function()
  helper.guard()
  local sandbox, locked

  setup(function()
    sandbox = helper.start_sandbox()
    locked = helper.start_sandbox { authorization = CREDENTIAL }
  end)
  before_each(function()
    sandbox:reset()
    locked:reset()
  end)

  local function received(where)
    local events = (where or sandbox):events()
    assert.equal(1, #events)
    return events[1].event
  end

  it("posts text and JSON, and prints the reply as one line of JSON, in this order", function()
    local output, errors = expect(0, nil, {
      "post", "--url", sandbox.url, "event_name=be_reserved", "age:=20", "room_nights=12", "note=", "late:=false",
      "hotel_name=Hôtel “Zürich” 東京", "expression=a:=b=c", "card:=null", 'room:={"beds":[1,2]}', "price:=19.5",
      "external_event_id=RAND121",
    })
    assert.equal("", errors)
    assert.truthy(output:find('^{"status":{"code":1100,"message":"Event is pushed to transformation state"},'
      .. '"requestId":"%x[%x-]+","http_status":200,"attempts":1,"elapsed":[%d.e-]+,"event_id":"RAND121"}\n$'), output)
    assert.equal(1100, cjson.decode(output).status.code)
    local event = received()
    assert.truthy(event.eventDateTime:find "^%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d$")
    event.eventDateTime = nil
    assert.same({
      event_name = "be_reserved", age = 20, room_nights = "12", note = "", late = false, price = 19.5,
      hotel_name = "Hôtel “Zürich” 東京", expression = "a:=b=c", card = cjson.null, room = { beds = { 1, 2 } },
      external_event_id = "RAND121",
    }, event)
    assert.truthy(sandbox:raw_events():find('"age":20[,}]'))
  end)

  it("leaves out an event_id that there is not", function()
    local output = expect(0, nil, { "post", "--url", sandbox.url, "event_name=x" })
    assert.is_nil(output:find("event_id", 1, true))
  end)

  it("reads the event from a file or from stdin; KEY=VALUE is added and wins", function()
    local text = cjson.encode(documents.event)
    for _, case in ipairs { { helper.new_file("\239\187\191" .. text .. "\n", ".json") }, { "-", text } } do
      sandbox:reset()
      expect(0, nil, { "post", "--url", sandbox.url, "--json", case[1], "age:=21", "note=new" }, { stdin = case[2] })
      local expected = documents.new_event()
      expected.age, expected.note = 21, "new"
      assert.same(expected, received())
    end
  end)

  it("takes the address and the credential from the environment; an option wins", function()
    local env = { POSTEVENT_URL = locked.url, POSTEVENT_AUTHORIZATION = CREDENTIAL }
    local file = helper.new_file(CREDENTIAL .. "\r\n")
    expect(0, nil, { "post", "event_name=x" }, { env = env })
    expect(1, "HTTP 401", { "post", "event_name=x", "--authorization", "Basic b3RoZXI=" }, { env = env })
    env.POSTEVENT_AUTHORIZATION = "Basic b3RoZXI="
    expect(0, nil, { "post", "event_name=x", "--authorization-file", file }, { env = env })
    expect(0, nil, { "post", "event_name=x", "--authorization-file=-" }, { env = env, stdin = CREDENTIAL .. "\n" })
    expect(0, nil, { "post", "event_name=x", "--authorization", CREDENTIAL }, { env = env })
    env.POSTEVENT_URL = NOWHERE
    expect(0, nil, { "post", "event_name=x", "--url", locked.url, "--authorization-file", file }, { env = env })
    assert.equal(5, #locked:events())
  end)

  it("keeps a credential in a file out of the list of processes", function()
    local server = rude.start "never_answer"
    local file = helper.new_file(CREDENTIAL)
    local child = helper.spawn {
      helper.lua(), COMMAND, "post", "--url", server.url, "--authorization-file", file, "event_name=x",
    }
    server:events("request", 1)
    local command_line = helper.read_file(("/proc/%d/cmdline"):format(child.pid))
    assert.truthy(command_line:find("--authorization-file", 1, true))
    assert.is_nil(command_line:find(SECRET, 1, true))
  end)

  it("ends at Ctrl-C, without a word of Lua's", function()
    local server = rude.start "never_answer"
    local child = helper.spawn { helper.lua(), COMMAND, "post", "--url", server.url, "--timeout=1", "event_name=x" }
    server:events("request", 1)
    child:kill "SIGINT"
    assert.same({ "exited", 130 }, { child:wait(10) })
    assert.equal("", child:output() .. child:errors())
  end)

  it("speaks TLS with the certificates that it is given, and through a proxy", function()
    local server = nginx.start { tls = true }
    local ca_file, tunnel = certificates.get().ca_file, proxy.start()
    expect(0, nil, { "post", "--url", server.url, "--ca-file", ca_file, "event_name=x" })
    expect(1, "(tls)", { "post", "--url", server.url, "event_name=x" })
    expect(0, nil, { "post", "--url", server.url, "--ca-file", ca_file, "event_name=x", "--proxy", tunnel.url })
    expect(0, nil, { "post", "--url", server.url, "--ca-file", ca_file, "event_name=x", "--proxy", "environment" },
      { env = { https_proxy = tunnel.url } })
    assert.equal(2, #tunnel:requests())
  end)

  describe("ends with", function()
    local NAME, ID = "event_name=x", "external_event_id=E17"

    it("1 where the platform refuses the event, or the event is not valid", function()
      local server = nginx.start { replies = {
        { status = 400, headers = {}, body = "{}" },
        { status = 404, headers = {}, body = "no" },
        { status = 200, headers = {}, body = '{"status":{"code":7308,"message":"not ' .. SECRET .. '"}}' },
      } }
      local function post(number, piece)
        local _, errors = expect(1, piece,
          { "post", "--url", server.url .. "/" .. number, "--authorization", CREDENTIAL, NAME, ID })
        return errors
      end
      assert.is_nil(post(1, "(rejected)"):find("may have arrived", 1, true))
      post(2, "(endpoint)")
      post(3, "not ***")
      expect(1, "event_name: missing (invalid_event)", { "post", "--url", sandbox.url, "age:=1" })
      expect(1, "(invalid_event)", { "post", "--url", sandbox.url, NAME, "a=\255" })
      expect(1, "(too_large)", { "post", "--url", sandbox.url, NAME, "a=" .. ("x"):rep(40000) })
    end)

    it("75 where trying again later may help, and says when the event may have arrived", function()
      local server = nginx.start { replies = {
        { status = 429, headers = { ["Retry-After"] = "200" }, body = "{}" },
        { status = 500, headers = {}, body = "{}" },
        { status = 200, headers = {}, body = "<html>" },
      } }
      expect(75, "the platform asks to wait 200 seconds", { "post", "--url", server.url .. "/1", NAME, ID })
      expect(75, "(rate_limited)", { "post", "--url", server.url .. "/1", NAME, ID })
      expect(75, "the event may have arrived; its event_id is E17", { "post", "--url", server.url .. "/2", NAME, ID })
      expect(75, "(bad_reply)\npostevent: its event_id is E17", { "post", "--url", server.url .. "/3", NAME, ID })
      for i, reply in ipairs { { 503, "{}" }, { 425, "{}" }, { 200, '{"status":{"code":7301,"message":"m"}}' } } do
        server = nginx.start { replies = { { status = reply[1], headers = {}, body = reply[2] } } }
        local _, errors = expect(75, "(unavailable)",
          { "post", "--url", server.url .. "/1", "--timeout=0.2", NAME, ID })
        assert.is_nil(errors:find("may have arrived", 1, true), "A6: " .. i .. errors)
      end
      local reset, silent = rude.start "reset", rude.start "never_answer"
      expect(75, "(interrupted)\npostevent: the event may have arrived; its event_id is E17",
        { "post", "--url", reset.url, NAME, ID })
      expect(75, "(timeout)\npostevent: the event may have arrived; it has no event_id",
        { "post", "--url", silent.url, "--timeout", "0.3", NAME })
      local _, errors = expect(75, "(unreachable)",
        { "post", "--url", ("http://127.0.0.1:%d/"):format(helper.free_port()), "--timeout=0.2", NAME, ID })
      assert.is_nil(errors:find("may have arrived", 1, true))
    end)
  end)

  describe("in a pipe", function()
    local function shell(script)
      return helper.run({ "sh", "-c", script, "sh", helper.lua(), COMMAND, sandbox.url },
        { env = { LD_PRELOAD = os.getenv "LD_PRELOAD" } }) -- a sanitizer is the command's business
    end

    it("is a filter", function()
      local status, output = shell [[echo '{"event_name":"x"}' | "$1" "$2" post --url "$3" --json - | cat]]
      assert.equal(0, status)
      assert.equal(1100, cjson.decode(output).status.code)
    end)

    it("A6: delivers, says so and ends with 0, although nobody reads the reply", function()
      for _, script in ipairs {
        [[{ "$1" "$2" post --url "$3" event_name=x; echo "status $?" >&2; } | exec <&-]],
        [[trap '' PIPE; { "$1" "$2" post --url "$3" event_name=x; echo "status $?" >&2; } | exec <&-]],
        [["$1" "$2" post --url "$3" event_name=x >/dev/full; echo "status $?" >&2]],
        [["$1" "$2" post --url "$3" event_name=x >&-; echo "status $?" >&2]],
      } do
        sandbox:reset()
        local _, output, errors = shell(script)
        assert.equal("", output)
        assert.truthy(errors:find("the event was delivered, but its reply could not be written: ", 1, true), errors)
        assert.truthy(errors:find("\nstatus 0\n", 1, true), errors)
        assert.equal("x", received().event_name)
      end
    end)

    it("A6: ends with a message where its reader has gone, by SIGPIPE where nothing is to be finished", function()
      local empty = helper.new_path "spool"
      assert.equal(0, (helper.run { "mkdir", "-m", "700", empty }))
      for arguments, said in pairs { ["sandbox"] = "^postevent: .*stdout: Broken pipe\nstatus 1\n$",
        ["help"] = "^status 141\n$", ["definitions types examples/events.json"] = "^status 141\n$",
        ["post --help"] = "^status 141\n$", ["spool list /"] = "^status 141\n$",
        ["spool purge --dead --yes EMPTY"] = "^postevent: removed 0 dead .*: Broken pipe\nstatus 1\n$" } do
        arguments = arguments:gsub("EMPTY", empty)
        helper.wait_until(function() -- the reader may be late
          local _, _, errors = shell(([[{ "$1" "$2" %s; echo "status $?" >&2; } | exec <&-]]):format(arguments))
          return errors:find(said), arguments .. errors
        end, 10, arguments)
      end
    end)

    -- Every command that writes something, as $3 and what follows. A shell, since nobody else can close a stream.
    local WRITES = {
      "--version", "--help", "help", "help post", "post --help", "spool --help", "spool list --help",
      "definitions types --help", "sandbox --help", "sandbox", "post --dry-run event_name=e --url http://127.0.0.1:9/x",
      "check --definitions FILE EVENTS", "definitions list FILE", "definitions show FILE e", "definitions lint FILE",
      "definitions sample FILE e", "definitions types FILE", "spool list SPOOL", "spool list --json SPOOL",
      "spool show SPOOL", "spool purge --dead SPOOL", "spool deliver SPOOL --url http://127.0.0.1:9/x",
    }

    it("A6: fails with a message where its output cannot be written, whatever the command", function()
      local paths = {
        EVENTS = helper.new_file '{"event_name":"e","who":"x"}\n',
        FILE = helper.new_file '{"e":{"who":"customer?"}}',
        SPOOL = helper.new_path "spool",
      }
      assert.equal(0, (helper.run { "mkdir", "-m", "700", paths.SPOOL }))
      for _, arguments in ipairs(WRITES) do
        for where, why in pairs { [">&-"] = "Bad file descriptor", [">/dev/full"] = "No space left on device" } do
          local script = ('"$1" "$2" %s %s'):format(arguments:gsub("%u%u%u%u+", paths), where)
          local status, _, errors = shell(script)
          assert.equal(1, status, script .. errors)
          assert.truthy(errors:find("^postevent: .*stdout: " .. why .. "\n$"), script .. errors)
        end
      end
    end)

    it("A6: writes nothing for people into a file that has a closed stream's number", function()
      local got = helper.new_path "log"
      local server = rude.start "reset"
      local _, output = shell(([["$1" "$2" post --verbose --url %s event_name=x <&- >&- 2>&-; echo $? >%s]])
        :format(server.url, got))
      assert.equal("", output)
      assert.equal("75\n", helper.read_file(got))
      assert.is_nil(server:events("request", 1)[1].body:find("postevent:", 1, true))
    end)

  end)
end)

describe("postevent sandbox", function()
  helper.guard()

  it("runs until it is asked to stop", function()
    for _, signal in ipairs { "SIGINT", "SIGTERM" } do
      local port_file = helper.new_path "port"
      local child = helper.spawn {
        helper.lua(), COMMAND, "sandbox", "--port-file", port_file, "--authorization", CREDENTIAL,
      }
      local port = helper.wait_until(function()
        return helper.file_exists(port_file) and helper.read_file(port_file):match "%d+"
      end)
      local url = ("http://127.0.0.1:%s/webhooks/1"):format(port)
      expect(1, "HTTP 401", { "post", "--url", url, "event_name=x" })
      expect(0, nil, { "post", "--url", url, "--authorization", CREDENTIAL, "event_name=x" })
      child:kill(signal)
      assert.same({ "exited", 0 }, { child:wait(20) })
      assert.is_nil((child:output() .. child:errors()):find(SECRET, 1, true))
    end
  end)

  it("says how to install what it needs", function()
    local only = helper.new_directory()
    local copy = [[cp -r lua/postevent "$1" && rm -r "$1/postevent/sandbox"]]
    assert.equal(0, (helper.run { "sh", "-c", copy, "sh", only }))
    local path = package.path:gsub("%./lua/", only .. "/"):gsub("[^;]*/lua/%?[^;]*;", "")
    local _, errors = expect(1, "luarocks install postevent-sandbox", { "sandbox" },
      { env = { LUA_PATH = only .. "/?.lua;" .. only .. "/?/init.lua;" .. path } })
    assert.truthy(errors:find("in a checkout of postevent, build it with\npostevent:   make\n", 1, true), errors)
  end)

  it("ends with 1 where it cannot listen, and with 2 where it is used wrongly", function()
    local sandbox = helper.start_sandbox()
    expect(1, "cannot listen", { "sandbox", "--port", tostring(sandbox.port) })
    expect(1, "--port-file: cannot write", { "sandbox", "--port-file", "/nowhere/port" })
    expect(2, "--port: expected a whole number from 0 to 65535", { "sandbox", "--port", "65536" })
    expect(2, "--authorization: empty", { "sandbox", "--authorization", "" })
    expect(2, "too many arguments", { "sandbox", "x" })
  end)
end)

describe("postevent", function()
  helper.guard()

  it("tells its version", function()
    assert.equal(postevent.version .. "\n", (expect(0, nil, { "--version" })))
  end)

  it("helps, and lists the sub-commands", function()
    for _, arguments in ipairs { { "help" }, { "--help" }, { "-h" } } do
      local output, errors = expect(0, nil, arguments)
      assert.equal("", errors)
      for _, name in ipairs { "post", "check", "definitions", "sandbox", "help" } do
        assert.truthy(output:find("\n%s+" .. name .. "%s+%u"), output)
      end
    end
    for _, arguments in ipairs { { "help", "post" }, { "post", "--help" } } do
      assert.truthy((expect(0, nil, arguments)):find "%-%-authorization VALUE [^-]*%(ps%)")
    end
    assert.truthy((expect(0, nil, { "help", "sandbox" })):find("--port-file", 1, true))
  end)
end)
