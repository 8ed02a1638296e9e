-- The platform's read side, as far as the command asks it: definitions, the log of events. The options that say where
-- it is and as whom to ask, and documents in answer to questions.

local core = require("postevent.native")("postevent.core")
local credential = require("postevent.cli.credential")
local exit = require("postevent.cli.exit")
local json = require("postevent.json")
local output = require("postevent.cli.output")
local target = require("postevent.cli.target")

local platform = {}

local CLUSTER = "https://%s.api.capillarytech.com"
local TOKEN_HEADER = "X-CAP-API-OAUTH-TOKEN"
local VARIABLE = "POSTEVENT_API"

-- The codes of the module are about posts.
local WORDS = {
  unreachable = "the platform could not be reached", tls = "no secure connection could be made",
  timeout = "time ran out", interrupted = "the connection broke", no_memory = "out of memory",
  unauthorized = "the credentials were not accepted", rate_limited = "the platform asks to ask more slowly",
  endpoint = "there is nothing of the kind at this address", rejected = "the platform refuses the question",
  unavailable = "the platform cannot answer now", bad_reply = "the answer is not the platform's",
}

local Platform = {}
Platform.__index = Platform

-- Adds the options of where and as whom.
function platform.define(command)
  command:mutex(
    command:option("--cluster", "The platform's cluster of your organisation: https://NAME.api.capillarytech.com.")
      :argname("NAME"):overwrite(false),
    command:option("--api", "The address of the platform's read side, in place of --cluster. Default: $POSTEVENT_API.")
      :argname("URL"):overwrite(false))
  command:mutex(
    command:option("--token-file", "Read an OAuth token from FILE (-: stdin), which is sent as " .. TOKEN_HEADER
      .. ". Default: $POSTEVENT_TOKEN."):argname("FILE"):overwrite(false),
    target.define_credentials(command))
  target.define_timeout(command, "Give up after so many seconds (15) for each question, retries included.")
  target.define_way(command)
end

local function find_api(args)
  if args.cluster then
    if not args.cluster:find("^[%w-]+$") then
      exit.usage("--cluster: expected letters, digits and -; an address is given as --api")
    end
    return CLUSTER:format(args.cluster), "--cluster"
  end
  local url, source = args.api or os.getenv(VARIABLE), args.api and "--api" or VARIABLE
  if not url or url == "" then
    exit.usage("no platform to ask: give --cluster or --api, or set " .. VARIABLE)
  end
  return url, source
end

-- The address in front of the paths. Ends the command for one that cannot be it.
local function read_base(url, source)
  local start, path = url:match("^(%w+://[^/?#]*)([^?#]*)$")
  if not start then
    local parsed, why = core.check_url(url)
    exit.usage(("%s: %s"):format(source, parsed and "must not have a query" or why))
  end
  return start, (path:gsub("/+$", ""):gsub("/v2/events$", ""))
end

-- The settings of a reader, checked as a client's are. Ends the command where they will not do.
local function check_settings(args, url, found, sources)
  -- For the checks a token is a credential as any other is.
  local given = { url = url, authorization = found.token and "OAuth " .. found.token or found.authorization,
    timeout = args.timeout }
  target.set_way(args, given)
  local ok, settings = pcall(require("postevent.options").check, given)
  if not ok then
    exit.usage(target.translate(settings, sources))
  end
  if found.token then
    settings.authorization, settings.headers = false, { TOKEN_HEADER .. ": " .. found.token }
  end
  return settings
end

-- Who answers, for the arguments of a command that has the options of platform.define. Ends the command where they will
-- not do.
function platform.new(args)
  local found, sources = {}, {}
  found.url, sources.url = find_api(args)
  found.token, sources.authorization = credential.find_token(args)
  if not found.token then
    found.authorization, sources.authorization = credential.find(args)
  end
  local start, path = read_base(found.url, sources.url)
  local settings = check_settings(args, start .. "/", found, sources)
  local ok, reader = pcall(core.reader, settings)
  if not ok then
    exit.usage(target.translate(reader, sources))
  end
  return setmetatable({ _reader = reader, _start = start, _path = path }, Platform)
end

local function escape(text)
  return (text:gsub("[^%w._~-]", function(character)
    return ("%%%02X"):format(character:byte())
  end))
end

-- { { "event_name", "x" } } -> "event_name=x"; none: nil
local function write_query(list)
  local parts = {}
  for i, item in ipairs(list) do
    parts[i] = escape(item[1]) .. "=" .. escape(tostring(item[2]))
  end
  return parts[1] and table.concat(parts, "&")
end

-- "HTTP 503: Service Unavailable", "Connection refused": what is known beyond the code.
local function describe(status, text)
  text = text and status == 0 and text:match("^[^:]*: (.*)$") or text
  local parts = { status > 0 and ("HTTP %d"):format(status) or nil }
  parts[#parts + 1] = text
  return table.concat(parts, ": ")
end

-- A text in a document, without the credential, however the platform has written that.
function Platform:hide(text)
  return self._reader:hide(text)
end

-- Ends the command: this question was not answered. What is no answer of the platform's is no portal's page here: the
-- address is wrong.
function Platform:fail(path, code, message)
  exit.with(code == "bad_reply" and exit.FAILED or exit.of(code),
    output.printable(("%s%s: %s"):format(self._start .. self._path, path, message)))
end

-- What went wrong, in the words of reads.
local function explain(code, status, known, wait)
  return ("%s%s (%s)%s"):format(WORDS[code], status == 403 and ", or the path is wrong" or "", describe(status, known),
    wait > 0 and ("; it asks to wait %d seconds"):format(math.ceil(wait)) or "")
end

-- What a document says beside its data: texts, whatever form they have; a list of them, or one.
local function list_texts(self, value)
  local texts, is_one = {}, type(value) == "table" and (value.message or value.code)
  for i, item in ipairs(is_one and { value } or type(value) == "table" and value or {}) do
    texts[i] = self:hide(tostring(type(item) == "table" and (item.message or item.code) or item))
  end
  return texts
end

-- Ends the command where the document says that something is wrong.
local function heed(self, path, document)
  local errors = list_texts(self, document.errors)
  if errors[1] then
    self:fail(path, "rejected", table.concat(errors, "; "))
  end
  for _, warning in ipairs(list_texts(self, document.warnings)) do
    output.warn(warning)
  end
end

-- Asks for "/v2/events", with a list of { name, value }. Returns the text of the answer and the document in it; or nil
-- where the platform says that there is nothing of the kind: 404, and with `may_refuse` 400. Ends the command where it
-- does not say.
function Platform:ask(path, query, may_refuse)
  local text, code, status, known, wait = self._reader:get(self._path .. path, write_query(query))
  if not text and (status == 404 or (status == 400 and may_refuse)) then
    return nil
  elseif not text then
    self:fail(path, code, explain(code, status, known, wait))
  end
  local document, message = json.decode(text)
  if type(document) ~= "table" then
    self:fail(path, "bad_reply", ("%s (%s)"):format(WORDS.bad_reply, message or "JSON, but no object"))
  end
  heed(self, path, document)
  return text, document
end

function Platform:close()
  self._reader:close()
end

return platform
