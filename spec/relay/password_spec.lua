-- A Redis that quotes the password of the url in its errors, in any way of writing: it is in no text of ours.
local children = require "support.children"
local files = require "support.files"
local helper = require "support.helper"
local postevent = require "postevent"
local waiting = require "support.waiting"
local writings = require "support.writings"

local PASSWORD = "s3cret/passw0rd+of:ours"
local ENCODED = PASSWORD:gsub("%W", function(c)
  return ("%%%02X"):format(c:byte())
end)

local function assert_hidden(how, text)
  for _, form in ipairs { PASSWORD, writings.all[how](PASSWORD), writings.base64(PASSWORD) } do
    assert(not text:lower():find(form:lower(), 1, true), how .. ": the password shows: " .. text)
  end
end

-- It answers the text to all but AUTH. A command begins on a line of its own with "*", as nothing else here does.
local SERVER = [[
  local socket = require "socket"
  local files = require "support.files"
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  files.write(arg[1] .. ".new", tostring(port))
  assert(os.rename(arg[1] .. ".new", arg[1]))
  while true do
    local client = server:accept()
    local line = client:receive()
    while line do
      if line:find "^%*" then
        client:receive()
        local name = client:receive()
        client:send(name == "AUTH" and "+OK\r\n" or "-" .. arg[2] .. "\r\n")
      end
      line = client:receive()
    end
  end
]]

-- Returns its address, without credentials.
local function start_server(text)
  local port_file = files.new_path "port"
  local child = children.spawn {
    children.lua(), files.write(files.new_path "redis.lua", SERVER), port_file, text, stop_signal = "SIGKILL",
  }
  return "127.0.0.1:" .. waiting.wait_until(function()
    assert(child:running(), "the server did not start")
    return tonumber(files.read_if_there(port_file))
  end)
end

describe("an error of Redis's that quotes the password", function()
  if not postevent.features.redis then
    pending "this build has no hiredis"
    return
  end
  helper.guard()
  local link

  setup(function()
    local core = require("postevent.native") "postevent.core"
    link = assert(core.redis.open("redis://worker:" .. ENCODED .. "@127.0.0.1:1", 1, 1, {}))
  end)

  it("is told without it, in whatever way it is written", function()
    for _, how in ipairs(writings.names) do
      local message = link:explain("XADD", "ERR for " .. writings.list[how](PASSWORD) .. " nothing")
      assert_hidden(how, message)
      assert(message:find("(ERR for ", 1, true), message)
    end
  end)

  it("shows no beginning of it where the text is cut, nor an end", function()
    for length = 0, 200 do
      local message = link:explain("XADD", "ERR " .. ("x"):rep(length) .. " " .. PASSWORD .. " " .. ("y"):rep(200))
      assert(not message:find("s3", 1, true), message)
      assert(not message:find("ours", 1, true), message)
    end
  end)

  it("names the user, as Redis does", function()
    local message = link:explain("XADD", "NOPERM User worker has no permissions to run the 'xadd' command")
    assert.matches("User worker has no permissions", message)
  end)

  it("shows none of it to who tracks", function()
    local text = "ERR for " .. writings.base64(PASSWORD) .. " nothing"
    local url = ("redis://worker:%s@%s"):format(ENCODED, start_server(text))
    local lines = {}
    local client = postevent.new { relay = { url = url }, log = function(_, line)
      lines[#lines + 1] = line
    end }
    assert(client:track { event_name = "e" })
    helper.wait_until(function()
      return client:stats().last_error
    end)
    local _, message = client:close(0)
    local said = client:stats().last_error.message
    assert.matches("XADD: .*ERR for %*%*%*", said)
    assert_hidden("raw", said .. message .. table.concat(lines, "\n"))
  end)
end)
