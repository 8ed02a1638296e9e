-- One fault: read from a text ("status=503,share=0.3") or from a table of the same keys, and checked. Pure; what it
-- does then is in faults.lua and fault_answers.lua.

local keys = require "postevent.sandbox.fault_keys"
local printable = require "postevent.printable"
local scalar = require "postevent.sandbox.scalar"

local fault = {}

-- Of each of these lists a fault has at most one.
local ONE_OF = { { "status", "code", "html", "unauthorized" }, { "drop", "stall", "trickle" } }

-- What makes a fault of it.
local HAPPENS = { "status", "code", "html", "unauthorized", "delay", "drop", "stall", "trickle" }

-- What is not known before the event is read.
local NEEDS_EVENT = { "event", "customer", "one", "taken", "status", "code", "html", "unauthorized", "delay" }

local function list_of(names, fields)
  local found = {}
  for _, name in ipairs(names) do
    if fields[name] ~= nil then found[#found + 1] = name end
  end
  return found
end

--- A name of somebody's, as a message shows it.
function fault.shown(name)
  return type(name) == "string" and printable.line(name:sub(1, 50)) or "a " .. type(name)
end

-- The client's module knows which word was meant; it is loaded for nothing else here.
local function unknown(name)
  local near = type(name) == "string" and require("postevent.options.words").nearest(name, keys.names)
  return ("%s: no key of a fault%s"):format(fault.shown(name), near and (", did you mean %s?"):format(near) or "")
end

-- ", got ...", and which word was meant.
local function got(key, value)
  local words = require("postevent.options.words")
  local names = {}
  for word in pairs(key.words or {}) do
    names[#names + 1] = word
  end
  table.sort(names)
  local meant = words.meant(value, names)
  return (", got %s%s"):format(words.describe(value, { type = "text" }), meant and (" (%s)"):format(meant) or "")
end

local function check_values(fields)
  for name, value in pairs(fields) do
    local key = keys.names[name]
    if not key then return unknown(name) end
    local problem = keys.problem(key, value)
    if problem then return ("%s: %s%s"):format(name, problem, got(key, value)) end
  end
end

local function check_together(fields)
  for _, names in ipairs(ONE_OF) do
    local found = list_of(names, fields)
    if found[2] then return ("%s: not together with %s"):format(found[2], found[1]) end
  end
  if not list_of(HAPPENS, fields)[1] then
    return "nothing happens: expected one of " .. table.concat(HAPPENS, ", ")
  end
  local stranger = not fields.status and list_of({ "retry_after", "body" }, fields)[1]
  if stranger then return stranger .. ": goes with status" end
  local late = fields.drop == "before" and list_of(NEEDS_EVENT, fields)[1]
  if late then return late .. ": not known before the event is read (drop=before)" end
end

--- The fault of a table of keys; or nil and what is wrong, which begins with the key. The table is not kept.
function fault.check(given)
  if type(given) ~= "table" then return nil, "expected text or a table" end
  local fields = {}
  for name, value in pairs(given) do
    local is_flag = keys.names[name] and keys.names[name].kind == "flag"
    if value ~= false or not is_flag then fields[name] = value end
  end
  local problem = check_values(fields) or check_together(fields)
  if problem then return nil, problem end
  return fields
end

local function read_value(key, text)
  if key.kind ~= "text" then text = text:match("^%s*(.-)%s*$") end
  if key.kind == "integer" or key.kind == "number" then return tonumber(text) or text end
  local is_boolean = key.kind == "flag" or key.kind == "boolean"
  if is_boolean and (text == "true" or text == "false") then return text == "true" end
  return text
end

-- A key behind the body, which was meant as one: "status=500,body=oops,times=2".
local function key_in_body(body)
  for name in body:gmatch(",%s*([%l_]+)%s*%f[=,]") do
    if keys.names[name] then return name end
  end
  local last = body:match(",%s*([%l_]+)%s*$")
  return keys.names[last or ""] and last
end

local function add_part(given, part)
  local name, value = part:match("^%s*([^=]-)%s*=(.*)$")
  name = name or part:match("^%s*(.-)%s*$")
  local key = keys.names[name]
  if given[name] ~= nil then return name .. ": given twice" end
  if not key then return unknown(name) end
  if not value and key.kind ~= "flag" then return ("%s: expected %s=..."):format(name, name) end
  local swallowed = name == "body" and key_in_body(value)
  if swallowed then return ("body: takes all that is behind it, %s too; it comes last"):format(swallowed) end
  given[name] = value == nil or read_value(key, value)
end

--- The keys in a text, `key=value` behind commas (a flag is its key alone, `body` is the last), a table that may be no
-- fault; or nil and what is wrong.
function fault.read(text)
  local given, rest = {}, text
  while rest do
    local part, behind = rest, nil
    if not rest:find("^%s*body%s*=") then
      part, behind = rest:match("^([^,]*),(.*)$")
    end
    local problem = add_part(given, part or rest)
    if problem then return nil, problem end
    rest = behind
  end
  return given
end

--- The fault that a text describes; or nil and what is wrong.
function fault.parse(text)
  local given, problem = fault.read(text)
  if not given then return nil, problem end
  return fault.check(given)
end

--- The text of a fault, which parses to the same.
function fault.text(fields)
  local parts = {}
  for _, key in ipairs(keys) do
    local value = fields[key.name]
    if value ~= nil then
      local shown = type(value) == "number" and scalar.text(value) or tostring(value)
      parts[#parts + 1] = key.kind == "flag" and key.name or key.name .. "=" .. shown
    end
  end
  return table.concat(parts, ",")
end

return fault
