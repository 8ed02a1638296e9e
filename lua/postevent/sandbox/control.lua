-- How faults are turned on and off while the sandbox runs: /sandbox/faults, /sandbox/scenario, /sandbox/answers.

local cjson = require "cjson.safe"
local fault = require "postevent.sandbox.fault"
local json = require "postevent.sandbox.json"
local replies = require "postevent.sandbox.replies"
local scenarios = require "postevent.sandbox.scenarios"

local control = {}

local NOT_AN_OBJECT = "expected a JSON object"

local encoder = cjson.new()

-- The object of a body; or nil and what is wrong with it.
local function read_object(body)
  local object = json.object(body)
  if not object or object[1] then return nil, NOT_AN_OBJECT end
  local name = json.repeated_name(body)
  if name then return nil, fault.shown(name) .. ": given twice" end
  return object
end

-- A fault as JSON: its keys, and what became of it.
local function to_json(one)
  local shown = { id = one.id, fault = one.text, met = one.met, over = one.over, shadowed = one.shadowed }
  for name, value in pairs(one.fields) do
    shown[name] = value
  end
  return encoder.encode(shown)
end

--- GET /sandbox/faults: the seed, and all faults, those too that are over.
function control.list(context)
  local list = {}
  for i, one in ipairs(context.faults:list()) do
    list[i] = to_json(one)
  end
  return replies.json(200, ('{"seed":%d,"faults":[%s]}'):format(context.faults.seed, table.concat(list, ",")))
end

-- Turns one on, and says from what it draws where it is the first: a run that went wrong is to be repeated.
local function turn_on(context, fields)
  local id, full = context.faults:add(fields)
  if id == 1 then context.faults:announce(context.log) end
  return id, full
end

--- POST /sandbox/faults: turns one on, an object of its keys.
function control.add(context, _, body)
  local object, problem = read_object(body)
  local fields = nil
  if object then fields, problem = fault.check(object) end
  if not fields then return replies.message(400, problem) end
  local id, full = turn_on(context, fields)
  if not id then return replies.message(409, full) end
  return replies.json(200, ('{"id":%d,"fault":%s}'):format(id, json.text(fault.text(fields))))
end

-- All off, and these on instead.
local function replace(context, faults)
  context.faults:clear()
  for _, fields in ipairs(faults) do
    turn_on(context, fields)
  end
  return control.list(context)
end

--- GET /sandbox/scenario: which there are.
function control.scenarios()
  return replies.json(200, encoder.encode { scenarios = scenarios.list() })
end

--- GET /sandbox/answers: the statuses and the codes that a fault may answer with as the platform does.
function control.answers()
  return replies.json(200, encoder.encode(replies.known()))
end

--- POST /sandbox/scenario: { "name": ... } turns that on, in place of all faults. Answers as control.list.
function control.play(context, _, body)
  local object, problem = read_object(body)
  local faults = nil
  if object then faults, problem = scenarios.check(object) end
  if not faults then return replies.message(400, problem) end
  return replace(context, faults)
end

--- DELETE /sandbox/faults: turns all off.
function control.clear(context)
  context.faults:clear()
  return replies.json(200, "{}")
end

--- DELETE /sandbox/faults/3: turns that one off. `id`: a text, whatever stands there.
function control.remove(context, id)
  if id:find("^%d+$") and context.faults:remove(tonumber(id)) then return replies.json(200, "{}") end
  return replies.message(404, "no fault has the id " .. fault.shown(id))
end

return control
