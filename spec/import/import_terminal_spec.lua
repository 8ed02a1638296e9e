-- What is seen of an import while it runs: in a real terminal, and where there is none.
local cjson = require "cjson"
local children = require "support.children"
local command = require "support.command"
local helper = require "support.helper"
local importing = require "support.importing"
local terminal = require "support.terminal"

local LINES = 5000

describe("postevent import on a terminal", function()
  helper.guard()
  local sandbox = helper.shared_sandbox {}

  local function start(columns, env)
    sandbox:fault { delay = 0.02 }
    return terminal.start { children.lua(), command.path, "import", "--url", sandbox.url, "--concurrency", "4",
      importing.lines(LINES), columns = columns, env = env }
  end

  -- Waits until the last row matches, and there is nothing else but what was there before. Returns that row.
  local function wait_for(screen, pattern)
    local rows
    local done = pcall(helper.wait_until, function()
      rows = screen:rows()
      for i = 1, #rows - 1 do
        if not rows[i]:find "^%d$" then
          return false
        end
      end
      return rows[1] and rows[#rows]:find(pattern)
    end, 10, pattern)
    assert(done, pattern .. " is not the one row: " .. table.concat(rows, "\n"))
    return rows[#rows]
  end

  local WIDE = "^%[[#-]+%]  +%d+%%  [%d,]+ of 5,000  [%d,]+/s  [%d:]+ left  [%d,]+ delivered  0 rejected  %d+ waiting$"
  local MIDDLE = "^ +%d+%%  [%d,]+ of 5,000  [%d,]+/s  [%d:]+ left  [%d,]+ delivered  0 rejected  %d+ waiting$"
  local NARROW = "^ +%d+%%  [%d,]+ of 5,000  [%d,]+/s  [%d:]+ left$"

  for columns, pattern in pairs { [40] = NARROW, [80] = MIDDLE, [200] = WIDE } do
    it(("keeps one line that fits into %d columns"):format(columns), function()
      local screen = start(columns)
      assert.is_true(#wait_for(screen, pattern) < columns)
      screen:press "C-c"
    end)
  end

  it("keeps one line through every resize, and leaves only the table behind", function()
    local screen = start(200)
    wait_for(screen, WIDE)
    for _, step in ipairs { { 80, MIDDLE }, { 40, NARROW }, { 200, WIDE }, { 40, NARROW }, { 80, MIDDLE } } do
      screen:resize(step[1])
      assert.is_true(#wait_for(screen, step[2]) < step[1])
    end
    screen:press "C-c"
    helper.wait_until(function()
      local rows = screen:rows()
      return rows[#rows] == "status 75"
    end, 15, "the end")
    local rows = screen:rows()
    local first = 1
    while rows[first]:find "^%d$" do
      first = first + 1
    end
    assert.truthy(rows[first]:find "^read +%d", table.concat(rows, "\n"))
    assert.truthy(rows[#rows - 1]:find "^postevent: interrupted; the same command goes on from here", rows[#rows - 1])
  end)

  it("has colours, and none with NO_COLOR", function()
    local screen = start(200)
    wait_for(screen, "^%[#")
    helper.wait_until(function() -- it is drawn again and again
      return table.concat(screen:rows(true)):find "\27%[[%d;]*32m"
    end, 10, "green")
    screen:press "C-c"
    screen = start(200, { NO_COLOR = "1" })
    wait_for(screen, "^%[#")
    assert.is_nil(table.concat(screen:rows(true)):find "\27%[3%d")
    screen:press "C-c"
  end)

  it("says what stands in the way", function()
    sandbox:fault { status = 429, retry_after = 60 }
    local screen = start(120)
    local row = wait_for(screen, "HTTP 429")
    assert.truthy(row:find("waiting %d+ s$"), row)
    screen:press "C-c"
    screen:press "C-c"
  end)
end)

describe("postevent import without a terminal", function()
  helper.guard()
  local sandbox = helper.shared_sandbox {}

  -- Its stderr once there is a line, after ten seconds.
  local function first_line(option, value)
    sandbox:fault { delay = 0.05 }
    local child = children.spawn { children.lua(), command.path, "import", "--url", sandbox.url, "--concurrency", "2",
      importing.lines(1000), option, value, stop_signal = "SIGKILL" }
    helper.wait_until(function()
      return child:errors():find "\n"
    end, 20, "a line")
    return child:errors()
  end

  it("writes a line every ten seconds", function()
    local line = first_line()
    assert.truthy(line:find("^postevent: sending, %d+ of 1,000 lines, %d+/s, %d+ delivered, 0 rejected, %d+ waiting, "
      .. "%d:%d%d left\n$"), line)
  end)

  it("writes it as JSON for programs", function()
    local told = cjson.decode((first_line("--log", "json")))
    assert.equal("sending", told.phase)
    assert.equal(1000, told.total)
    assert.is_true(told.done > 0 and told.delivered > 0 and told.seconds_left > 0)
  end)
end)
