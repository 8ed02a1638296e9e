-- What a test has started and who stops it: a stack. The guard (guard.lua) empties it after each test down to where it
-- was before, so what a setup() started lives until its describe ends.
local cleanup = {}
local stack = {}

-- Calls `stop` at the end of the test; what was deferred last is called first. Returns a token for `forget`.
function cleanup.defer(stop)
  stack[#stack + 1] = { stop = stop }
  return stack[#stack]
end

-- The thing has been stopped already.
function cleanup.forget(token)
  for i = #stack, 1, -1 do
    if stack[i] == token then
      table.remove(stack, i)
      return
    end
  end
end

function cleanup.mark()
  return #stack
end

-- Stops what was started since `mark` (everything, without it). Each gets its turn; then the first error is raised.
function cleanup.stop_all(mark)
  local failed
  while #stack > (mark or 0) do
    local ok, message = pcall(table.remove(stack).stop)
    failed = failed or (not ok and message)
  end
  if failed then
    error(failed, 0)
  end
end

return cleanup
