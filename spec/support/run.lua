-- Runs busted in the Lua that runs this file: `lua5.1 spec/support/run.lua [busted's options] [spec files]`.
-- busted itself would start a shell and another Lua, and ends with a nil error in 5.1 and 5.2 when a test failed.
local ok, message = pcall(function()
  require "busted.runner" { standalone = false }
end)

if not ok then
  if message ~= nil then
    io.stderr:write(tostring(message), "\n")
  end
  os.exit(1)
end
