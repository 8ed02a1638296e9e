-- The command `postevent`, used wrongly: exit status 2, a message that names the mistake, and nothing is sent.
local command = require "support.command"
local helper = require "support.helper"
local other_core = require "support.other_core"

local CREDENTIAL, SECRET = command.credential, command.secret
local run, expect = command.run, command.expect

describe("wrong usage of postevent", function()
  helper.guard()
  local NAME = "event_name=x"
  local sandbox = helper.shared_sandbox()

  it("ends with 2, and nothing is sent", function()
    local cases = {
      { "unknown option '--ulr'", "--ulr", "x", NAME },
      { "attribute 2 (age): expected KEY=VALUE", NAME, "age" },
      { "attribute 1: expected KEY=VALUE", "=x" },
      { "attribute 1: expected KEY=VALUE", ":=1" },
      { "attribute 1: expected KEY=VALUE", SECRET },
      { "attribute 1: a credential is no attribute", "Authorization: " .. CREDENTIAL .. "==", NAME },
      { "attribute 1: a credential is no attribute", CREDENTIAL .. "==", NAME },
      { "--authorization: only the scheme", "--authorization", "Basic", SECRET .. "==", NAME },
      { "--authorization: empty", "--authorization", "", NAME },
      { "--authorization-file: cannot read the file: No such file", "--authorization-file", CREDENTIAL, NAME },
      { "--authorization-file: expected text without control", "--authorization-file",
        helper.new_file(CREDENTIAL .. "\nx"), NAME },
      { "--authorization: expected text without control", "--authorization", CREDENTIAL .. "\n", NAME },
      { "can not be used together", "--authorization", CREDENTIAL, "--authorization-file", "x", NAME },
      { "age: line 1, column 1: expected value", NAME, "age:=twenty" },
      { "age: line 1, column 1: expected value but found the end", NAME, "age:=" },
      { "list: line 1, column 1: an empty array", NAME, "list:=[]" },
      { "age: given twice", NAME, "age=1", "age:=2" },
      { "id: line 1, column 1: a number of 2^53 or more", NAME, "id:=1234567890123456789" },
      { "nothing to post" },
      { "--json: cannot read /nowhere.json: No such file", "--json", "/nowhere.json" },
      { "--json: cannot read /: Is a directory", "--json", "/" },
      { "cannot both read stdin", "--json", "-", "--authorization-file", "-" },
      { "--url: must begin with https:// or http://", NAME, "--url", "ftp://127.0.0.1/" },
      { "--url: must not hold a user or a password; give --authorization-file", NAME, "--url",
        "http://joe:" .. SECRET .. "@127.0.0.1/" },
      { "or give --allow-http", NAME, "--url", "http://192.0.2.1/", "--authorization", CREDENTIAL },
      { "--timeout: expected a number", NAME, "--timeout", "soon" },
      { "--timeout: expected a number of seconds above 0", NAME, "--timeout=-1" },
      { "--ca-file: expected a file that can be read", NAME, "--ca-file", "/nowhere.pem" },
      { "--proxy: is not a URL", NAME, "--proxy", "ftp://joe:" .. SECRET .. "@x/" },
    }
    for _, case in ipairs(cases) do
      local piece = case[1]
      case[1] = "post"
      expect(2, piece, case, { env = { POSTEVENT_URL = sandbox.url } })
    end
    expect(2, "POSTEVENT_URL: is not a URL", { "post", NAME }, { env = { POSTEVENT_URL = "http://" } })
    expect(2, "give --url, or set POSTEVENT_URL", { "post", NAME }, { env = { POSTEVENT_URL = "" } })
    expect(2, "POSTEVENT_AUTHORIZATION: expected text", { "post", NAME, "--url", sandbox.url },
      { env = { POSTEVENT_AUTHORIZATION = CREDENTIAL .. "\r\nX: y" } })
    assert.equal(0, #sandbox:events())
  end)

  it("G: says what was probably meant by an argument, and shows it unless it may be a credential", function()
    local cases = {
      { "attribute 1 (foo): expected KEY=VALUE or KEY:=JSON", "foo" },
      { "attribute 2 (hotel name): expected", NAME, "hotel name" },
      { "attribute 2 (eventName): expected", NAME, "eventName" },
      { "attribute 1 (2024-04-11): expected", "2024-04-11" },
      { "attribute 1 (age:...; JSON is age:=...): expected", "age:20" },
      { "attribute 1 (asha:...; JSON is asha:=...): expected", "asha:" .. SECRET },
      { "attribute 1: expected KEY=VALUE or KEY:=JSON", SECRET .. ":" },
      { "attribute 1: expected KEY=VALUE or KEY:=JSON", "\27[2J" },
      { "attribute 2: a==...: there are no query parameters; a=... is text", NAME, "a==1" },
      { "a:='\"=...\"'", NAME, "a==" .. SECRET },
      { "age: line 1, column 1: expected value but found invalid token; text is written age=twenty",
        "age:=twenty" },
      { "; text is written on=2024-04-11", "on:=2024-04-11" }, { "; text is written age=...", "age:=" },
      { "; text is written key=...", "key:=" .. SECRET },
    }
    for _, case in ipairs(cases) do
      local piece = case[1]
      case[1] = "post"
      expect(2, piece, case, { env = { POSTEVENT_URL = sandbox.url } })
    end
    expect(0, nil, { "post", NAME, [[a:="=1"]] }, { env = { POSTEVENT_URL = sandbox.url } })
    assert.equal("=1", sandbox:events()[1].event.a)
  end)

  it("A7: says what a wrong time, credential or name was probably meant to be", function()
    for _, case in ipairs {
      { "seconds, not milliseconds: 15?", NAME, "--timeout", "15000" },
      { "printf %s USER:PASSWORD | base64", NAME, "--authorization", "user:" .. SECRET },
      { "printf %s USER:PASSWORD | base64", NAME, "--authorization-file", helper.new_file("user:" .. SECRET) },
    } do
      local piece = case[1]
      case[1] = "post"
      expect(2, piece, case, { env = { POSTEVENT_URL = sandbox.url } })
    end
    expect(1, "event_name: missing; is it what is called eventName here? (invalid_event)",
      { "post", "--url", sandbox.url, "eventName=x" })
  end)

  it("ends with 2 where the JSON of --json will not do, with its line", function()
    for text, piece in pairs {
      ['{"event_name":"x",\n"id":1234567890123456789}'] = "line 2, column 6: a number of 2^53 or more",
      ['{"event_name":"x",\n"id":}'] = "line 2, column 6: expected value",
      ['\n\n{"event_name":"x","list":[]}'] = "line 3, column 26: an empty array",
      ["[1]"] = "line 1, column 1: an event is an object", ["null"] = "an event is an object",
      [""] = "line 1, column 1: expected value but found the end", [(" "):rep(1048577)] = "--json: longer than",
    } do
      expect(2, piece, { "post", "--url", sandbox.url, "--json", "-" }, { stdin = text })
    end
    local path = helper.new_file "{"
    expect(2, "--json: " .. path .. ": line 1, column 2", { "post", "--url", sandbox.url, "--json", path })
    assert.equal(0, #sandbox:events())
  end)

  it("ends with 2 where there is no such command", function()
    expect(2, "a command is required: post, check, definitions, spool, sandbox, help", {})
    expect(2, "Did you mean 'post'?", { "psot" })
    expect(2, "unknown command", { CREDENTIAL })
    expect(2, "unknown option '--authorization'", { "--authorization", CREDENTIAL, "post" })
    expect(2, "see: postevent help", { "help", "nothing" })
    expect(2, "help: there is no such command", { "help", "spool", "nothing" })
    expect(2, "help: there is no such command", { "help", "post", "list" })
    expect(2, "help: there is no such command", { "help", "nothing", "list" })
    expect(2, "too many arguments", { "help", "spool", "list", "more" })
  end)

  it("names the help of an action, which shows its options", function()
    expect(2, "see: postevent help spool list\n", { "spool", "list", ".", "--nothing" })
    expect(2, "see: postevent help spool\n", { "spool", "nothing" })
    local shown = expect(0, nil, { "help", "spool", "list" })
    assert.truthy(shown:find("--json", 1, true), shown)
    assert.equal((expect(0, nil, { "spool", "list", "--help" })), shown)
    assert.truthy((expect(0, nil, { "help", "definitions", "show" })):find("postevent definitions show", 1, true))
  end)

  it("says so in one line where its modules are not there", function()
    for _, environment in ipairs { { LUA_PATH = "/nowhere/?.lua" }, { LUA_CPATH = "/nowhere/?.so" } } do
      local status, output, errors = run({ "post", "--url", command.nowhere, "event_name=x" }, { env = environment })
      assert.equal(1, status)
      assert.equal("", output)
      assert.truthy(errors:find "^postevent: module '[%w_.]+' not found[^\n]*\n$", errors)
    end
  end)

  it("G: says in one line what to do about a core that is for another Lua", function()
    local foreign = other_core.directory()
    local status, output, errors = run({ "post", "--url", command.nowhere, "event_name=x" },
      { env = { LUA_CPATH = foreign .. "/?.so;" .. package.cpath } })
    assert.equal(1, status)
    assert.equal("", output)
    assert.truthy(errors:find("^postevent: [^\n]*\n$"), errors)
    local running = rawget(_G, "jit") and "LuaJIT" or _VERSION
    assert.truthy(errors:find(foreign .. "/postevent/core.so was built for another Lua than the one that runs, "
      .. running, 1, true), errors)
    assert.truthy(errors:find("luarocks %-%-lua%-version=[%d.]+ install postevent"), errors)
  end)
end)
