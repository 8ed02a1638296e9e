-- Certificates for the TLS tests, made once per run with the openssl command. Elliptic curves, because that is quick.
--
-- get() -> { ca_file =, server =, expired =, self_signed =, wrong_host =, client =, client_encrypted =, stranger = };
-- each but ca_file is { cert = path, key = path }, client_encrypted with a `password`; all but self_signed and stranger
-- (a client's, by itself) are signed by the CA. The server's names are localhost, 127.0.0.1 and ::1.
local children = require "support.children"
local files = require "support.files"

local certificates = {}
local made

local CONFIG = [[
[ca]
default_ca = ours
[ours]
database = %s/index.txt
new_certs_dir = %s
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
]]

local HERE = "DNS:localhost,IP:127.0.0.1,IP:::1"
local ELSEWHERE = "DNS:elsewhere.example"
local PASSWORD = "a password for the key"

local function openssl(arguments)
  children.must("openssl", (table.unpack or unpack)(arguments))
end

local function new_key(path)
  openssl { "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path }
end

-- A certificate that its own key signed.
local function self_sign(config, key, cert, name, extensions)
  local arguments = {
    "req", "-x509", "-new", "-config", config, "-key", key, "-subj", "/CN=" .. name, "-days", "2", "-out", cert,
  }
  for _, extension in ipairs(extensions) do
    arguments[#arguments + 1] = "-addext"
    arguments[#arguments + 1] = extension
  end
  openssl(arguments)
end

local function make()
  local directory = files.new_directory "certificates"
  local function path(name)
    return directory .. "/" .. name
  end
  local config = files.write(path "openssl.cnf", CONFIG:format(directory, directory))
  local key = path "server.key"
  local ca_key, ca_file = path "ca.key", path "ca.pem"

  local function issue(name, names, dates)
    local request, cert = path(name .. ".csr"), path(name .. ".pem")
    openssl { "req", "-new", "-config", config, "-key", key, "-subj", "/CN=" .. name, "-addext",
      "subjectAltName=" .. names, "-addext", "basicConstraints=CA:FALSE", "-out", request }
    local arguments = { "ca", "-batch", "-notext", "-config", config, "-cert", ca_file, "-keyfile", ca_key, "-in",
      request, "-out", cert }
    for _, argument in ipairs(dates or { "-days", "2" }) do
      arguments[#arguments + 1] = argument
    end
    openssl(arguments)
    return { cert = cert, key = key }
  end

  local function by_itself(name)
    local cert = path(name .. ".pem")
    self_sign(config, key, cert, name, { "subjectAltName=" .. HERE })
    return { cert = cert, key = key }
  end

  files.write(path "index.txt", "")
  new_key(key)
  new_key(ca_key)
  self_sign(config, ca_key, ca_file, "test CA", { "basicConstraints=critical,CA:TRUE" })

  local all = {
    ca_file = ca_file,
    server = issue("server", HERE),
    expired = issue("expired", HERE, { "-startdate", "20200101000000Z", "-enddate", "20200201000000Z" }),
    wrong_host = issue("wrong-host", ELSEWHERE),
    client = issue("client", "DNS:client"),
    self_signed = by_itself "self-signed",
    stranger = by_itself "stranger",
  }
  local encrypted = path "encrypted.key"
  openssl { "pkcs8", "-topk8", "-v2", "aes256", "-in", key, "-out", encrypted, "-passout", "pass:" .. PASSWORD }
  all.client_encrypted = { cert = all.client.cert, key = encrypted, password = PASSWORD }
  return all
end

function certificates.get()
  made = made or make()
  return made
end

return certificates
