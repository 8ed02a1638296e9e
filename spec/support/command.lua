-- The command `postevent`, run under the Lua of this run: for its specs.
local assert = require "luassert"
local helper = require "support.helper"

local command = {}

command.path = "bin/postevent"
command.secret = "c2VjcmV0LXRva2Vu"
command.credential = "Basic " .. command.secret
command.nowhere = "http://127.0.0.1:9/eucrm/webhooks/nowhere" -- a port that nobody listens on

-- Runs the command. Whatever happens, it shows neither a credential nor Lua's own words.
function command.run(arguments, options)
  options = options or {}
  options.env = options.env or {}
  for _, name in ipairs { "POSTEVENT_URL", "POSTEVENT_AUTHORIZATION", "https_proxy", "http_proxy" } do
    options.env[name] = options.env[name] or false
  end
  local status, output, errors = helper.run_lua(command.path, arguments, options)
  for _, text in ipairs { output, errors } do
    assert.is_nil(text:find(command.secret, 1, true), text)
    assert.is_nil(text:find("traceback", 1, true), text)
    assert.is_nil(text:find("%.lua:%d"), text)
  end
  return status, output, errors
end

-- Expects an exit status and, where given, a piece of what it says. Returns all of that.
function command.expect(status, piece, arguments, options)
  local got, output, errors = command.run(arguments, options)
  assert.equal(status, got, errors)
  if status ~= 0 then
    assert.equal("", output)
    assert.truthy(errors:find "^postevent: [^\n]*\n", errors)
  end
  if piece then
    assert.truthy(errors:find(piece, 1, true), errors)
  end
  return output, errors
end

return command
