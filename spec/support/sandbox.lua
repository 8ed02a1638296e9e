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
local port_file, authorization, memory, definitions = arg[1], arg[2], arg[3], arg[4]
require("postevent.sandbox").run {
  host = "127.0.0.1",
  port = 0,
  port_file = port_file,
  authorization = authorization ~= "" and authorization or nil,
  definitions = definitions,
  memory = tonumber(memory),
  log = function(line)
    print(line)
    io.stdout:flush()
  end,
}
]]

-- start {authorization =, definitions = file, memory = MiB} -> an object with .url (of a webhook), .base, .port.
function sandbox.start(options)
  options = options or {}
  local port_file = files.new_path "sandbox.port"
  local child = children.spawn {
    children.lua(), files.write(files.new_path "sandbox.lua", SCRIPT), port_file, options.authorization or "",
    tostring(options.memory or 256), options.definitions,
  }
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

-- The same, one for all tests of a block and emptied before each; called inside `describe`. Its fields are there once
-- a test runs.
function sandbox.shared(options)
  local self = setmetatable({}, Sandbox)
  busted.setup(function()
    for name, value in pairs(sandbox.start(options)) do
      self[name] = value
    end
  end)
  busted.before_each(function()
    self:reset()
  end)
  return self
end

local function ask(self, method, path)
  local reply = assert(http.request { method = method, url = self.base .. path })
  assert(reply.status == 200, ("%s %s answered %s"):format(method, path, tostring(reply.status)))
  return reply.body
end

function Sandbox:raw_events()
  return ask(self, "GET", "/sandbox/events")
end

-- A list of {event =, webhook =, requestId =, received_at =}.
function Sandbox:events()
  return cjson.decode(self:raw_events()).events
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
