-- The clients of resty.get, by the key of their options: the hundred that were asked for last, and of those, when
-- another comes, the ones of the last ten minutes.

local ngx = ngx

local kept = {}

local MOST, SECONDS = 100, 600

local entries = {} -- key -> { client =, used = number of the last find or keep, at = its time }
local count, calls = 0, 0

local function drop(key)
  entries[key] = nil
  count = count - 1
end

-- Those are dropped that nobody asked for in ten minutes (a route that is gone, credentials that were replaced), and of
-- a hundred the one that was not asked for the longest.
local function make_room()
  local now, oldest = ngx.now(), nil
  for key, entry in pairs(entries) do
    if now - entry.at > SECONDS then
      drop(key)
    else
      oldest = oldest and entries[oldest].used < entry.used and oldest or key
    end
  end
  if count >= MOST then
    drop(oldest)
  end
end

local function use(entry)
  calls = calls + 1
  entry.used, entry.at = calls, ngx.now()
  return entry.client
end

-- The client of that key; nil where there is none, or it is closed.
function kept.find(key)
  local entry = entries[key]
  return entry and entry.client:_life() == "open" and use(entry) or nil
end

-- Keeps a client, in the place of one of the same key. Returns it.
function kept.keep(key, client)
  if not entries[key] then
    make_room()
    count = count + 1
  end
  entries[key] = { client = client }
  return use(entries[key])
end

return kept
