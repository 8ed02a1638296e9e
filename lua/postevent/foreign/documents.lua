-- JSON in other shapes than the one that was wanted, and what is nearly JSON.

local json = require("postevent.json")

-- Whether a text is JSON as far as it goes: nothing is wrong with it but that it ends. The second result: it is whole.
local function is_json(text)
  local _, message = json.decode(text)
  return not message or message:find("found the end$") ~= nil, not message
end

-- Whether the text begins with an object or an array of several lines: its first line is the beginning of one, and the
-- next goes on with it. Behind a line that was cut off the next begins anew; nobody breaks a line behind a colon.
local function is_pretty(text)
  local first, second = text:match("^%s*([{%[][^\n]*)\n%s*([^\n]*)")
  if not first or second == "" or (first:find(":%s*$") and second:find("^{")) then
    return false
  end
  local has_begun, is_whole = is_json(first)
  return has_begun and not is_whole and (is_json(first .. "\n" .. second))
end

-- The member of an object that holds events, where that is all that it is: {"events":[{"event_name": ...
local function find_member(text)
  local head, name, first = text:match('^%s*({[^%[%]{}]*)"([%w_.-]+)"%s*:%s*%[%s*({[^{}]*)')
  if head and not head:find('"event_name"', 1, true) and first:find('"event_name"%s*:') then
    return name
  end
end

-- The platform's definitions, in any of its forms.
local function is_definitions(text)
  return text:find('"[%a]*lickEventsMeta"%s*:') or (text:find('"eventName"%s*:') and text:find('"fields"%s*:'))
end

-- Whether a line behind the first is an object of its own, and begins as a line of JSON Lines does: then the first was
-- cut off.
local function has_whole(lines)
  for i = 2, #lines do
    if lines[i].is_object and lines[i].text:find("^{") then
      return true
    end
  end
end

-- Of a text that begins as an object or an array of JSON does. `begun`: all of it is JSON, as far as it goes.
local function find_shape(text, lines, begun)
  local is_spread = is_pretty(text) and not (text:find("^%s*{") and has_whole(lines))
  local is_array = text:find('^%s*%[%s*{%s*["}]') or (is_spread and text:find("^%s*%["))
  local member = find_member(text)
  if (is_spread or not lines[2] or is_array) and is_definitions(text) then
    return { name = "event definitions" }
  elseif member then
    return { name = "JSON that has the events in a list", command = begun and ("jq -c '.%s[]'"):format(member) }
  elseif is_array then
    return { name = "a JSON array", command = begun and text:find("^%s*%[%s*{") and "jq -c '.[]'",
      one = begun and "jq -c '.[0]'" }
  elseif is_spread then
    return { name = "JSON over several lines", command = begun and "jq -c ." }
  end
end

-- The text behind the comments that it begins with.
local function skip_comments(text)
  local before
  repeat
    before = text
    text = text:gsub("^%s+", ""):gsub("^//[^\n]*", ""):gsub("^#[^\n]*", ""):gsub("^/%*.-%*/", "")
  until text == before
  return text
end

-- Of one that goes over several lines, and has a slip in one of them. A line that closes is one of JSON Lines; what is
-- behind comments may be no JSON at all.
local function find_slip(text, lines)
  local first = text:match("^%s*([{%[/#][^\n]*)\n")
  local _, message, slip = json.decode(text)
  if not first or first:find("[}%]],?%s*$") or not slip or slip.expected == "the end" then
    return nil
  end
  local rest = first:find("^[/#]") and skip_comments(text)
  local _, _, more = json.decode(rest or "")
  if rest and (lines.objects > 0 or not rest:find("^[{%[]") or not (is_json(rest) or more)) then
    return nil
  end
  return { name = slip.name, line = tonumber(message:match("^line (%d+)")) }
end

local REPAIRS = { ["JSON Lines with commas between them"] = "sed 's/,[[:space:]]*$//'",
  ["several JSON values on a line"] = "jq -c ." }

-- Of several lines of which most are no object, and all for the same reason.
local function find_common_slip(lines)
  local spoilt, slip, at = 0, nil, nil
  for _, line in ipairs(lines) do
    if not line.is_object then
      if not line.slip or (slip and line.slip.name ~= slip.name) then
        return nil
      end
      spoilt, slip, at = spoilt + 1, line.slip, at or line.number
    end
  end
  if slip and (spoilt > 1 and spoilt * 2 >= #lines or slip.between and spoilt > 0 and spoilt == #lines - 1) then
    return { name = slip.name, command = REPAIRS[slip.name], line = at }
  end
end

-- The kind of a text that is JSON, but maybe not as it was wanted, or would be but for a slip; nil: it is neither.
-- `lines`: the first of it, each { text =, number =, is_object =, slip = }.
return function(text, lines)
  local begun = is_json(text)
  return not begun and find_slip(text, lines) or find_shape(text, lines, begun) or find_common_slip(lines)
    or (lines.objects > 1 and lines[1].is_object and { name = "JSON Lines", one = "head -n 1" }) or nil
end
