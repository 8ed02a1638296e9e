-- busted's output handler: a dot for each test, each failure at once and in full, a summary; and for tools/test a line
-- "passed failed errors pending" in the file that POSTEVENT_RESULTS names (in FILE.running the test that runs, for the
-- one that took the process down; in FILE.failed the spec files in which something failed; in FILE.times the seconds
-- that each took).
local SLOW = 1 -- seconds from which a test is named as slow
local WIDTH = 100

local function write_file(path, text)
  local file = io.open(path, "w")
  if file then
    file:write(text)
    file:close()
  end
end

local function where(entry)
  local trace = entry.element.trace or entry.trace
  if type(trace) == "table" and trace.short_src then
    return ("%s:%s"):format(trace.short_src, tostring(trace.currentline))
  end
  return "?"
end

return function(options)
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()
  local results = os.getenv "POSTEVENT_RESULTS"
  local column = 0
  local last -- the test that ended last
  local slow, shown, failed, times = {}, { failures = 0, errors = 0 }, {}, {}

  local function write(text)
    io.stdout:write(text)
    io.stdout:flush()
  end

  local function new_line()
    if column > 0 then
      write "\n"
      column = 0
    end
  end

  local function mark(character)
    write(character)
    column = column + 1
    if column == WIDTH then
      new_line()
    end
  end

  -- Notes the spec file, once.
  local function note_file(element)
    while element and element.descriptor ~= "file" do
      element = busted.parent(element)
    end
    if element and not failed[element.name] then
      failed[element.name] = true
      failed[#failed + 1] = element.name
    end
  end

  local function show(kind, entry)
    local message = entry.message
    new_line()
    if type(message) ~= "string" then
      message = message == nil and "nil error" or require("pl.pretty").write(message)
    end
    local name = entry.name
    if entry.element.descriptor == "after_each" and last then
      name = ("%s, after the test: %s"):format(name, last.name)
    end
    write(("%s: %s\n  %s\n  %s\n"):format(kind, name, where(entry), (message:gsub("\n", "\n  "))))
    if type(entry.trace) == "table" and entry.trace.traceback and (options.verbose or entry.isError) then
      write(("  %s\n"):format((entry.trace.traceback:gsub("^%s+", ""):gsub("\n", "\n  "))))
    end
  end

  -- What base has gathered since the last time.
  local function show_new()
    for _, kind in ipairs { "failures", "errors" } do
      for i = shown[kind] + 1, #handler[kind] do
        show(kind == "failures" and "FAILED" or "ERROR", handler[kind][i])
      end
      shown[kind] = #handler[kind]
    end
  end

  handler.testStart = function(element)
    if results then
      write_file(results .. ".running", handler.getFullName(element))
    end
    return nil, true
  end

  handler.testEnd = function(element, _, status)
    last = { name = handler.getFullName(element), passed = status == "success" }
    show_new()
    if status == "success" then
      mark "."
    elseif status == "pending" then
      mark "s"
    end
    if element.duration and element.duration > SLOW then
      slow[#slow + 1] = ("%.1f s: %s"):format(element.duration, handler.getFullName(element))
    end
    return nil, true
  end

  handler.fileEnd = function(element)
    times[#times + 1] = ("%.1f %s\n"):format(element.duration or 0, element.name)
    return nil, true
  end

  -- An error after the test's end, in an after_each (a leak): the test has not passed.
  handler.error = function(element)
    note_file(element)
    if element.descriptor == "after_each" and last and last.passed then
      last.passed = false
      handler.successesCount = handler.successesCount - 1
    end
    if element.descriptor ~= "it" then
      show_new()
    end
    return nil, true
  end

  handler.suiteEnd = function()
    new_line()
    show_new()
    for _, pending in ipairs(handler.pendings) do
      local message = pending.message
      write(("skipped: %s%s\n"):format(pending.name, type(message) == "string" and ": " .. message or ""))
    end
    for _, line in ipairs(slow) do
      write(("slow: %s\n"):format(line))
    end
    write(("%d passed, %d failed, %d errors, %d skipped in %.1f s\n"):format(handler.successesCount,
      handler.failuresCount, handler.errorsCount, handler.pendingsCount, handler.getDuration()))
    if results then
      write_file(results, ("%d %d %d %d\n"):format(handler.successesCount, handler.failuresCount, handler.errorsCount,
        handler.pendingsCount))
      write_file(results .. ".failed", table.concat(failed, "\n"))
      write_file(results .. ".times", table.concat(times))
      os.remove(results .. ".running")
    end
    return nil, true
  end

  busted.subscribe({ "test", "start" }, handler.testStart)
  busted.subscribe({ "test", "end" }, handler.testEnd, { predicate = handler.cancelOnPending })
  busted.subscribe({ "file", "end" }, handler.fileEnd)
  busted.subscribe({ "error" }, handler.error)
  busted.subscribe({ "failure" }, handler.error)
  busted.subscribe({ "suite", "end" }, handler.suiteEnd)

  return handler
end
