-- Where the command sends events, and as whom: the options that `post` and `spool deliver` share, and the client that
-- is made of them.

local credential = require("postevent.cli.credential")
local exit = require("postevent.cli.exit")
local numbers = require("postevent.cli.numbers")

local target = {}

-- The options of postevent.new, as they are called here.
local OPTION_NAMES = { timeout = "--timeout", proxy = "--proxy", ["tls.ca_file"] = "--ca-file" }
local PHRASES = { ["allow_http = true"] = "--allow-http",
  ["`user` and `password`, or `authorization`"] = "--authorization-file",
  ["for a user and a password there are `user` and `password`"] = "of a user and a password, this makes what follows "
    .. "\"Basic \": printf %%s USER:PASSWORD | base64" }

-- Adds the options of as whom, and returns them: they exclude each other.
function target.define_credentials(command)
  return command:option("--authorization-file", "Read the value of the Authorization header from FILE (-: stdin). "
      .. "Default: $POSTEVENT_AUTHORIZATION."):argname("FILE"):overwrite(false),
    command:option("--authorization", "The value itself. Every user of this machine can see it (ps); prefer the "
      .. "file or the environment."):argname("VALUE"):overwrite(false)
end

-- Adds the options of where to and as whom.
function target.define(command)
  command:option("--url", "The address of the webhook. Default: $POSTEVENT_URL."):argname("URL")
    :overwrite(false)
  command:mutex(target.define_credentials(command))
end

-- Adds the one of how long. `text`: what it means.
function target.define_timeout(command, text)
  command:option("--timeout", text):argname("SECONDS"):overwrite(false):convert(numbers.like("--timeout", "timeout"))
end

-- Adds the options of the way there, but the one of plain http.
function target.define_route(command)
  command:option("--ca-file", "Trust the certificates in FILE (PEM) and no others."):argname("FILE"):overwrite(false)
  command:option("--proxy", "Use this proxy; \"environment\": the one that https_proxy names. Default: none.")
    :argname("URL"):overwrite(false)
end

-- Adds the options of the way there.
function target.define_way(command)
  target.define_route(command)
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

-- "tls.ca_file: expected ...", of postevent.new or without its name, in the words of the command line. `sources`: where
-- an option came from, by its name.
function target.translate(message, sources)
  local option, rest = tostring(message):gsub("^.*postevent%.new: ", ""):match("^([%w_.]+): (.*)$")
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

-- The options of postevent.new for the way there.
function target.set_way(args, options)
  options.tls, options.proxy, options.allow_http = { ca_file = args.ca_file }, args.proxy, args.allow_http
end

-- A client for what target.find has found, with these options of postevent.new more. Ends the command where they will
-- not do.
function target.new_client(args, found, sources, options)
  options.url, options.authorization = found.url, found.authorization
  target.set_way(args, options)
  local ok, client = pcall(require("postevent").new, options)
  if not ok then
    exit.usage(target.translate(client, sources))
  end
  return client
end

return target
