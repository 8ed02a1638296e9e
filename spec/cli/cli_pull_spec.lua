-- `postevent definitions pull`: definitions from the platform's read side into a file, and what has changed.
local certificates = require "support.certificates"
local cjson = require "cjson"
local command = require "support.command"
local helper = require "support.helper"
local postevent = require "postevent"
local rude = require "support.rude"

local CREDENTIAL, SECRET = command.credential, command.secret
local FILE = "spec/vectors/definitions.json"

local expect, run = command.expect, command.run

-- One definition as the platform has it, of attributes { name =, type =, attributes = }.
local function document(fields, status)
  return cjson.encode { data = { { clickEventsMeta = { eventName = "stay", status = status or "PUBLISHED",
    fields = fields } } }, warnings = {}, errors = {} }
end

local function field(name, kind, attributes)
  return { name = name, type = kind, attributes = attributes or { isRequired = { value = "true" } } }
end

-- A server that answers every question with `body`.
local function serve(body, status)
  local server = rude.start("script", { script = ("return { status = %d, body = %q }"):format(status or 200, body) })
  return server, ("http://127.0.0.1:%d"):format(server.port)
end

describe("postevent definitions pull", function()
  helper.guard()
  local sandbox = helper.shared_sandbox { definitions = FILE }

  local function pull(...)
    return { "definitions", "pull", "--api", sandbox.base, ... }
  end

  it("writes what the platform has, and says what that is", function()
    local path = helper.new_path "events.json"
    local output = expect(0, nil, pull("-o", path))
    assert.truthy(output:find("be_reserved: added\n", 1, true), output)
    assert.truthy(output:find(path .. ": 3 events added\n", 1, true), output)
    assert.same(postevent.definitions(FILE).events, postevent.definitions(path).events)
    assert.equal(path .. ": nothing has changed\n", (expect(0, nil, pull("-o", path))))
  end)

  it("takes one event, the standard ones, an address with a path, and writes to stdout", function()
    local output = expect(0, nil, pull("--event", "cart_updated", "-o", "-"))
    assert.equal("cart_updated", cjson.decode(output).clickEventsMeta.eventName)
    expect(1, "/v2/events/meta: there is no event cart_updatd; did you mean cart_updated?",
      pull("--event", "cart_updatd", "-o", "-"))
    expect(1, "/v2/events/meta: there is no event nothing\n", pull("--event", "nothing", "-o", "-"))
    expect(1, "these are no definitions: there is no event in it", pull("--standard", "-o", "-"))
    local server, url = serve(document { field("age", "DOUBLE") })
    output = expect(0, nil, { "definitions", "pull", "-o", "-" }, { env = { POSTEVENT_API = url .. "/gate/way/" } })
    assert.equal(document { field("age", "DOUBLE") } .. "\n", output)
    expect(0, nil, { "definitions", "pull", "-o", "-", "--api", url .. "/v2/events", "--event", "a b&c" })
    local requests = server:events("request", 2)
    assert.equal("/gate/way/v2/events", requests[1].path)
    assert.equal("/v2/events/meta?event_name=a%20b%26c", requests[2].path)
    assert.equal("GET", requests[2].method)
  end)

  it("compares the one event that it is to pull, and does not lose the others of the file", function()
    local path = helper.new_path "events.json"
    expect(0, nil, pull("-o", path))
    assert.equal(path .. ": nothing has changed\n", (expect(0, nil, pull("--event", "cart_updated", "-o", path,
      "--check"))))
    local before = helper.read_file(path)
    expect(2, path .. " has other events, too", pull("--event", "cart_updated", "-o", path))
    assert.equal(before, helper.read_file(path))
    local one = helper.new_path "one.json"
    expect(0, nil, pull("--event", "cart_updated", "-o", one))
    assert.equal(one .. ": nothing has changed\n", (expect(0, nil, pull("--event", "cart_updated", "-o", one))))
  end)

  it("says what was added, removed and changed, in events and attributes", function()
    local path = helper.new_file(document {
      field("gone", "STRING"), field("age", "STRING"),
      field("card", "CUSTOMER", { identifierType = { value = "mobile" } }),
      field("rooms", "ENUM", { possibleValues = { values = { "1", "2" } } }), field("same", "STRING"),
    })
    local _, url = serve(document({
      field("age", "DOUBLE", { isRequired = { value = "false" } }), field("same", "STRING"),
      field("card", "CUSTOMER", { identifierType = { value = "email" }, isPsiData = { value = "true" } }),
      field("rooms", "ENUM", { possibleValues = { values = { "1", "2", "3" } } }), field("new", "DATE"),
    }, "UNPUBLISHED"))
    local output = expect(0, nil, { "definitions", "pull", "--api", url, "-o", path })
    for _, line in ipairs {
      "stay: was published, is unpublished", "stay: attribute gone: removed",
      "stay: attribute new: added, DATE, required",
      "stay: attribute age: type was STRING, is DOUBLE; was required, is optional",
      "stay: attribute card: type was CUSTOMER:mobile, is CUSTOMER:email; was not sensitive, is sensitive",
      "stay: attribute rooms: values was 1, 2, is 1, 2, 3", path .. ": 1 event changed",
    } do
      assert.truthy(output:find(line .. "\n", 1, true), line .. " is not in " .. output)
    end
    assert.equal(7, select(2, output:gsub("\n", "")), output)
  end)

  it("shows what would steer a terminal, and does not send it there", function()
    local evil = "a\27[2J\194\155\226\128\174b"
    local _, url = serve(document { field(evil, "STRING") })
    local output = expect(0, nil, { "definitions", "pull", "--api", url, "-o", "-" })
    assert.is_nil(output:find("[%z\1-\9\11-\31\127]") or output:find "\194\155" or output:find "\226\128\174")
    assert.equal(evil, cjson.decode(output).data[1].clickEventsMeta.fields[1].name)
    local path = helper.new_file(document { field("x", "STRING") })
    output = expect(0, nil, { "definitions", "pull", "--api", url, "-o", path })
    assert.truthy(output:find("attribute a\\u001b[2J\\u009b\\u202eb: added", 1, true), output)
    output = expect(0, nil, { "definitions", "types", path })
    assert.is_nil(output:find "\194\155" or output:find "\226\128\174", output)
  end)

  it("with --check says it, and writes nothing", function()
    local path = helper.new_file(document { field("age", "DOUBLE") })
    local before = helper.read_file(path)
    local status, output, errors = run(pull("-o", path, "--check"))
    assert.equal(1, status)
    assert.equal("", errors)
    assert.truthy(output:find("stay: removed\n", 1, true), output)
    assert.truthy(output:find(": 3 events added, 1 removed\n", 1, true), output)
    assert.equal(before, helper.read_file(path))
    expect(0, nil, pull("-o", path))
    expect(0, nil, pull("-o", path, "--check"))
    local nowhere = helper.new_path "nowhere.json"
    assert.equal(1, (run(pull("-o", nowhere, "--check"))))
    assert.is_false(helper.file_exists(nowhere))
    expect(2, "--check compares with a file", pull("-o", "-", "--check"))
  end)

  it("leaves the file as it was, and nothing beside it, where something goes wrong", function()
    local directory = helper.new_directory()
    local path = directory .. "/events.json"
    local old = document { field("age", "DOUBLE") }
    helper.write_file(path, old)
    local cases = {
      { 1, "the answer is not the platform's (line 1, column 1", "<html>" },
      { 1, "the answer is not the platform's (line 1, column 10", '{"data":[' },
      { 1, "these are no definitions", "{}" }, { 1, "these are no definitions", '{"data":[]}' },
      { 1, "these are no definitions: there is no event in it", '{"data":[],"errors":[]}' },
      { 1, "v2/events: no \\u001b[2J", '{"data":[],"errors":[{"code":500,"message":"no \\u001b[2J"}]}' },
      { 1, "v2/events: no access\n", '{"errors":{"code":403,"message":"no access"}}' },
      { 1, "the credentials were not accepted (HTTP 401: for *** no)", '{"message":"for ' .. SECRET .. ' no"}', 401 },
      { 1, "the credentials were not accepted, or the path is wrong (HTTP 403", '{"message":"Forbidden"}', 403 },
      { 1, "HTTP 404", "{}", 404 }, { 75, "the platform cannot answer now (HTTP 503", "busy", 503 },
      { 75, "the platform asks to ask more slowly (HTTP 429", "{}", 429 },
    }
    for _, case in ipairs(cases) do
      local _, url = serve(case[3], case[4])
      expect(case[1], case[2], { "definitions", "pull", "--api", url, "-o", path, "--timeout", "5" },
        { env = { POSTEVENT_AUTHORIZATION = CREDENTIAL } })
      assert.equal(old, helper.read_file(path))
    end
    expect(75, "the platform could not be reached (",
      { "definitions", "pull", "--api", "http://127.0.0.1:9", "-o", path })
    local _, names = helper.run { "ls", directory }
    assert.equal("events.json\n", names)
  end)

  it("asks again where the platform is busy for a moment, and gives up when time is up", function()
    local server = rude.start("script", { script = ([[
      if request.turn == 1 then return "reset" elseif request.turn == 2 then return { status = 503, body = "" } end
      return { status = 200, body = %q }]]):format(document { field("age", "DOUBLE") }) })
    expect(0, nil, { "definitions", "pull", "--api", ("http://127.0.0.1:%d"):format(server.port), "-o", "-" })
    assert.equal(3, #server:events("request", 3))
    local silent = rude.start "never_answer"
    expect(75, "time ran out", { "definitions", "pull", "--api", ("http://127.0.0.1:%d"):format(silent.port), "-o",
      "-", "--timeout", "0.3" })
  end)

  it("sends a credential or a token, and shows neither", function()
    local server, url = serve(document { field("age", "DOUBLE") })
    local token = helper.new_file(SECRET .. "\n")
    local function ask(env, ...)
      expect(0, nil, { "definitions", "pull", "--api", url, "-o", "-", ... }, { env = env })
    end
    ask({ POSTEVENT_AUTHORIZATION = CREDENTIAL })
    ask({ POSTEVENT_AUTHORIZATION = CREDENTIAL, POSTEVENT_TOKEN = SECRET })
    ask({}, "--token-file", token)
    ask({ POSTEVENT_TOKEN = "x" }, "--authorization-file", helper.new_file(CREDENTIAL))
    local seen = {}
    for i, request in ipairs(server:events("request", 4)) do
      seen[i] = (request.headers.authorization or "-") .. " " .. (request.headers["x-cap-api-oauth-token"] or "-")
      assert.is_nil(request.headers["content-type"])
    end
    assert.same({ CREDENTIAL .. " -", "- " .. SECRET, "- " .. SECRET, CREDENTIAL .. " -" }, seen)
    local _, refused = serve('{"message":"' .. SECRET .. '"}', 401)
    expect(1, "(HTTP 401: ***)", { "definitions", "pull", "--api", refused, "-o", "-", "--token-file", token })
  end)

  it("trusts no certificate that it was not told of", function()
    local server = rude.start("script", { tls = true,
      script = ("return { status = 200, body = %q }"):format(document { field("age", "DOUBLE") }) })
    local url = server.url:match "^https://[^/]+"
    expect(1, "no secure connection could be made", { "definitions", "pull", "--api", url, "-o", "-" })
    expect(0, nil, { "definitions", "pull", "--api", url, "-o", "-", "--ca-file", certificates.get().ca_file })
  end)

  it("refuses what it cannot do, naming the option", function()
    local short = helper.new_file '{"stay":{"age":"double"}}'
    for _, case in ipairs {
      { "give --cluster or --api, or set POSTEVENT_API", "-o", "x" },
      { "missing --output", "--cluster", "eu" },
      { "--cluster: expected letters", "-o", "x", "--cluster", "eu.x" },
      { "--api: must begin with https:// or http://", "-o", "x", "--api", "ftp://127.0.0.1/" },
      { "--api: must not have a query", "-o", "x", "--api", "http://127.0.0.1/?a=b" },
      { "POSTEVENT_API: ", "-o", "x", env = { POSTEVENT_API = "http://" } },
      { "--api: must not hold a user or a password", "-o", "x", "--api", "http://joe:" .. SECRET .. "@127.0.0.1/" },
      { "or give --allow-http", "-o", "x", "--api", "http://192.0.2.1", env = { POSTEVENT_TOKEN = SECRET } },
      { "--token-file: empty", "-o", "x", "--cluster", "eu", "--token-file", helper.new_file "" },
      { "--token-file: expected text without control", "-o", "x", "--cluster", "eu", "--token-file",
        helper.new_file(SECRET .. "\nx") },
      { "can not be used together", "-o", "x", "--cluster", "eu", "--api", "http://127.0.0.1" },
      { "--timeout: expected a number of seconds", "-o", "x", "--cluster", "eu", "--timeout", "soon" },
      { "is there in the short form", "-o", short, "--api", sandbox.base },
      { "is there, and holds no definitions: line 1", "-o", "README.md", "--api", sandbox.base },
      { "--output: cannot read /: Is a directory", "-o", "/", "--api", sandbox.base },
    } do
      local arguments = { "definitions", "pull" }
      for i = 2, #case do
        arguments[#arguments + 1] = case[i]
      end
      expect(2, case[1], arguments, { env = case.env })
    end
    expect(1, "--output: cannot write /nowhere/x: No such file", pull("-o", "/nowhere/x"))
  end)
end)
