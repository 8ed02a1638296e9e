-- The text of a JSON object, member by member: what is left of it stays as it was written.

local json = require("postevent.json")
local lpeg = require("postevent.native")("lpeg", "lpeg")

local object = {}

local C, Ct, P, S, V = lpeg.C, lpeg.Ct, lpeg.P, lpeg.S, lpeg.V

-- Text, and what is in brackets: of JSON that was read. Of a value all that is not a comma or the object's end.
object.text = '"' * ((1 - S '"\\') + P "\\" * 1) ^ 0 * '"'
object.nested = P { "value",
  value = "{" * V "inside" * "}" + "[" * V "inside" * "]",
  inside = (object.text + V "value" + (1 - S '{}[]"')) ^ 0,
}

local blank = S " \t\r\n" ^ 0
local member = Ct(C(blank * C(object.text) * blank * ":" * (object.text + object.nested + (1 - S ',{}[]"')) ^ 0))
local members = blank * "{" * Ct(member * ("," * member) ^ 0) * "}" * blank * -1

-- The name that a member's quoted text is.
local function name_of(quoted)
  return (json.decode("[" .. quoted .. "]") or {})[1]
end

-- The object without the members of these names, a set; as it is where it has none of them, or is no object.
function object.without(raw, names)
  local ok, found = pcall(members.match, members, raw)
  local kept, has_any = {}, false
  for _, each in ipairs(ok and found or {}) do
    local is_named = names[name_of(each[2])]
    has_any = has_any or is_named
    kept[#kept + 1] = not is_named and each[1] or nil
  end
  return has_any and "{" .. table.concat(kept, ",") .. "}" or raw
end

return object
