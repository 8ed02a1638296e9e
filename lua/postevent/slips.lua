-- What JSON that cannot be read was probably meant to be: notations that look like it, told by what stands where
-- reading it ended.

-- In this order. `at`: what stands there; `before`: what stands in front of it; `expected`: what was wanted there;
-- `between`: the last line may be without; `name`: of a text that is so in many places; `words`: for the one place.
local SLIPS = {
  { at = "^/[/*]", name = "JSON with comments", words = "JSON has no comments" },
  { at = "^#", name = "JSON with comments", words = "JSON has no comments" },
  { at = "^[}%]]", before = ",%s*$", name = "JSON with a comma behind the last member",
    words = "there is no comma behind the last member" },
  { at = "^'", name = "JSON with single quotes", words = "text stands in double quotes" },
  { at = "^\226\128[\152-\159]", name = "JSON with typographic quotes", words = 'text stands in plain quotes: "' },
  { at = "^True%f[^%w_]", name = "Python's notation", words = "it is written true" },
  { at = "^False%f[^%w_]", name = "Python's notation", words = "it is written false" },
  { at = "^None%f[^%w_]", name = "Python's notation", words = "it is written null" },
  { at = "^undefined%f[^%w_]", name = "JavaScript", words = "it is written null" },
  { at = "^[-+]?[Nn]a[Nn]%f[^%w_]", name = "JSON with NaN", words = "JSON has no such number" },
  { at = "^[-+]?Infinity%f[^%w_]", name = "JSON with Infinity", words = "JSON has no such number" },
  { at = "^[%a_$][%w_$]*%s*=[^=]", name = "Lua", expected = "object key", words = 'a name is written "name":' },
  { at = "^%[[\"']", name = "Lua", expected = "object key", words = 'a name is written "name":' },
  { at = "^[%a_$][%w_$]*%s*:", name = "JavaScript", expected = "object key", words = "a name stands in double quotes" },
  { at = "^{", expected = "the end", name = "several JSON values on a line",
    words = "a second value; JSON Lines have one on each line" },
  { at = "^,%s*$", expected = "the end", name = "JSON Lines with commas between them", between = true,
    words = "there is no comma behind a line" },
}

local FAR = 200 -- bytes that are looked at on either side

-- The one of these in a text of which reading ended at `at` with lua-cjson's `problem`; or nil.
return function(text, at, problem)
  local ahead, before = text:sub(at, at + FAR), text:sub(math.max(1, at - FAR), at - 1)
  for _, slip in ipairs(SLIPS) do
    if ahead:find(slip.at) and before:find(slip.before or "") and problem:find(slip.expected or "", 1, true) then
      return slip
    end
  end
end
