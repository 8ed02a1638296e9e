-- The Authorization header's value: where it comes from, and that it is never shown.

local ascii = require("postevent.ascii")
local exit = require("postevent.cli.exit")
local input = require("postevent.cli.input")

local credential = {}

local VARIABLE = "POSTEVENT_AUTHORIZATION"
local TOKEN_VARIABLE = "POSTEVENT_TOKEN"
local LEAST_HIDDEN = 6 -- what is shorter is no secret, and every text is full of it

-- From the command line (`args`), or else from the environment; nil when there is none. The second result names where
-- it came from, for messages.
function credential.find(args)
  local value, source = args.authorization, "--authorization"
  if args.authorization_file then
    source = "--authorization-file"
    value = input.read(source, args.authorization_file, true):gsub("[\r\n]+$", "")
  end
  if value then
    credential.check(value, source)
    return value, source
  end
  value = os.getenv(VARIABLE)
  if value == "" then
    value = nil
  end
  return value, VARIABLE
end

-- The token of the platform's read side, from a file that is named on the command line, or else from the environment.
-- The second result names where it came from. nil: there is none, or another credential is on the command line.
function credential.find_token(args)
  if args.token_file then
    local token = input.read("--token-file", args.token_file, true):gsub("[\r\n]+$", "")
    if token == "" then
      exit.usage("--token-file: empty")
    end
    return token, "--token-file"
  end
  local token = not args.authorization and not args.authorization_file and os.getenv(TOKEN_VARIABLE)
  return token and token ~= "" and token or nil, TOKEN_VARIABLE
end

-- Ends the command where a variable of the shell was empty, or where quotes are missing: in --authorization Basic abc==
-- the rest would become an attribute of the event.
function credential.check(value, source)
  if value == "" then
    exit.usage(source .. ": empty")
  end
  if ascii.lower(value) == "basic" or ascii.lower(value) == "bearer" then
    exit.usage(source .. ": only the scheme; put the whole value in quotes")
  end
end

-- Whether the name of an attribute is a credential in the wrong place.
function credential.is_misplaced(name)
  name = ascii.lower(name)
  return name:find("^authorization:") or name:find("^basic%s") or name:find("^bearer%s")
end

local function replace(text, secret)
  if #secret < LEAST_HIDDEN then
    return text
  end
  return (text:gsub(secret:gsub("%W", "%%%0"), "***"))
end

-- `text` without the credential `value` (nil: there is none): a server may have sent it back.
function credential.hide(text, value)
  if not value then
    return text
  end
  return replace(replace(text, value), value:match("%s(%S+)%s*$") or value)
end

return credential
