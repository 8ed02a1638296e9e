-- Event definitions as the platform's API sends them, for specs that need others than spec/vectors/definitions.json.
local cjson = require "cjson"
local files = require "support.files"

local platform = {}

-- A field; `attributes` are the platform's: { regex =, isRequired =, possibleValues = ... }.
function platform.field(name, kind, attributes)
  return { name = name, type = kind, attributes = attributes }
end

platform.customer = platform.field("c", "CUSTOMER")

-- A file with the reply of GET /v2/events, of a list of { name, field..., status =, label = }: its path.
function platform.file(events)
  local metas = {}
  for i, event in ipairs(events) do
    metas[i] = { eventName = event[1], fields = {}, status = event.status, label = event.label }
    for j = 2, #event do
      metas[i].fields[j - 1] = event[j]
    end
  end
  return files.write(files.new_path "definitions.json", cjson.encode { data = metas, warnings = { "x" } })
end

return platform
