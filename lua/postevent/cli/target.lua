-- Where the command sends events, and as whom: the options that `post` and `spool deliver` share, and the client that
-- is made of them.

local credential = require("postevent.cli.credential")
local exit = require("postevent.cli.exit")

local target = {}

-- The options of postevent.new, as they are called here.
local OPTION_NAMES = { timeout = "--timeout", proxy = "--proxy", ["tls.ca_file"] = "--ca-file" }
local PHRASES = { ["allow_http = true"] = "--allow-http",
  ["`user` and `password`, or `authorization`"] = "--authorization-file",
  ["for a user and a password there are `user` and `password`"] = "of a user and a password, this makes what follows "
    .. "\"Basic \": printf %%s USER:PASSWORD | base64" }

-- Adds the options of where to and as whom.
function target.define(command)
  command:option("--url", "The address of the webhook. Default: $POSTEVENT_URL."):argname("URL")
  command:mutex(
    command:option("--authorization-file", "Read the value of the Authorization header from FILE (-: stdin). "
      .. "Default: $POSTEVENT_AUTHORIZATION."):argname("FILE"),
    command:option("--authorization", "The value itself. Every user of this machine can see it (ps); prefer the "
      .. "file or the environment."):argname("VALUE"))
end

-- Adds the one of how long. `text`: what it means.
function target.define_timeout(command, text)
  command:option("--timeout", text):argname("SECONDS"):convert(function(given)
    return tonumber(given), "--timeout: expected a number of seconds"
  end)
end

-- Adds the options of the way there.
function target.define_way(command)
  command:option("--ca-file", "Trust the certificates in FILE (PEM) and no others."):argname("FILE")
  command:option("--proxy", "Use this proxy; \"environment\": the one that https_proxy names. Default: none.")
    :argname("URL")
  command:flag("--allow-http", "Send the credentials over http:// to another machine, where anyone on the way can "
    .. "read them.")
end

local function find_url(args)
  local url, source = args.url, "--url"
  if not url then
    url, source = os.getenv("POSTEVENT_URL"), "POSTEVENT_URL"
  end
  if not url or url == "" then
    exit.usage("no address to post to: give --url, or set POSTEVENT_URL")
  end
  return url, source
end

-- "postevent.new: tls.ca_file: expected ...", in the words of the command line.
local function translate(message, sources)
  local option, rest = tostring(message):match("postevent%.new: ([%w_.]+): (.*)$")
  if not option then
    return tostring(message)
  end
  for phrase, ours in next, PHRASES do
    rest = rest:gsub(phrase, ours)
  end
  return (sources[option] or OPTION_NAMES[option] or option) .. ": " .. rest
end

-- Where to and as whom, in the words of postevent.new; and by the same names where each came from.
function target.find(args)
  local found, sources = {}, {}
  found.url, sources.url = find_url(args)
  found.authorization, sources.authorization = credential.find(args)
  return found, sources
end

-- A client for what target.find has found, with these options of postevent.new more. Ends the command where they will
-- not do.
function target.new_client(args, found, sources, options)
  options.url, options.authorization = found.url, found.authorization
  options.tls, options.proxy, options.allow_http = { ca_file = args.ca_file }, args.proxy, args.allow_http
  local ok, client = pcall(require("postevent").new, options)
  if not ok then
    exit.usage(translate(client, sources))
  end
  return client
end

return target
