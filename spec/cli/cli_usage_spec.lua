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
      { "unknown option --ulr; did you mean --url?", "--ulr", "x", NAME },
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
      { "--ca-file: no certificate in PEM", NAME, "--ca-file", "README.md" },
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

  it("A7: says what was given for an option, and what was meant by it", function()
    local events = helper.new_file('{"e":{"c":"customer"}}')
    for piece, words in pairs {
      ['--timeout: expected a number of seconds above 0, at most 600, got "soon"'] = {
        "post", "--timeout", "soon", NAME },
      ["at most 600, got 15000 (seconds, not milliseconds: 15?)"] = { "post", "--timeout", "15000", NAME },
      ["at most 600, got 0\n"] = { "post", "--timeout", "0", NAME },
      ["at most 600, got empty text"] = { "post", "--timeout", "", NAME },
      ["at most 600, got text"] = { "post", "--timeout", "Basic " .. SECRET, NAME },
      ['--concurrency: expected a whole number from 1 to 1000, got "all"'] = { "import", "--concurrency", "all", "x" },
      ["--concurrency: expected a whole number from 1 to 1000, got 1000000000"] = {
        "import", "--concurrency", "1e9", "x" },
      ["--rate: expected a number above 0, at most 1000000, got 0"] = { "import", "--rate", "0", "x" },
      ['--retry-max: expected a number of seconds above 0, at most 3600, got "5m"'] = {
        "import", "--retry-max", "5m", "x" },
      ["--give-up: expected a number of seconds above 0, at most a year, got -1"] = { "import", "--give-up=-1", "x" },
      ['--format: expected jsonl, json, csv, got "JSON"; did you mean json?'] = { "import", "--format", "JSON", "x" },
      ['--log: expected text, json, got "Jsno"; did you mean json?'] = { "import", "--log", "Jsno", "x" },
      ['text or json, got "age=Numbr"; did you mean number?'] = {
        "import", "--dry-run", "--types", "age=Numbr", events },
      ['--id-attribute: expected the name of an attribute of the event\'s own, of letters, digits and _, got "a-b"'] = {
        "import", "--dry-run", "--id-attribute", "a-b", events },
      ['--map 1: expected COLUMN=ATTRIBUTE, got "guest"'] = { "import", "--dry-run", "--map", "guest", events },
      ['no letter, digit or quote, got "ab"'] = { "import", "--dry-run", "--delimiter", "ab", events },
      ['--port: expected a whole number from 0 to 65535, got "http"'] = { "sandbox", "--port", "http" },
      ["--memory: expected a whole number from 1 to 65536, got 100000"] = { "sandbox", "--memory", "100000" },
      ["--memory: expected a whole number from 1 to 65536, got 0.5"] = { "sandbox", "--memory", "0.5" },
      ["--seed: expected a whole number from 1 to 2147483646, got 0"] = { "sandbox", "--seed", "0" },
      ["got Outage; did you mean outage?"] = { "sandbox", "--scenario", "Outage" },
      ['drop: expected after, before or reply, got "Aftr" (did you mean "after"?)'] = {
        "sandbox", "--fault", "drop=Aftr" },
      ["staus: no key of a fault, did you mean status?"] = { "sandbox", "--fault", "staus=503" },
      ['or 45s, got "soon"'] = { "spool", "purge", "/tmp", "--dead", "--older-than", "soon" },
      ['SHELL: expected bash, fish, zsh, got "Bash"; did you mean bash?'] = { "completion", "Bash" },
    } do
      expect(2, piece, words, { env = { POSTEVENT_URL = sandbox.url } })
    end
  end)

  it("A7: repeats the name of an event that is not there", function()
    local path = helper.new_file('{"be_reserved":{"c":"customer"}}')
    for name, said in pairs {
      nope = 'NAME: unknown event "nope"', [""] = "NAME: missing", ["\27[2Jx"] = 'unknown event "\\u001b[2Jx"',
      be_reservd = 'NAME: unknown event "be_reservd", did you mean be_reserved?',
    } do
      for _, action in ipairs { "show", "sample" } do
        expect(1, said, { "definitions", action, path, name })
      end
    end
  end)

  it("ends with 2 where the JSON of --json will not do, with its line", function()
    for text, piece in pairs {
      ['{"event_name":"x",\n"id":1234567890123456789}'] = "line 2, column 6: a number of 2^53 or more",
      ['{"event_name":"x",\n"id":}'] = "line 2, column 6: expected value",
      ['\n\n{"event_name":"x","list":[]}'] = "line 3, column 26: an empty array",
      ["[1]"] = "line 1, column 1: an event is an object", ["null"] = "an event is an object",
      [""] = "line 1, column 1: expected value but found the end", [(" "):rep(1048577)] = "--json: stdin: longer than",
    } do
      expect(2, piece, { "post", "--url", sandbox.url, "--json", "-" }, { stdin = text })
    end
    local path = helper.new_file "{"
    expect(2, "--json: " .. path .. ": line 1, column 2", { "post", "--url", sandbox.url, "--json", path })
    assert.equal(0, #sandbox:events())
  end)

  it("ends with 2 where there is no such command", function()
    expect(2, "a command is required: post, import, check, definitions, receipts, spool, relay, sandbox, completion, "
      .. "help", {})
    expect(2, "unknown command psot; did you mean post?", { "psot" })
    expect(2, "unknown command\n", { CREDENTIAL })
    expect(2, "unknown option --authorization; postevent post has it", { "--authorization", CREDENTIAL, "post" })
    expect(2, "help: unknown command spol; did you mean spool?", { "help", "spol" })
    expect(2, "help spool: unknown command lst; did you mean list?", { "help", "spool", "lst" })
    expect(2, "help post: unknown command list\n", { "help", "post", "list" })
    expect(2, "help: unknown command nothing: there are check, completion, ", { "help", "nothing", "list" })
    expect(2, "help: unknown command\n", { "help", CREDENTIAL })
    expect(2, "too many arguments: postevent help takes [COMMAND ...]", { "help", "relay", "dead", "list", "more" })
  end)

  it("says what was meant by an option, what a command takes, and what is missing", function()
    for _, case in ipairs {
      { "unknown option --autorization-file; did you mean --authorization-file?", "post", "--autorization-file" },
      { "unknown option --defs; did you mean --definitions?", "check", "--defs", "x" },
      { "unknown option --time-out; did you mean --timeout?", "spool", "deliver", ".", "--time-out", "3" },
      { "unknown option -v; did you mean --version?", "-v" },
      { "unknown option -j; did you mean --json?", "post", "-j" },
      { "unknown option --url; postevent post has it", "check", "--url", "x" },
      { "unknown option --delay\n", "import", "--delay", "3" }, { "unknown option --retries\n", "import", "--retries" },
      { "unknown option --max-retries\n", "import", "--max-retries" },
      { "unknown option --dry; did you mean --dry-run?", "import", "--dry" },
      { "unknown option --timeout-ms; did you mean --timeout?", "post", "--timeout-ms" },
      { "unknown option --nothing\n", "check", "--nothing" }, { "unknown option\n", "post", "--" .. SECRET },
      { "missing EVENTS", "check", "--definitions", "x" }, { "missing DIR", "spool", "list" },
      { "missing NAME", "definitions", "show", "x" }, { "missing --definitions", "check", "x" },
      { "--definitions requires an argument", "check", "--definitions" },
      { "--dry-run does not take arguments", "post", "--dry-run=yes" },
      { "too many arguments: postevent spool list takes DIR", "spool", "list", "a", "b" },
      { "too many arguments: postevent spool show takes DIR [ID]", "spool", "show", "a", "b", "c" },
      { "a command is required: list, show, retry, export, purge, deliver", "spool" },
      { "unknown command retr; did you mean retry?", "spool", "retr" },
      { 'SHELL: expected bash, fish, zsh, got "ksh"; did you mean zsh?', "completion", "ksh" },
      { "--authorization can not be used together with --authorization-file", "post", "--authorization-file", "x",
        "--authorization", "x" },
    } do
      local piece = table.remove(case, 1)
      expect(2, piece, case)
    end
  end)

  it("names the file, and what it is, where it will not do", function()
    local long = helper.new_file((" "):rep(1048577))
    expect(2, "--json: " .. long .. ": longer than", { "post", "--url", sandbox.url, "--json", long })
    for text, what in pairs { ["a,b\n1,2\n"] = "CSV", ["\31\139x"] = "compressed (gzip)", ["<a>"] = "XML or HTML",
      ["# Title\n\nSome text, with commas, in it.\n"] = "text" } do
      local path = helper.new_file(text)
      expect(2, ("--definitions: %s: line 1, column 1: this is %s; expected definitions, as JSON"):format(path, what),
        { "check", "--definitions", path, "x" })
    end
    local broken = helper.new_file '{"data": [\n1,}'
    expect(2, ("FILE: %s: line 2, column 3: "):format(broken), { "definitions", "list", broken })
    expect(1, "--port-file: cannot write /nowhere/x", { "sandbox", "--port-file", "/nowhere/x" })
    expect(1, "--host, --port: cannot listen on 192.0.2.1, port 0: ", { "sandbox", "--host", "192.0.2.1" })
  end)

  it("ends with 2 where an option is there twice of which there is one, and names it", function()
    local checked = 0
    for _, name in ipairs { "post", "check", "sandbox", "receipts", "definitions pull", "spool show",
      "spool purge", "spool deliver", "spool retry" } do
      local words, asked = {}, { "help" }
      for word in name:gmatch "%S+" do
        words[#words + 1], asked[#asked + 1] = word, word
      end
      local text = expect(0, nil, asked):match "\nOptions:\n(.*)$"
      for option, rest in (text .. "\n   -"):gmatch "(%-%-[%l-]+) %u+(.-)%f[\n]\n   %f[-]" do
        if not rest:find "May%s+be%s+given%s+again" then
          checked = checked + 1
          local arguments = { (table.unpack or unpack)(words) }
          for _ = 1, 2 do
            arguments[#arguments + 1], arguments[#arguments + 2] = option, "1"
          end
          expect(2, ("%s must be used "):format(option), arguments)
        end
      end
    end
    assert.is_true(checked >= 19, checked .. " options")
    expect(2, "--rate must be used ", { "import", "--rate", "1", "--rate", "2", "x" })
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
