-- Posts the documented event with credentials on board, and fails the test when one of them shows anywhere.
local documents = require "support.documents"
local postevent = require "postevent"
local process = require "support.process"

local posting = {}

local SECRETS = { documents.authorization:match " (%S+)", "hunter2", "s3cret-key" }

local function flatten(value, out)
  if type(value) == "table" then
    for key, inner in pairs(value) do
      out[#out + 1] = tostring(key)
      flatten(inner, out)
    end
  else
    out[#out + 1] = tostring(value)
  end
  return out
end

-- Fails when a credential is in one of the values (tables are searched).
function posting.assert_no_secret(...)
  local text = table.concat(flatten({ ... }, {}), "\n")
  for _, secret in ipairs(SECRETS) do
    assert(not text:find(secret, 1, true), "a credential shows: " .. text)
  end
end

-- A client for `url` that sends the documented credentials; its log lines are gathered in the second value.
function posting.client(url, options)
  local lines = {}
  local all = {
    url = url,
    authorization = documents.authorization,
    log = function(level, message)
      lines[#lines + 1] = level .. ": " .. message
    end,
  }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  if all.user then
    all.authorization = nil
  end
  return postevent.new(all), lines
end

-- One post from a client of its own: the outcome { reply, message, code, detail, elapsed = seconds, log }.
function posting.post(url, options, event)
  local client, lines = posting.client(url, options)
  local start = process.now()
  local reply, message, code, detail = client:post(event or documents.new_event())
  local elapsed = process.now() - start
  posting.assert_no_secret(tostring(client), reply, message, detail, lines)
  client:close()
  posting.assert_no_secret(tostring(client))
  return { reply = reply, message = message, code = code, detail = detail, elapsed = elapsed, log = lines }
end

-- The same, once (attempts = 1), and it must fail with that code.
function posting.fails_with(code, url, options, event)
  local all = { attempts = 1, timeout = 5 }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local outcome = posting.post(url, all, event)
  assert(outcome.code == code, ("expected %s, got %s: %s"):format(code, tostring(outcome.code or "a reply"),
    tostring(outcome.message)))
  assert(outcome.reply == nil and type(outcome.message) == "string" and type(outcome.detail) == "table")
  assert(outcome.detail.event_id == documents.event.external_event_id)
  return outcome
end

return posting
