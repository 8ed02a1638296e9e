-- nginx is known to postevent.resty and to postevent.phase alone: all else runs without it.
local helper = require "support.helper"

-- The files below `directory` that name ngx outside of their comments, as `resty/x.lua`, sorted.
local function that_know_nginx(directory)
  local _, paths = helper.run { "find", directory, "-name", "*.lua" }
  local list = {}
  for path in paths:gmatch "[^\n]+" do
    local code = helper.read_file(path):gsub("%-%-[^\n]*", "")
    if code:find "%f[%w_]ngx%f[^%w_]" then
      list[#list + 1] = path:sub(#directory + 2)
    end
  end
  table.sort(list)
  return list
end

describe("ngx", function()
  helper.guard()

  it("is known to postevent.resty and postevent.phase alone", function()
    for _, name in ipairs(that_know_nginx "lua/postevent") do
      assert.is_true(name == "phase.lua" or name == "resty.lua" or name:find "^resty/" ~= nil, name .. " knows ngx")
    end
  end)

  it("is found where it is planted", function()
    local directory = helper.new_directory()
    for name, text in pairs {
      ["a.lua"] = "local now = ngx.now()\n", ["b.lua"] = 'local x = rawget(_G, "ngx")\n',
      ["c.lua"] = "-- not ngx\nlocal nginx = 1\n",
    } do
      local file = assert(io.open(directory .. "/" .. name, "w"))
      file:write(text)
      file:close()
    end
    assert.same({ "a.lua", "b.lua" }, that_know_nginx(directory))
  end)
end)
