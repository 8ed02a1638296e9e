-- Writes the configuration of the tests' nginx (nginx.lua): pure text, nothing is started here.
local documents = require "support.documents"

local nginx_config = {}

local MAIN = [[
daemon off;
master_process off;
%spid nginx.pid;
error_log error.log info;
events { worker_connections 256; }
http {
  client_body_temp_path tmp/body;
  proxy_temp_path tmp/proxy;
  fastcgi_temp_path tmp/fastcgi;
  uwsgi_temp_path tmp/uwsgi;
  scgi_temp_path tmp/scgi;
  types { }
  default_type application/json;
  client_max_body_size 0;
  client_body_buffer_size 1m;
  map $server_protocol $empty { default ""; }
  geo $dollar { default "$"; }
  log_format requests escape=json '{%s}';
  access_log requests.log requests;
  ssl_protocols TLSv1.2 TLSv1.3;
%s}
]]

-- What each line of the access log says, by its own name; every $http_<header> that a test asks for is added.
local LOGGED = {
  method = "request_method", uri = "uri", request_uri = "request_uri", status = "status",
  protocol = "server_protocol", connection = "connection",
  connection_requests = "connection_requests", content_length = "content_length", tls = "ssl_protocol",
  tls_reused = "ssl_session_reused", client = "ssl_client_s_dn", port = "server_port", body = "request_body",
}
local HEADERS = { "host", "user_agent", "content_type", "authorization", "accept", "expect", "proxy_authorization" }

local function log_format(headers)
  local fields = {}
  for name, variable in pairs(LOGGED) do
    fields[#fields + 1] = ('"%s":"$%s"'):format(name, variable)
  end
  for _, list in ipairs { HEADERS, headers or {} } do
    for _, header in ipairs(list) do
      local variable = header:lower():gsub("%-", "_")
      fields[#fields + 1] = ('"http_%s":"$http_%s"'):format(variable, variable)
    end
  end
  return table.concat(fields, ",")
end

-- Any bytes but NUL as a string of nginx's.
local function quote(text)
  if text == "" then
    return "$empty" -- a literal "" would call for nginx's own page
  end
  return '"' .. text:gsub('[\\"]', "\\%0"):gsub("%$", "${dollar}") .. '"'
end

-- The locations that answer `uri` with exactly this reply. It takes two: `return 301` makes a page of its own, and a
-- status that is set on the way to a named location keeps the body that is given there.
local function reply_locations(uri, reply, name)
  local lines, kind = {}, nil
  for header, value in pairs(reply.headers or {}) do
    if header:lower() == "content-type" then
      kind = value
    else
      lines[#lines + 1] = ("    add_header %s %s always;"):format(header, quote(value))
    end
  end
  return ([[
  location %s { error_page 599 =%d @%s; return 599; }
  location @%s {
    default_type %s;
%s
    return 200 %s;
  }
]]):format(uri, reply.status or 200, name, name, quote(kind or "application/json"), table.concat(lines, "\n"),
    quote(reply.body or documents.reply))
end

local function tls_lines(server, certificates)
  local name = server.tls == true and "server" or server.tls
  local certificate = type(name) == "table" and name or certificates[name]
  local text = ("  ssl_certificate %s;\n  ssl_certificate_key %s;\n"):format(certificate.cert, certificate.key)
  if server.verify_client then
    text = text .. ("  ssl_client_certificate %s;\n  ssl_verify_client %s;\n"):format(certificates.ca_file,
      server.verify_client == true and "on" or server.verify_client)
  end
  return text
end

-- What a server answers: proxy_to, replies (each at /<its number>), reply (everywhere), or the documented reply.
local function content(server, number)
  if server.proxy_to then
    return ("  location / { proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_pass %s; }\n"):format(
      server.proxy_to)
  elseif server.replies then
    local parts = {}
    for i, reply in ipairs(server.replies) do
      parts[i] = reply_locations(("= /%d"):format(i), reply, ("reply_%d_%d"):format(number, i))
    end
    return table.concat(parts)
  end
  return reply_locations("/", server.reply or {}, "reply_" .. number)
end

local function server_block(server, number, port, certificates)
  local flags = (server.tls and " ssl" or "") .. (server.http2 and " http2" or "")
  local listen = ("  listen 127.0.0.1:%d%s;\n"):format(port, flags)
  return ("server {\n%s%s%s%s}\n"):format(listen, server.tls and tls_lines(server, certificates) or "",
    server.extra or "", server.locations or content(server, number))
end

-- The whole file. `servers` are nginx.start's, `ports` one for each, `certificates` those of certificates.get().
function nginx_config.write(servers, ports, certificates, options)
  local blocks = {}
  for number, server in ipairs(servers) do
    blocks[number] = server_block(server, number, ports[number], certificates)
  end
  return MAIN:format(options.as_root and "user root;\n" or "", log_format(options.log_headers), table.concat(blocks))
end

return nginx_config
