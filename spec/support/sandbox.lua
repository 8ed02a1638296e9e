-- The sandbox, in a process of its own under the same Lua.
local busted = require "busted"
local cjson = require "cjson"
local children = require "support.children"
local documents = require "support.documents"
local files = require "support.files"
local http = require "support.http"
local waiting = require "support.waiting"

local sandbox = {}

local Sandbox = {}
Sandbox.__index = Sandbox

local SCRIPT = [[
local options = %s
options.host, options.port_file = options.host or "127.0.0.1", arg[1]
function options.log(line)
  print(line)
  io.stdout:flush()
end
require("postevent.sandbox").run(options)
]]

local function to_lua(value)
  if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
  local parts = {}
  for name, field in pairs(value) do
    parts[#parts + 1] = ("[%s]=%s"):format(to_lua(name), to_lua(field))
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- start(what postevent.sandbox.run takes, but no function) -> an object with .url (of a webhook), .base, .port.
function sandbox.start(options)
  local port_file = files.new_path "sandbox.port"
  local script = files.write(files.new_path "sandbox.lua", SCRIPT:format(to_lua(options or {})))
  local child = children.spawn { children.lua(), script, port_file }
  local self = setmetatable({ child = child }, Sandbox)
  self.port = waiting.wait_until(function()
    if not child:running() then
      error("the sandbox did not start:\n" .. child:output() .. child:errors(), 0)
    end
    return tonumber((files.read_if_there(port_file):match "^%s*(%d+)%s"))
  end, 5, "the sandbox's port file")
  self.base = ("http://127.0.0.1:%d"):format(self.port)
  self.url = self.base .. documents.path
  return self
end

-- The same, one for all tests of a block, before each emptied and without faults; called inside `describe`. Its fields
-- are there once a test runs.
function sandbox.shared(options)
  local self = setmetatable({}, Sandbox)
  busted.setup(function()
    for name, value in pairs(sandbox.start(options)) do
      self[name] = value
    end
  end)
  busted.before_each(function()
    self:reset()
    self:heal()
  end)
  return self
end

local function ask(self, method, path, body)
  local reply = assert(http.request { method = method, url = self.base .. path, body = body })
  assert(reply.status == 200, ("%s %s answered %s: %s"):format(method, path, tostring(reply.status), reply.body))
  return reply.body
end

function Sandbox:raw_events()
  return ask(self, "GET", "/sandbox/events")
end

-- A list of {event =, webhook =, requestId =, received_at =}.
function Sandbox:events()
  return cjson.decode(self:raw_events()).events
end

-- The same of each that was kept, taken or not.
function Sandbox:attempts()
  return cjson.decode(ask(self, "GET", "/sandbox/attempts")).events
end

-- Turns a fault on, a table of its keys. Returns its id.
function Sandbox:fault(fields)
  return cjson.decode(ask(self, "POST", "/sandbox/faults", cjson.encode(fields))).id
end

-- Turns a scenario on, { name =, ... }, in place of all faults.
function Sandbox:play(fields)
  ask(self, "POST", "/sandbox/scenario", cjson.encode(fields))
end

function Sandbox:faults()
  return cjson.decode(ask(self, "GET", "/sandbox/faults"))
end

-- Ends all faults.
function Sandbox:heal()
  ask(self, "DELETE", "/sandbox/faults")
end

function Sandbox:reset()
  ask(self, "POST", "/sandbox/reset")
end

function Sandbox:log()
  return self.child:output()
end

function Sandbox:stop()
  self.child:stop()
end

return sandbox
