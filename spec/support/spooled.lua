-- Directories that programs with a spool have left, and the command that looks into them: for the specs of `postevent
-- spool`.
local children = require "support.children"
local cjson = require "cjson"
local command = require "support.command"
local files = require "support.files"
local helper = require "support.helper"
local posting = require "support.posting"
local rude = require "support.rude"

local spooled = {}

local REFUSED = '{"status":{"code":1101,"message":"no: +4915112345678 ' .. "\194\155" .. '"},"requestId":"r"}'

-- Of a server that is away ("", the mode at first), refuses odd numbers ("strict"), all ("refuse") or none ("open").
spooled.script = ([[
if request.mode == "" then return { status = 503 } end
if request.mode == "refuse" then return { status = 400, body = %q } end
local number = tonumber(request.id:match "%%d+$")
if request.mode == "strict" and number %% 2 == 1 then return { status = 400, body = %q } end
]]):format(REFUSED, REFUSED)

function spooled.start(url, directory)
  local client = posting.client(url, {
    spool = { path = directory, wait = true }, id_attribute = "external_event_id",
    retry = { initial = 0.01, max = 0.05 },
  })
  local token = helper.defer(function()
    client:close(0)
  end)
  return client, token
end

function spooled.track(client, first, last, more)
  for number = first, last do
    local event = { event_name = "coin_found", external_event_id = "e" .. number, coins = number,
      phone = "+4915112345678" }
    for name, value in pairs(more or {}) do
      event[name] = value
    end
    assert(client:track(event))
  end
end

-- A server; and a directory with so many events, pending, or half of them dead, that a program has left.
function spooled.leave(count, mode)
  local server = rude.start("script", { script = spooled.script })
  local directory = files.new_path "spool"
  local client = spooled.start(server.url, directory)
  if mode then
    server:set(mode)
  end
  spooled.track(client, 1, count)
  if mode then
    client:flush(10)
  end
  client:close(0)
  return server, directory
end

local KILLED = [[
local url, directory, count = arg[1], arg[2], tonumber(arg[3])
local client = require("postevent").new {
  url = url, spool = { path = directory, wait = true }, id_attribute = "external_event_id",
  retry = { initial = 0.01, max = 0.05 },
}
for number = 1, count do
  assert(client:track { event_name = "coin_found", external_event_id = "e" .. number, text = ("x"):rep(500) })
end
io.stdout:write "tracked\n"
io.stdout:flush()
while true do client:flush(1) end
]]

-- Leaves so many events in a directory as a program does that is killed: the file, its log, its index. Returns the
-- path of the file.
function spooled.kill(url, directory, count)
  local script = files.write(files.new_path "killed.lua", KILLED)
  local child = children.spawn { children.lua(), script, url, directory, tostring(count) }
  helper.wait_until(function()
    assert(child:running(), child:errors())
    return child:output() == "tracked\n"
  end)
  child:kill "SIGKILL"
  child:wait()
  return directory .. "/" .. spooled.list(directory).files[1].file
end

-- `postevent spool ...`, as command.expect.
function spooled.command(status, piece, ...)
  return command.expect(status, piece, { "spool", ... })
end

function spooled.list(directory)
  return cjson.decode((spooled.command(0, nil, "list", directory, "--json")))
end

function spooled.ids_of(lines)
  local ids = {}
  for line in lines:gmatch "[^\n]+" do
    ids[#ids + 1] = cjson.decode(line).external_event_id
  end
  table.sort(ids)
  return ids
end

function spooled.exported(directory, ...)
  return spooled.ids_of((spooled.command(0, nil, "export", directory, ...)))
end

return spooled
