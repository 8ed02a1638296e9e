-- Which dead events are meant: by id, by code, or all. What `spool retry` and `relay dead retry` have in common.

local exit = require("postevent.cli.exit")
local output = require("postevent.cli.output")

local choice = {}

-- `ids`: what an id may be.
function choice.define(command, ids)
  command:argument("id", ids):args("*"):argname("ID")
  command:flag("--all", "All of them.")
  command:option("--code", "Those that ended with CODE: rejected, expired, ... May be given again."):argname("CODE")
    :count("*")
end

-- Ends the command where it is not said, or in two ways.
function choice.check(args)
  local ways = (args.id[1] and 1 or 0) + (args.all and 1 or 0) + (args.code[1] and 1 or 0)
  if ways ~= 1 then
    exit.usage("say which: ID ..., --all, or --code CODE")
  end
end

local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do
    set[item] = true
  end
  return set
end

-- Returns a function that says whether a dead letter is meant (`reference`: what one without an id is called); the ids
-- that were not met yet; and the codes that were met, as sets.
function choice.of(args)
  local codes, ids, missing, met = set_of(args.code), set_of(args.id), set_of(args.id), {}
  return function(event, reference)
    missing[event.id or reference], missing[reference] = nil, nil
    met[event.code or event.outcome or "none"] = true
    return args.all or codes[event.code or false] or codes[event.outcome or false]
      or ids[event.id or reference] or ids[reference]
  end, missing, met
end

-- "; there are expired, timeout"
function choice.describe(met)
  local codes = {}
  for code in next, met do
    codes[#codes + 1] = output.printable(code)
  end
  table.sort(codes)
  return codes[1] and "; there are " .. table.concat(codes, ", ") or ""
end

return choice
