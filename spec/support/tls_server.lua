-- `openssl s_server`: a real TLS server whose handshake can be shaped. It answers no POST: it is for what comes before.
--
-- start {certificate = "server", verify_client = true, versions = {"-tls1_3"}} -> .url, .port, :log(), :stop().
-- With verify_client a client without a certificate, or with a stranger's, is refused by an alert; in TLS 1.3 that
-- arrives after the client has sent its request.
local certificates = require "support.certificates"
local children = require "support.children"
local waiting = require "support.waiting"

local tls_server = {}

local TlsServer = {}
TlsServer.__index = TlsServer

function tls_server.start(options)
  local all = certificates.get()
  local certificate = all[options.certificate or "server"]
  local argv = {
    "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", certificate.cert, "-key", certificate.key,
    "-www", -- without it the end of stdin ends the server
    stop_signal = "SIGKILL",
  }
  for _, argument in ipairs(options.versions or { "-tls1_3" }) do
    argv[#argv + 1] = argument
  end
  if options.verify_client then
    for _, argument in ipairs { "-CAfile", all.ca_file, "-Verify", "1", "-verify_return_error" } do
      argv[#argv + 1] = argument
    end
  end
  local self = setmetatable({ child = children.spawn(argv) }, TlsServer)
  self.port = waiting.wait_until(function()
    if not self.child:running() then
      error("openssl s_server did not start:\n" .. self:log(), 0)
    end
    return tonumber((self.child:output():match "ACCEPT [^\n]*:(%d+)\n"))
  end, 5, "openssl s_server to listen")
  self.url = ("https://localhost:%d"):format(self.port)
  return self
end

function TlsServer:log()
  return self.child:output() .. self.child:errors()
end

function TlsServer:stop()
  self.child:stop()
end

return tls_server
