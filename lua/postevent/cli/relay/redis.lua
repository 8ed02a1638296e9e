-- Which Redis, which stream, which group: the options that all of `postevent relay` shares.

local check = require("postevent.options.check")
local connection = require("postevent.relay.connection")
local core = require("postevent.native")("postevent.core").redis
local exit = require("postevent.cli.exit")
local relay = require("postevent.options.relay")
local words = require("postevent.options.words")

local redis = {}

local VARIABLE = "POSTEVENT_REDIS"

-- Of what looks, or changes something, and ends: the exit statuses, and where the help has its options.
redis.STATUSES = { { 0, "done" }, { 1, "not all of it" }, { 75, "Redis did not answer" } }
redis.HINT = "Which Redis, stream and group: --redis, --stream and --group, as of postevent relay."

-- redis.define_name(command, "--stream", help): an option that names something in Redis. Returns it.
function redis.define_name(command, option, text)
  return command:option(option, text):argname("NAME"):overwrite(false):convert(function(given)
    local expected = check.text(given)
    if not expected then
      return given
    end
    return nil, words.refusal(option, given, nil, expected)
  end)
end

function redis.define(command)
  command:option("--redis", "The address of the Redis: redis://user:password@host:port/database, rediss:// "
    .. "for the same over TLS, or unix:///path. Every user of this machine can see it (ps); one with a password "
    .. "stands better in $POSTEVENT_REDIS, which is the default."):argname("URL"):overwrite(false)
  command:option("--redis-ca-file", "Of a rediss://: trust the certificates in FILE (PEM) and no others.")
    :argname("FILE"):overwrite(false)
  command:option("--redis-cert-file", "Show the Redis this certificate (PEM)."):argname("FILE"):overwrite(false)
  command:option("--redis-key-file", "Its private key (PEM), where that is not in the same file."):argname("FILE")
    :overwrite(false)
  redis.define_name(command, "--stream", "The stream."):default("postevent")
  redis.define_name(command, "--group", "The group of consumers."):default("postevent")
  command:flag("--allow-http", "Send credentials over a connection without TLS to another machine, where anyone on the "
    .. "way can read them.")
end

-- The files of TLS, by their names in postevent.new. Ends the command where they will not do.
local function check_files(args, url, parsed)
  local files = { ca_file = args.redis_ca_file, cert_file = args.redis_cert_file, key_file = args.redis_key_file }
  if next(files) and not parsed.tls then
    exit.usage("--redis-ca-file, --redis-cert-file, --redis-key-file: need a Redis by rediss://")
  elseif files.key_file and not files.cert_file then
    exit.usage("--redis-key-file: needs --redis-cert-file")
  end
  local link, why = core.open(url, 1, 1, files)
  if not link then
    why = why:gsub(", tls%.ca_path", ""):gsub(", tls%.key_password", ""):gsub("^tls%.(%l+)_file", "--redis-%1-file")
    exit.usage((why:gsub("^tls:", "--redis-ca-file, --redis-cert-file, --redis-key-file:")))
  end
  return files
end

-- The url, and the files of TLS, checked. Ends the command where there is none, or it will not do.
function redis.find(args)
  local url, source = args.redis, "--redis"
  if not url then
    url, source = os.getenv(VARIABLE), VARIABLE
  end
  if not url or url == "" then
    exit.usage("no Redis: give --redis, or set " .. VARIABLE)
  end
  local ok, parsed = pcall(relay.read_url, url, args.allow_http)
  if not ok then
    exit.usage(((tostring(parsed):gsub("^relay%.url", source)):gsub("allow_http = true", "--allow-http")))
  end
  return url, check_files(args, url, parsed)
end

-- A connection for a command that looks, or changes something, and ends.
function redis.connect(args)
  local url, files = redis.find(args)
  return connection.new(url, 5, 15, files)
end

-- Asks; ends the command where Redis does not answer, or refuses.
function redis.call(link, ...)
  local reply, message, code = link:call(...)
  if reply == nil then
    exit.with(exit.of(code), message)
  end
  return reply
end

-- The same, of what may not be there: then nil.
function redis.look(link, ...)
  local reply, message, code, own = link:call(...)
  local is_missing = own and (own:find("no such key", 1, true) or own:find("^NOGROUP"))
  if reply == nil and not is_missing then
    exit.with(exit.of(code), message)
  end
  return reply
end

return redis
