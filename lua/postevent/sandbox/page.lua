-- The page, for those who want to see what arrives: serves the files of the folder page/ as they are.

local page = {}

local TYPES = { css = "text/css", html = "text/html", js = "text/javascript", svg = "image/svg+xml" }

local FOLDER = debug.getinfo(1, "S").source:match("^@(.*)%.lua$") .. "/"

-- Nothing comes from elsewhere, and nobody else shows it in a frame. It is never cached: who has installed another
-- version is to see that one.
local HEADERS = {
  ["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  ["X-Content-Type-Options"] = "nosniff", ["Referrer-Policy"] = "no-referrer", ["Cache-Control"] = "no-store",
}

local function read(name)
  local file = io.open(FOLDER .. name, "rb")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

-- A name has no slash, and one dot: there is no way out of the folder.
local function name_of(path)
  if path == "/" then return "index.html" end
  return path:match("^/page/([%l%d_-]+%.%l+)$")
end

--- The methods of a path of the page's, as in routes.lua; or nil.
function page.methods_of(path)
  local name = name_of(path)
  local kind = name and TYPES[name:match("%l+$")]
  local text = kind and read(name)
  return text and { GET = function()
    local headers = { ["Content-Type"] = kind .. "; charset=utf-8" }
    for header, value in pairs(HEADERS) do
      headers[header] = value
    end
    return 200, text, headers
  end }
end

return page
