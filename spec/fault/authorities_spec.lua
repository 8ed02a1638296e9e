-- The system's authorities: libcurl has a file of them and a directory where it was built so, as Debian's was.
local certificates = require "support.certificates"
local children = require "support.children"
local files = require "support.files"
local helper = require "support.helper"
local nginx = require "support.nginx"
local postevent = require "postevent"
local proxy = require "support.proxy"
local socket = require "socket"

local SYSTEM = "/etc/ssl/certs"
local FILE = SYSTEM .. "/ca-certificates.crt"

-- libcurl does from 7.87 on, with OpenSSL.
local function keeps_what_it_read()
  local major, minor = postevent.features.curl:match "^(%d+)%.(%d+)"
  return tonumber(major) * 100 + tonumber(minor) >= 787 and not postevent.features.tls:find "GnuTLS"
end

-- How long the processor works on `count` handshakes that begin and never end.
local function work_of_handshakes(count)
  local server = assert(socket.bind("127.0.0.1", 0, 64))
  local _, port = server:getsockname()
  server:settimeout(20)
  local before = os.clock()
  local client = postevent.new { url = ("https://127.0.0.1:%d/"):format(port), max_in_flight = count, log = false }
  for _ = 1, count do
    assert(client:track { event_name = "e" })
  end
  local peers = {}
  for i = 1, count do
    peers[i] = assert(server:accept())
    peers[i]:settimeout(20)
    assert(peers[i]:receive(1)) -- of the client's hello
  end
  client:close(0.001)
  local work = os.clock() - before
  for _, peer in ipairs(peers) do
    peer:close()
  end
  server:close()
  return work
end

-- A directory as the system's, with `authority` in it, hashed; the file has another one, or is not there.
local function new_system(authority, other)
  local directory = files.new_directory "authorities"
  files.write(directory .. "/ours.pem", files.read(authority))
  assert.equal(0, (children.run { "openssl", "rehash", directory }))
  if other then
    files.write(directory .. "/ca-certificates.crt", files.read(other))
  end
  return directory
end

-- Runs the code where the system's directory is that one. Returns what children.run does.
local function run_with(directory, code)
  return children.run { children.lua(), files.write(files.new_path "script.lua", ([[
    local process = require "support.process"
    assert(process.unshare_mounts())
    assert(process.bind_mount(%q, %q))
    local postevent = require "postevent"
local proxy = require "support.proxy"
    %s
  ]]):format(directory, SYSTEM, code)) }
end

-- For `pending`: why there is nothing to be tested here.
local function obstacle()
  if not files.exists(FILE) then
    return "the system has no " .. FILE
  end
  local status, _, errors = run_with(files.new_directory "empty", "")
  return status ~= 0 and "no namespaces here: " .. errors or nil
end

describe("the system's authorities", function()
  helper.guard()
  local server, ours

  setup(function()
    ours = certificates.get()
    server = nginx.start { { tls = "server" }, { tls = "self_signed" } }
  end)

  it("are read once, and not anew for each handshake", function()
    if not files.exists(FILE) or not keeps_what_it_read() then
      return pending "no file of them, or a libcurl that keeps none"
    end
    work_of_handshakes(1)
    local one, many = work_of_handshakes(1), work_of_handshakes(16)
    assert.is_true(many < 5 * one, ("%.3f s for 16, %.3f s for one"):format(many, one))
  end)

  -- Posts and tracks from where the system's authorities are `directory`'s.
  local function assert_trusted(directory)
    local status, output, errors = run_with(directory, ([[
      local client = postevent.new { url = %q, log = false, max_in_flight = 2 }
      for _ = 1, 2 do
        local reply, message, _, detail = client:post { event_name = "e" }
        assert(reply and reply.attempts == 1, message)
      end
      for _ = 1, 6 do
        assert(client:track { event_name = "e" })
      end
      assert(client:close(20))
      local stats = client:stats()
      assert(stats.delivered == 6 and stats.attempts == 6, stats.attempts)
      client = postevent.new { url = %q, log = false }
      for _ = 1, 2 do
        local _, message, code, detail = client:post { event_name = "e" }
        assert(code == "tls" and detail.sent == false, message)
      end
      print "done"
    ]]):format(server.urls[1] .. "/x", server.urls[2] .. "/x"))
    assert.equal("done\n", output, errors)
    assert.equal(0, status)
  end

  it("may be in the directory alone", function()
    local reason = obstacle()
    if reason then
      return pending(reason)
    end
    assert_trusted(new_system(ours.ca_file, ours.stranger.cert)) -- with others in the file
    assert_trusted(new_system(ours.ca_file)) -- and no file
  end)

  it("may be the host's in the directory, and those of a proxy that speaks TLS in the file", function()
    local reason = obstacle()
    if reason then
      return pending(reason)
    end
    local through = proxy.start { tls = "self_signed" }
    local status, _, errors = run_with(new_system(ours.ca_file, ours.self_signed.cert), ([[
      local client = postevent.new { url = %q, proxy = %q, log = false }
      assert(client:post { event_name = "e" })
    ]]):format((server.urls[1]:gsub("localhost", "127.0.0.1")) .. "/x", through.url))
    assert.equal(0, status, errors)
    assert.equal(1, #through:requests())
  end)
end)
