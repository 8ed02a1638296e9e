-- An event's JSON as a list of its attributes, each as it was written, and which of them are sensitive. To read it with
-- lua-cjson and write it again would change numbers and the order.

local json = require("postevent.json")

local body = {}

-- The last byte of the string that begins at the quote.
local function string_end(text, at)
  repeat
    at = text:find('["\\]', at + 1)
    local is_escape = text:byte(at) == 92
    at = is_escape and at + 1 or at
  until not is_escape
  return at
end

-- The last byte of the value that begins there, inside an object.
local function value_end(text, at)
  local depth = 0
  while true do
    local character = text:sub(at, at)
    if character == '"' then
      at = string_end(text, at)
    elseif character:find("[{%[]") then
      depth = depth + 1
    elseif depth == 0 and character:find("[,}]") then
      return at - 1
    elseif character:find("[}%]]") then
      depth = depth - 1
    end
    at = at + 1
  end
end

-- { { name, JSON }, ... }, in the order in which they stand; nil where the text is no JSON object.
function body.split(text)
  if type(json.decode(text)) ~= "table" or not text:find("^%s*{") then
    return nil
  end
  local list = {}
  local at = text:find('["}]')
  while text:sub(at, at) == '"' do
    local stop = string_end(text, at)
    local start = text:find("[^%s]", text:find(":", stop, true) + 1)
    local last = value_end(text, start)
    list[#list + 1] = { (json.decode(text:sub(at, stop))), (text:sub(start, last):gsub("%s+$", "")) }
    at = text:find('["}]', last + 1)
  end
  return list
end

-- The names of the event's attributes that are sensitive, as a set; nil where the event has no definition.
function body.sensitive(definitions, event_name)
  for _, event in ipairs(definitions.events) do
    if event.name == event_name then
      local names = {}
      for _, attribute in ipairs(event.attributes) do
        names[attribute.name] = attribute.sensitive or nil
      end
      return names
    end
  end
end

return body
