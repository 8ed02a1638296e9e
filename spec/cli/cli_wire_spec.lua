-- postevent post --dry-run and --verbose: what is shown is what a server receives.
local command = require "support.command"
local helper = require "support.helper"
local rude = require "support.rude"

local expect = command.expect

-- The request line and the header lines of a shown request: { method =, path =, headers = {lower case = value} }, body.
local function parse(shown)
  local head, body = shown:match("^(.-)\n\n([^\n]*)")
  local request = { headers = {} }
  request.method, request.path = head:match("^(%u+) (%S+) HTTP/1.1\n")
  for name, value in head:gmatch("\n([^:\n]+): ([^\n]*)") do
    request.headers[name:lower()] = value
  end
  return request, body
end

describe("postevent post", function()
  helper.guard()
  local EVENT = { "event_name=x", "eventDateTime=2024-04-11 12:00:00", "note=\27[2J\226\128\174" }

  local function post(server, ...)
    local arguments = { "post", "--url", server.url, ... }
    for _, argument in ipairs(EVENT) do
      arguments[#arguments + 1] = argument
    end
    return expect(0, nil, arguments, { env = { POSTEVENT_AUTHORIZATION = command.credential } })
  end

  it("shows with --dry-run what a server would get, and sends nothing", function()
    local server = rude.start "answer"
    local shown, body = parse((post(server, "--dry-run")))
    assert.equal(0, server:connections())
    post(server)
    local got = server:events("request", 1)[1]
    assert.equal(command.credential, got.headers.authorization)
    got.headers.authorization = "***"
    assert.same({ got.method, got.path, got.headers }, { shown.method, shown.path, shown.headers })
    assert.equal(tonumber(got.headers["content-length"]), #body - #"\\u202e" + 3)
  end)

  it("shows https as the webhook would get it, without a look-up; an event that is refused is refused", function()
    local function shown(...)
      return (expect(0, nil, { "post", "--dry-run", "event_name=x", ... }))
    end
    assert.truthy(shown("--url", "https://nowhere.invalid:443/a"):find "^POST /a HTTP/1.1\nHost: nowhere.invalid\n")
    assert.truthy(shown("--url", "https://nowhere.invalid:8443/a", "--proxy", "http://nowhere.invalid:1")
      :find "^POST /a HTTP/1.1\nHost: nowhere.invalid:8443\n")
    expect(1, "event_name: missing (invalid_event)", { "post", "--dry-run", "--url", command.nowhere, "a=1" })
    assert.truthy(#shown("--url", command.nowhere, "a=" .. ("x"):rep(30000)) > 30000)
  end)

  it("shows with --verbose on stderr what was sent and what came, and the reply alone on stdout", function()
    local server = rude.start "answer"
    local output, errors = post(server, "--verbose")
    local got = server:events("request", 1)[1]
    local shown = parse(errors)
    got.headers.authorization = "***"
    assert.same({ got.method, got.path, got.headers }, { shown.method, shown.path, shown.headers })
    assert.truthy(errors:find "\n\nHTTP/1.1 200 [^\n]*\n", errors)
    assert.truthy(output:find '^{"status"[^\n]*\n$', output)
    assert.is_nil((output .. errors):find "[\27\r]")
  end)
end)
