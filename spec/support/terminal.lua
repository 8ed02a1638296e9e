-- A real terminal for a program: tmux, with a server of its own, which goes with the test.
local children = require "support.children"
local files = require "support.files"
local waiting = require "support.waiting"

local terminal = { ROWS_BEFORE = 3 }

local Terminal = {}
Terminal.__index = Terminal

function Terminal:tmux(...)
  return children.must("tmux", "-N", "-S", self.socket, "-f", "/dev/null", ...)
end

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- start { program, argument, ..., columns =, env = } -> a terminal in which it runs, and which stays when it ends.
function terminal.start(options)
  local self = setmetatable({ socket = files.new_path "tmux" }, Terminal)
  local words = { "env" }
  local env = { LUA_PATH = package.path, LUA_CPATH = package.cpath, LD_PRELOAD = os.getenv "LD_PRELOAD" or "" }
  for name, value in pairs(options.env or {}) do
    env[name] = value
  end
  for name, value in pairs(env) do
    words[#words + 1] = quote(name .. "=" .. value)
  end
  for _, word in ipairs(options) do
    words[#words + 1] = quote(word)
  end
  children.spawn { "tmux", "-S", self.socket, "-f", "/dev/null", "-D", env = { TERM = "screen", TMUX = false } }
  waiting.wait_until(function()
    -- -N: not one more server, which goes as soon as it has nothing to do
    return (children.run { "tmux", "-N", "-S", self.socket, "start-server" }) == 0
  end, 5, "tmux")
  self:tmux("new-session", "-d", "-x", tostring(options.columns), "-y", "12",
    -- As in anybody's, something is there already: what wraps in the first rows of all goes where nobody can erase it.
    ("seq %d; %s; echo status $?; exec cat"):format(terminal.ROWS_BEFORE, table.concat(words, " ")))
  return self
end

function Terminal:resize(columns)
  self:tmux("resize-window", "-x", tostring(columns), "-y", "12")
end

-- The rows that have something in them. `colours`: with their escapes.
function Terminal:rows(colours)
  local rows = {}
  for row in self:tmux("capture-pane", "-p", colours and "-e" or "-J"):gmatch "[^\n]+" do
    if row:find "%S" then
      rows[#rows + 1] = (row:gsub(" +$", ""))
    end
  end
  return rows
end

function Terminal:press(key)
  self:tmux("send-keys", key)
end

return terminal
